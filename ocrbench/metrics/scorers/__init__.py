"""Scorers: one module per protocol, listed in ``metrics.scoring.SCORERS``."""
