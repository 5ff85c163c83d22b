"""The devices that OpenVINO finds."""

import re
from dataclasses import dataclass
from typing import Any

import openvino as ov

from ocrbench.errors import DeviceError

# Devices that delegate work to others.
VIRTUAL_DEVICES = ("AUTO", "MULTI", "HETERO", "BATCH")


@dataclass(frozen=True, kw_only=True)
class Device:
    """A device as OpenVINO names it.

    Attributes:
        native: Inference precisions for which the device reports instructions.
    """

    name: str
    full_name: str
    capabilities: tuple[str, ...]
    native: tuple[str, ...]


def devices() -> list[Device]:
    """List the devices that OpenVINO finds on this machine."""
    core = ov.Core()
    return [_describe(core, name) for name in core.available_devices]


def check_device(device: str) -> None:
    """Check that every device in a device string exists.

    Raises:
        DeviceError: A device is missing; the message lists the available ones.
    """
    available = ov.Core().available_devices
    known = {*available, *(name.partition(".")[0] for name in available)}
    head, _, members = device.partition(":")
    if head in VIRTUAL_DEVICES:
        wanted = [re.sub(r"\(.*\)", "", name).strip() for name in members.split(",") if name.strip()]
        wanted = [name for name in wanted if not name.startswith("-")]
    else:
        wanted = [device]
    for name in wanted:
        if name not in known:
            choices = ", ".join([*available, "AUTO", "MULTI:…", "HETERO:…"])
            message = f"device={device}: OpenVINO finds no {name} on this machine; available: {choices}"
            raise DeviceError(message)


def _describe(core: Any, name: str) -> Device:  # noqa: ANN401 - OpenVINO has no stubs
    capabilities = tuple(core.get_property(name, "OPTIMIZATION_CAPABILITIES"))
    native = tuple(kind for kind in ("FP32", "FP16", "BF16", "INT8", "INT4") if kind in capabilities)
    full_name = str(core.get_property(name, "FULL_DEVICE_NAME"))
    return Device(name=name, full_name=full_name, capabilities=capabilities, native=native)
