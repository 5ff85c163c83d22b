"""Drive the processes that measure."""

from ocrbench.schedule.alone import alone
from ocrbench.schedule.blocks import Measured, Timing, same_texts, with_most_text
from ocrbench.schedule.fresh import FreshProcesses
from ocrbench.schedule.measuring import measure, prepare
from ocrbench.schedule.pool import WorkerPool, cores_for, workers_for
from ocrbench.schedule.process import Listener, Worker

__all__ = [
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
    "with_most_text",
    "workers_for",
]
