"""Reading and writing IRs: what OpenVINO would change without a word."""

from pathlib import Path

import numpy as np
import openvino as ov
import pytest

from ocrbench.convert.ir import read_source, save
from ocrbench.convert.quantize import quantised_operations
from ocrbench.graphs.nodes import ops


def model_with(**constants: list[float]) -> ov.Model:
    entry = ops.parameter([1, 4], np.float32)
    total = entry
    for name, values in constants.items():
        total = ops.add(total, ops.constant(np.array(values, dtype=np.float32), name=name))
    return ov.Model([total], [entry], "sums")


@pytest.mark.parametrize(
    ("values", "count"),
    [([1, 2, 3, 65504], 0), ([1, 2, 3, 1e5], 1), ([1, 2, -np.inf, 1e5], 2), ([1, 1e6, 1e6, 1e6], 0)],
)
def test_values_that_do_not_fit_into_float16_are_counted_and_named(
    values: list[float], count: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "model.xml"
    save(model_with(mask=values, fine=[1, 2, 3, 4]), path, compress=True)
    answer = ov.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(np.zeros((1, 4), np.float32))[0]
    exact = np.array(values, dtype=np.float32) + np.array([1, 2, 3, 4], dtype=np.float32)
    changed = int((~np.isclose(answer[0], exact, rtol=1e-2)).sum())
    assert changed == count
    assert caplog.messages == ([f"float16: {count} values do not fit and become ±65504, in mask"] if count else [])


def test_stored_as_float32_nothing_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    save(model_with(mask=[1, 2, 3, 1e5]), tmp_path / "model.xml", compress=False)
    assert caplog.messages == []


def test_an_ir_that_was_saved_as_it_was_read_quantises_like_its_source(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """NNCF would leave its depthwise convolutions in float."""
    nncf = pytest.importorskip("nncf")
    rapidocr = pytest.importorskip("rapidocr")
    source = Path(rapidocr.__file__).parent / "models" / "PP-OCRv6_det_small.onnx"
    ov.save_model(ov.Core().read_model(source), tmp_path / "read.xml", compress_to_fp16=False)
    images = [np.random.default_rng(0).random((1, 3, 64, 64), dtype=np.float32)]
    found = []
    for path in (source, tmp_path / "read.xml"):
        quantised = nncf.quantize(read_source(path)[0], nncf.Dataset(images), subset_size=1)
        grouped = {
            node.get_friendly_name() for node in quantised.get_ops() if node.get_type_name() == "GroupConvolution"
        }
        found.append(len(grouped & quantised_operations(quantised)))
    assert found[0] == found[1] > 10
