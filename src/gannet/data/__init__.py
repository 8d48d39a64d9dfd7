"""From what lies on disk to endless batches."""
