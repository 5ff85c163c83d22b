"""Which layers of a model cost accuracy or time when it is quantised."""

from ocrbench.sensitivity.agreement import Agreement
from ocrbench.sensitivity.attribution import Group, Spent
from ocrbench.sensitivity.measuring import LayerCost, Role, Sensitivity, measure_sensitivity

__all__ = ["Agreement", "Group", "LayerCost", "Role", "Sensitivity", "Spent", "measure_sensitivity"]
