"""Drive the processes that measure."""

from ocrbench.schedule.blocks import Measured, Timing, to_region
from ocrbench.schedule.measuring import Artifacts, measure, prepare
from ocrbench.schedule.process import Listener, Worker

__all__ = ["Artifacts", "Listener", "Measured", "Timing", "Worker", "measure", "prepare", "to_region"]
