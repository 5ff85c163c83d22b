"""Whether our way of calling OpenVINO costs time: against OpenVINO's own ``benchmark_app``, in turns."""
