"""Python imports this first where this folder is in ``PYTHONPATH``: OpenVINO's tools then start no telemetry.

They do without it where the package is missing, and their own switch is a question, and a file in the user's home.
"""

import sys

sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
