"""OpenVINO: devices, compilation, properties, and which precision was really executed."""

from ocrbench.runtime.devices import Device, check_device, devices
from ocrbench.runtime.folding import Entry, ops, save_folded
from ocrbench.runtime.host import folded_part, network_shape
from ocrbench.runtime.network import CompiledNetwork, Execution, Settings

__all__ = [
    "CompiledNetwork",
    "Device",
    "Entry",
    "Execution",
    "Settings",
    "check_device",
    "devices",
    "folded_part",
    "network_shape",
    "ops",
    "save_folded",
]
