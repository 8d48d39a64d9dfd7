"""Class names as conditions."""
