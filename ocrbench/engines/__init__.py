"""What reads text in images: the interface of an engine, and its one member, the OpenVINO pipeline."""
