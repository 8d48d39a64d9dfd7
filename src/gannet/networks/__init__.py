"""Networks know tensors and sizes; no files, no losses, no training."""
