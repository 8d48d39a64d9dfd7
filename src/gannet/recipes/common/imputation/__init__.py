"""Imputation of table cells by the network, a Gaussian and forests of extremely random trees."""
