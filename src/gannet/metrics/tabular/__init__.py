"""Metrics of tables: dependence between columns, marginals, distances between rows."""
