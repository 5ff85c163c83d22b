"""Times of networks that fuse their layers differently."""

import pytest

from ocrbench.profiling.layers import LayerTime
from ocrbench.studies.sensitivity.attribution import attribute
from ocrbench.studies.sensitivity.layer_costs import LayerCost, join
from ocrbench.studies.sensitivity.probe import Agreement

SAME = {name: name for name in ("a", "bias", "b", "c")}


def layer(name: str, *originals: str, us: int = 10, kind: str = "Convolution", exec_type: str = "jit_f32") -> LayerTime:
    return LayerTime(name=name, kind=kind, exec_type=exec_type, microseconds=us, originals=originals)


def by_operations(profiles: dict[str, list[LayerTime]], names: dict[str, dict[str, str]] | None = None) -> dict:
    names = names or dict.fromkeys(profiles, SAME)
    return {group.operations: group for group in attribute(profiles, names, inputs=2)}


def test_layers_of_the_same_operations_are_one_group() -> None:
    groups = by_operations({"FP32": [layer("a", "a", "bias", us=4000)], "INT8": [layer("a", "a", "bias", us=1000)]})
    spent = groups[frozenset({"a", "bias"})].spent
    assert (spent["FP32"].milliseconds, spent["INT8"].milliseconds) == (2.0, 0.5)


def test_what_one_precision_fuses_is_told_apart_by_none() -> None:
    groups = by_operations(
        {"FP32": [layer("a", "a", "b"), layer("c", "c")], "INT8": [layer("a", "a"), layer("b", "b")]}
    )
    assert set(groups) == {frozenset("ab"), frozenset("c")}
    assert "INT8" not in groups[frozenset("c")].spent


def test_fusions_that_overlap_are_joined_over_precisions() -> None:
    """FP32 has (a b)(c), INT8 has (a)(b c): only the three together can be compared."""
    groups = by_operations(
        {"FP32": [layer("c", "c"), layer("a", "a", "b")], "INT8": [layer("b", "b", "c"), layer("a", "a")]}
    )
    assert set(groups) == {frozenset("abc")}


def test_names_are_translated() -> None:
    names = {"FP32": SAME, "INT8": {"Multiply_7": "a"}}
    groups = by_operations({"FP32": [layer("a", "a")], "INT8": [layer("Multiply_7", "Multiply_7")]}, names)
    assert set(groups[frozenset("a")].spent) == {"FP32", "INT8"}


def test_a_quantiser_counts_to_its_layer_and_a_conversion_to_who_needs_it() -> None:
    found = [
        layer("a", "a", us=1000, exec_type="brgconv_avx512_I8"),
        layer("b/fq_output_0", "b/fq_output_0", us=300, kind="FakeQuantize", exec_type="jit_avx512_f32"),
        layer("b", "b", us=600, exec_type="brgconv_avx512_I8"),
        layer("a_f32_acdb_u8_acdb_b", us=200, kind="Reorder", exec_type="jit_uni_f32"),
    ]
    groups = by_operations({"INT8": found})
    spent = groups[frozenset("b")].spent["INT8"]
    assert spent.milliseconds == pytest.approx(0.55)
    assert (spent.executed, spent.kernels) == ("i8 f32", "brgconv_avx512_I8 jit_avx512_f32 jit_uni_f32")


def test_no_time_is_lost() -> None:
    found = [
        layer("a", "a", us=5),
        layer("made_up", "made_up", us=7, kind="Convert"),
        layer("x_abcd_acdb_nobody", us=11, kind="Reorder"),
        layer("b", "b", us=0),
    ]
    groups = attribute({"FP32": found}, {"FP32": SAME}, inputs=1)
    assert sum(group.spent["FP32"].milliseconds for group in groups) == pytest.approx(0.023)
    assert {group.kind for group in groups if not group.operations} == {"Convert", "Reorder"}


def test_a_groups_time_stands_once_at_the_layer_that_computes() -> None:
    quantised = [
        LayerCost(name="sum", operation="sum", kind="Add", whole=Agreement(), alone=Agreement()),
        LayerCost(name="bias", operation="Multiply_7", kind="Convolution", whole=Agreement(), alone=Agreement()),
    ]
    names = {"sum": "sum", "Multiply_7": "a"}
    profiles = {"INT8": [layer("Multiply_7", "Multiply_7", "sum"), layer("pool", "pool", kind="MaxPool")]}
    groups = attribute(profiles, {"INT8": {**names, "pool": "pool"}}, inputs=1)
    rows = {row.name: row for row in join(quantised, names, groups)}
    assert list(rows) == ["sum", "bias", "pool"]
    assert rows["sum"].spent == {}
    assert rows["bias"].spent["INT8"].milliseconds == pytest.approx(0.01)
    assert (rows["pool"].kind, rows["pool"].whole) == ("MaxPool", None)
