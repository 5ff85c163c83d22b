"""Comparison of two configurations: paired statistics and a verdict."""
