"""Where a network's time goes: its layers, timed in a profiled twin, and the stages of a pipeline over time."""
