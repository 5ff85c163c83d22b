"""Which layers of a model cost accuracy or time when it is quantised."""

from ocrbench.sensitivity.agreement import Agreement
from ocrbench.sensitivity.attribution import Group, Spent
from ocrbench.sensitivity.measuring import LayerCost, Role, Sensitivity, check_quantisable, measure_sensitivity

__all__ = [
    "Agreement",
    "Group",
    "LayerCost",
    "Role",
    "Sensitivity",
    "Spent",
    "check_quantisable",
    "measure_sensitivity",
]
