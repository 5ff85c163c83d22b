"""OpenVINO: devices, compilation, properties, and which precision was really executed."""
