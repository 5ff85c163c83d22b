"""Measure cells: the processes that do it, what they report, and the passes over the images."""
