"""Layers with their times, listed and put together by type."""

from typing import Any

import pytest

from ocrbench.profiling.run_files import layer_frame, summarised


def layer(name: str, kind: str, exec_type: str, microseconds: int) -> dict[str, Any]:
    originals = (name, f"{name}/bias")
    return {"name": name, "kind": kind, "exec_type": exec_type, "microseconds": microseconds, "originals": originals}


LAYERS = [
    layer("image", "Convert", "jit_avx512_U8", 400),
    layer("a", "Convolution", "brgconv_avx512_f32", 3000),
    layer("b", "Convolution", "brgconv_avx512_f32", 1000),
    layer("c", "Convolution", "brgconv_avx512_bf16", 6000),
    layer("d", "Result", "unknown", 0),
]
EXECUTION = {
    "detector": {"network": {"device": "CPU", "layers": LAYERS, "replayed": 2}},
    "recognizer": {"network": {"device": "CPU", "layers": [], "replayed": 2}},
}


def test_every_layer_is_listed_with_its_time_per_image() -> None:
    frame = layer_frame(EXECUTION)
    assert frame["layer"].tolist() == ["image", "a", "b", "c", "d"]
    assert frame["ms"].tolist() == [0.2, 1.5, 0.5, 3.0, 0.0]
    # With no 8-bit arithmetic, what is 8-bit is the image.
    assert frame["executed"].tolist() == ["other", "f32", "f32", "bf16", "other"]
    assert frame["operations"][1] == "a a/bias"
    assert set(frame["stage"]) == {"detector"}


def test_types_are_told_apart_by_precision_and_add_up() -> None:
    found = summarised(EXECUTION)
    network = found["detector"]["network"]
    assert [(each["type"], each["executed"], each["layers"], each["ms"]) for each in network["layer_types"]] == [
        ("Convolution", "bf16", 1, 3.0),
        ("Convolution", "f32", 2, 2.0),
        ("Convert", "other", 1, 0.2),
    ]
    assert sum(each["ms"] for each in network["layer_types"]) == pytest.approx(layer_frame(EXECUTION)["ms"].sum())
    assert network["device"] == "CPU"
    assert "layers" not in network


def test_a_network_without_layers_has_no_types() -> None:
    assert summarised(EXECUTION)["recognizer"]["network"] == {"device": "CPU", "replayed": 2}
