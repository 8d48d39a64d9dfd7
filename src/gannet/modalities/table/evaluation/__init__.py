"""Scores of tables: fidelity, utility, privacy, imputation."""
