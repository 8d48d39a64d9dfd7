"""Networks for table rows, whose fields are sampled one by one (autoregressively)."""
