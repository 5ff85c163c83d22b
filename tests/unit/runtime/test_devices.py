"""What identifies devices, as plugins would tell it."""

from typing import Any

import openvino as ov
import pytest

from ocrbench.runtime.devices import identities

PLUGINS: dict[str, dict[str, Any]] = {
    "CPU": {"FULL_DEVICE_NAME": "Some CPU", "DEVICE_ARCHITECTURE": "intel64"},
    "GPU.1": {"FULL_DEVICE_NAME": "Some GPU", "DEVICE_ARCHITECTURE": "GPU: v12", "GPU_DRIVER_VERSION": "1.2"},
    "NPU": {
        "FULL_DEVICE_NAME": "Some NPU",
        "NPU_DRIVER_VERSION": 32_000,
        "NPU_COMPILER_TYPE": "DRIVER",
        "NPU_COMPILER_VERSION": 458_753,
        "PERF_COUNT": False,
    },
}


class Core:
    """A machine with three devices, of which one property cannot be read, as in OpenVINO 2026.4."""

    available_devices = tuple(PLUGINS)

    def get_property(self, device: str, name: str) -> Any:
        if device not in PLUGINS:
            message = f"no device {device}"
            raise RuntimeError(message)
        if name == "SUPPORTED_PROPERTIES":
            return {**dict.fromkeys(PLUGINS[device], "RO"), "COMPATIBILITY_CHECK": "RO", "OLD_DRIVER_VERSION": "RO"}
        if name not in PLUGINS[device]:
            raise TypeError(name)
        return PLUGINS[device][name]


def test_only_what_identifies_a_device_is_read() -> None:
    (known,) = identities(["NPU"], Core()).values()
    assert known == {
        "FULL_DEVICE_NAME": "Some NPU",
        "NPU_DRIVER_VERSION": "32000",
        "NPU_COMPILER_TYPE": "DRIVER",
        "NPU_COMPILER_VERSION": "458753",
    }


@pytest.mark.parametrize(
    ("names", "expected"), [([], ["CPU", "GPU.1", "NPU"]), (["NPU", "CPU", "NPU"], ["CPU", "NPU"]), (["X"], ["X"])]
)
def test_all_devices_or_those_that_are_named(names: list[str], expected: list[str]) -> None:
    assert list(identities(names, Core())) == expected


def test_the_processor_of_this_machine() -> None:
    assert identities(["CPU"])["CPU"]["FULL_DEVICE_NAME"] == ov.Core().get_property("CPU", "FULL_DEVICE_NAME")
