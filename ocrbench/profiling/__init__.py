"""The time of a network's layers, from a profiled twin, and of a pipeline's stages."""
