"""From a source model to an OpenVINO IR of the wanted precision, kept in one cache."""

from ocrbench.convert.converter import convert_detector, convert_recognizer

__all__ = ["convert_detector", "convert_recognizer"]
