"""The sensitivity table: order, numbers, empty cells."""

import io
import math

import pandas as pd
import pytest
from rich.console import Console

from ocrbench.report.tables import to_csv
from ocrbench.studies.sensitivity.attribution import Spent
from ocrbench.studies.sensitivity.layer_costs import LayerCost, Sensitivity
from ocrbench.studies.sensitivity.probe import Agreement
from ocrbench.studies.sensitivity.sensitivity_table import ORDERS, to_frame, to_table


def spent(milliseconds: float, executed: str = "i8") -> Spent:
    return Spent(milliseconds=milliseconds, executed=executed, kernels=f"kernel_{executed}")


def quantised(name: str, noise: float, product: float, auto: float, int8: float) -> LayerCost:
    return LayerCost(
        name=name,
        operation=f"op_{name}",
        kind="Convolution",
        whole=Agreement(signal=100, power=100, product=product, noise=2 * noise),
        alone=Agreement(signal=100, power=100, product=product, noise=noise),
        spent={"FP32": spent(9.0, "f32"), "AUTO": spent(auto, "bf16"), "INT8": spent(int8)},
    )


@pytest.fixture
def found() -> Sensitivity:
    layers = (
        quantised("good", noise=0.01, product=90, auto=4.0, int8=1.0),
        quantised("bad", noise=10.0, product=99, auto=2.0, int8=3.5),
        LayerCost(name="[red]pool", kind="MaxPool", spent={"AUTO": spent(1.0, "bf16"), "INT8": spent(2.0)}),
        LayerCost(name="fused", operation="fused", kind="Add", whole=Agreement(), alone=Agreement()),
    )
    return Sensitivity(name="finder", role="detector", inputs=8, layers=layers)


@pytest.mark.parametrize(
    ("order", "first"),
    [("sqnr", ["bad", "good", "fused"]), ("cosine", ["good", "bad"]), ("time", ["bad", "[red]pool", "good", "fused"])],
)
def test_the_costliest_come_first_and_what_is_unknown_last(found: Sensitivity, order: str, first: list[str]) -> None:
    assert to_frame(found, order)["layer"].tolist()[: len(first)] == first


def test_numbers(found: Sensitivity) -> None:
    rows = to_frame(found, "sqnr").set_index("layer")
    assert rows.loc["bad", "sqnr_alone_db"] == pytest.approx(10)
    assert rows.loc["bad", "sqnr_db"] == pytest.approx(10 * math.log10(5))
    assert rows.loc["bad", "int8_minus_auto_ms"] == pytest.approx(1.5)
    assert rows.loc["bad", ["auto_executed", "int8_kernels"]].tolist() == ["bf16", "kernel_i8"]
    # No time in FP32, though others have some, is none; no time anywhere is unknown.
    assert rows.loc["[red]pool", "fp32_ms"] == 0
    assert math.isnan(rows.loc["fused", "int8_ms"])


def test_the_console_shows_the_top_and_the_sum_of_all(found: Sensitivity) -> None:
    stream = io.StringIO()
    Console(file=stream, width=160, highlight=False).print(to_table(to_frame(found, "time"), 2))
    shown = stream.getvalue()
    assert "bad" in shown
    assert "[red]pool" in shown
    assert "good" not in shown
    (total,) = [line for line in shown.splitlines() if "all layers" in line]
    assert "6.50" in total


def test_csv_has_every_layer_and_column(found: Sensitivity) -> None:
    frame = pd.read_csv(io.BytesIO(to_csv(to_frame(found, "sqnr"))))
    assert len(frame) == 4
    assert {"model", "stage", "operation", "cosine", "fp32_kernels"} <= set(frame.columns)
    assert set(ORDERS) == {"sqnr", "cosine", "time"}
