"""Conversion of a source model to an OpenVINO IR of the requested precision, kept in one cache."""
