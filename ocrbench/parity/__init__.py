"""Whether our way of calling OpenVINO costs time: against OpenVINO's own ``benchmark_app``, in turns."""

from ocrbench.parity.measuring import Parity, measure_parity
from ocrbench.parity.targets import ROLES, Role, Target, targets_of

__all__ = ["ROLES", "Parity", "Role", "Target", "measure_parity", "targets_of"]
