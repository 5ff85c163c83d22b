"""Stored runs: the one type for a run, where runs lie, and every table of them. Nothing here imports OpenVINO."""
