"""Scores: pure functions from predictions, ground truth and times to numbers."""
