"""Rows of tables from a trained model, as cells, balance and rules are asked for."""
