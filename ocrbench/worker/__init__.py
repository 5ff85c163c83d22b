"""The process that converts and measures, and how it is spoken to."""
