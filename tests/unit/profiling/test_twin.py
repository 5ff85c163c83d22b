"""Times of layers from what plugins report of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from statistics import fmean
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ocrbench.profiling.twin import ProfiledTwin, Watch
from ocrbench.records import Network


@dataclass
class Layer:
    node_name: str
    real_time: timedelta
    node_type: str = "Convolution"
    exec_type: str = "brgconv_avx512_f32"


@dataclass
class Compiled:
    """A network of one layer that takes as many milliseconds as its input is wide."""

    devices: Sequence[str] | str
    taken: list[float] = field(default_factory=list)

    def get_property(self, name: str) -> Any:
        assert name == "EXECUTION_DEVICES"
        return self.devices

    def get_runtime_model(self) -> Any:
        raise RuntimeError

    def infer(self, *tensors: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        self.taken.append(tensors[0].shape[-1])
        return ()

    @property
    def profiling_info(self) -> list[Layer]:
        """The CPU plugin reports the mean over all inferences, others the last one."""
        reported = fmean(self.taken) if "CPU" in str(self.devices) else self.taken[-1]
        return [Layer("conv", timedelta(milliseconds=reported))]


def twin(compiled: Compiled) -> ProfiledTwin:
    def build(watch: Watch) -> Network:
        return watch((), compiled, compiled, compiled.infer)

    return ProfiledTwin(build)


@pytest.mark.parametrize("devices", ["CPU", ["CPU"], ["(CPU)"], ["GPU.0"], "NPU"])
@pytest.mark.parametrize("widths", [(2400, *[64] * 9), (*[64] * 9, 2400)], ids=["wide first", "wide last"])
def test_the_times_add_up_whatever_the_order(devices: Sequence[str] | str, widths: Sequence[int]) -> None:
    profile = twin(Compiled(devices))
    for width in widths:
        profile(np.zeros((1, width)))
    (layer,) = profile.layers()
    assert layer.microseconds == pytest.approx(1000 * sum(widths), rel=1e-3)


@pytest.mark.parametrize("devices", ["CPU", "GPU.0"])
def test_only_what_came_since_the_last_reading_counts(devices: str) -> None:
    profile = twin(Compiled(devices))
    found = []
    for widths in ((100, 300), (50,), ()):
        for width in widths:
            profile(np.zeros((1, width)))
        found.append(profile.layers()[0].microseconds)
    assert found == pytest.approx([400_000, 50_000, 0], abs=5)
