"""The devices that OpenVINO finds."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import openvino as ov

from ocrbench.errors import DeviceError

# Devices that delegate work to others.
VIRTUAL_DEVICES = ("AUTO", "MULTI", "HETERO", "BATCH")
# Properties that identify a device: names differ by plugin (``NPU_DRIVER_VERSION``). Reading all properties raises, for
# example for ``COMPATIBILITY_CHECK`` of OpenVINO 2026.4.
IDENTIFYING = re.compile(r"FULL_DEVICE_NAME$|DEVICE_ARCHITECTURE$|DRIVER_VERSION$|COMPILER_(TYPE|VERSION)$")


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
    for name in named_devices(device):
        if name not in known:
            choices = ", ".join([*available, "AUTO", "MULTI:…", "HETERO:…"])
            message = f"device={device}: OpenVINO finds no {name} on this machine; available: {choices}"
            raise DeviceError(message)


def named_devices(device: str) -> list[str]:
    """Return the real devices that a device string names: none for ``AUTO`` alone, which may take any.

    >>> named_devices("HETERO:GPU.1,CPU"), named_devices("AUTO:GPU(4),-NPU"), named_devices("AUTO")
    (['GPU.1', 'CPU'], ['GPU'], [])
    """
    head, _, members = device.partition(":")
    if head not in VIRTUAL_DEVICES:
        return [device]
    names = [re.sub(r"\(.*\)", "", name).strip() for name in members.split(",") if name.strip()]
    return [name for name in names if not name.startswith("-")]


def runs_on_cpu(device: str) -> bool:
    """Return whether a device string leaves nothing but the CPU of this machine to run on."""
    return set(named_devices(device) or ov.Core().available_devices) == {"CPU"}


def identities(names: Iterable[str], core: Any = None) -> dict[str, dict[str, str]]:  # noqa: ANN401 - no stubs
    """Return what identifies devices, so that a new driver or compiler makes a new cell.

    Args:
        names: Real devices; none for all that there are.
        core: An ``ov.Core``.

    Returns:
        Device → its full name, architecture, driver and compiler, by the names of OpenVINO's properties, as far as it
        has them.
    """
    core = core or ov.Core()
    found: dict[str, dict[str, str]] = {}
    for name in sorted({*names} or {*core.available_devices}):
        known = found.setdefault(name, {})
        for key in _supported(core, name):
            try:
                known[key] = str(core.get_property(name, key))
            except (RuntimeError, TypeError):
                continue
    return found


def _supported(core: Any, name: str) -> list[str]:  # noqa: ANN401 - OpenVINO has no stubs
    try:
        return sorted(key for key in core.get_property(name, "SUPPORTED_PROPERTIES") if IDENTIFYING.search(key))
    except RuntimeError:
        return []


def _describe(core: Any, name: str) -> Device:  # noqa: ANN401 - OpenVINO has no stubs
    capabilities = tuple(core.get_property(name, "OPTIMIZATION_CAPABILITIES"))
    native = tuple(kind for kind in ("FP32", "FP16", "BF16", "INT8", "INT4") if kind in capabilities)
    full_name = str(core.get_property(name, "FULL_DEVICE_NAME"))
    return Device(name=name, full_name=full_name, capabilities=capabilities, native=native)
