"""Drive the processes that measure."""

from ocrbench.schedule.alone import alone
from ocrbench.schedule.blocks import Measured, Timing, same_texts, to_region, with_most_text
from ocrbench.schedule.fresh import FreshProcesses
from ocrbench.schedule.measuring import Artifacts, measure, prepare
from ocrbench.schedule.pool import WorkerPool, cores_for, workers_for
from ocrbench.schedule.process import Listener, Worker

__all__ = [
    "Artifacts",
    "FreshProcesses",
    "Listener",
    "Measured",
    "Timing",
    "Worker",
    "WorkerPool",
    "alone",
    "cores_for",
    "measure",
    "prepare",
    "same_texts",
    "to_region",
    "with_most_text",
    "workers_for",
]
