"""OpenVINO: devices, compilation, properties, and which precision was really executed."""

from ocrbench.runtime.devices import Device, check_device, devices
from ocrbench.runtime.folding import Entry, save_folded
from ocrbench.runtime.host import folded_part, network_shape
from ocrbench.runtime.network import CompiledNetwork, Execution, Settings
from ocrbench.runtime.operations import NamedOps, ops

__all__ = [
    "CompiledNetwork",
    "Device",
    "Entry",
    "Execution",
    "NamedOps",
    "Settings",
    "check_device",
    "devices",
    "folded_part",
    "network_shape",
    "ops",
    "save_folded",
]
