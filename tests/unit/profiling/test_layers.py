"""What is read out of the names of kernels; all of them as OpenVINO 2024.6 and 2026.4 gave them on an AVX-512 CPU."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from statistics import fmean
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ocrbench.profiling.layers import LayerTime, ProfiledTwin, Watch, emulated, fastest, shares
from ocrbench.records import Network

NATIVE = ["brgconv_avx512_bf16", "brgconv_avx512_1x1_bf16", "brgemm_avx512_bf16", "brgconv_avx512_amx_bf16"]
GENERIC = ["jit_avx512_bf16", "jit_avx512_1x1_bf16", "jit_avx512_dw_bf16", "jit_gemm_bf16", "ref_any_bf16"]


def layer(exec_type: str, kind: str = "Convolution", us: int = 10, name: str = "") -> LayerTime:
    return LayerTime(name=name or exec_type, kind=kind, exec_type=exec_type, microseconds=us)


@pytest.mark.parametrize("kernel", NATIVE)
def test_a_kernel_for_the_instructions_shows_that_they_are_there(kernel: str) -> None:
    assert emulated([layer(kernel)]) == ()
    # So the generic ones of the same process have them too.
    assert emulated([layer(kernel), *map(layer, GENERIC)]) == ()


@pytest.mark.parametrize("kernel", GENERIC)
def test_generic_kernels_only_mean_that_they_are_not(kernel: str) -> None:
    assert emulated([layer(kernel), layer("brgconv_avx512_f32"), layer("brgconv_avx512_I8")]) == ("bf16",)


@pytest.mark.parametrize(
    "layers",
    [
        [],
        [layer("brgconv_avx512_f32"), layer("jit_avx512_f32", kind="HSwish")],
        # Moving bf16 around takes no arithmetic.
        [layer("unknown_bf16", kind="Transpose"), layer("jit_avx512_bf16", kind="Interpolate")],
        # Kernels of other plugins and processors.
        [layer("ocl::gemm::bf16"), layer("gemm_tiled_opt__f16"), layer("acl_f16")],
    ],
)
def test_nothing_is_said_without_evidence(layers: list[LayerTime]) -> None:
    assert emulated(layers) == ()


def test_the_shortest_time_counts_for_each_type_of_a_layer() -> None:
    passes = [[layer("jit_f32", us=us, name="a"), layer("jit_bf16", us=30 - us, name="a")] for us in (20, 10)]
    assert fastest(*passes) == [layer("jit_f32", us=10, name="a"), layer("jit_bf16", us=10, name="a")]


def test_8_bits_without_8_bit_arithmetic_are_the_images() -> None:
    convert = layer("jit_avx512_I8", kind="Convert", us=25)
    assert shares([convert, layer("jit_f32", us=75)]) == {"f32": 0.75, "other": 0.25}
    assert shares([convert, layer("brgconv_avx512_I8", us=75)]) == {"i8": 1.0}


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
