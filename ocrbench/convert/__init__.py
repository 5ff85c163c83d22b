"""From a source model to an OpenVINO IR of the wanted precision, kept in one cache."""
