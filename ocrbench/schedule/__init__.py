"""Drive the processes that measure."""

from ocrbench.schedule.measuring import Artifacts, Measured, Timing, measure, prepare, to_region
from ocrbench.schedule.process import Listener, Worker

__all__ = ["Artifacts", "Listener", "Measured", "Timing", "Worker", "measure", "prepare", "to_region"]
