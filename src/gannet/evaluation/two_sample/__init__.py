"""Classifier two-sample tests (C2ST): can anything that learns tell generated from real?"""
