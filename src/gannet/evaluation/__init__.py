"""Scores of a trained model beside held-out data, and the report of them."""
