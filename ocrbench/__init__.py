"""Benchmark and evaluate OCR pipelines on OpenVINO devices and precisions."""

__version__ = "0.1.0"
