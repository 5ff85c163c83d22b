"""OpenVINO: devices, compilation, properties, and which precision was really executed."""

from ocrbench.runtime.devices import Device, check_device, devices
from ocrbench.runtime.network import CompiledNetwork, Execution, Settings

__all__ = ["CompiledNetwork", "Device", "Execution", "Settings", "check_device", "devices"]
