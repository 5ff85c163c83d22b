"""Which widths and which batch size suit a dataset's crops, by what they cost on the device."""

from ocrbench.planning.buckets import BATCH_SIZES, Bucket, Expected, best_dynamic, best_widths, buckets, expected
from ocrbench.planning.costs import Costs
from ocrbench.planning.measuring import Candidate, Check, Planned, check_plannable, measure_plan

__all__ = [
    "BATCH_SIZES",
    "Bucket",
    "Candidate",
    "Check",
    "Costs",
    "Expected",
    "Planned",
    "best_dynamic",
    "best_widths",
    "buckets",
    "check_plannable",
    "expected",
    "measure_plan",
]
