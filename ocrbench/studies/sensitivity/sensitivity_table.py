"""What quantising costs, layer by layer: as a table for people and as one for programs."""

import pandas as pd
from rich.table import Table
from rich.text import Text

from ocrbench.studies.sensitivity.layer_costs import LayerCost, Sensitivity

PRECISIONS = ("FP32", "AUTO", "INT8")
# How to sort → the column, and whether its smallest values come first.
ORDERS = {"sqnr": ("sqnr_alone_db", True), "cosine": ("cosine_alone", True), "time": ("int8_minus_auto_ms", False)}
DECIMALS = {"_db": 1, "cosine": 4, "_alone": 4, "_ms": 2}
# Column → heading, as short as a terminal wants it.
SHOWN = {
    "layer": "layer",
    "operation": "operation",
    "type": "type",
    "sqnr_db": "SQNR dB",
    "sqnr_alone_db": "alone dB",
    "cosine_alone": "alone cos",
    "fp32_ms": "FP32 ms",
    "auto_ms": "AUTO ms",
    "int8_ms": "INT8 ms",
    "int8_minus_auto_ms": "INT8-AUTO",
    "auto_executed": "AUTO ran",
    "int8_executed": "INT8 ran",
}
EMPTY = "–"


def to_frame(found: Sensitivity, order: str) -> pd.DataFrame:
    """List every layer, the costliest first.

    Args:
        found: What was measured.
        order: A key of ``ORDERS``; layers without a value come last.
    """
    frame = pd.DataFrame([_row(found, layer) for layer in found.layers])
    column, ascending = ORDERS[order]
    return frame.sort_values(column, ascending=ascending, kind="stable", na_position="last", ignore_index=True)


def to_table(frame: pd.DataFrame, top: int | None) -> Table:
    """Draw the first rows, and a last one with the times of all layers."""
    shown = Table(show_footer=True)
    for name, heading in SHOWN.items():
        total = _text(name, frame[name].sum()) if name.endswith("_ms") else "all layers" if name == "layer" else ""
        number = pd.api.types.is_float_dtype(frame[name])
        shown.add_column(heading, footer=Text(total), justify="right" if number else "left", overflow="fold")
    for _, row in frame.head(len(frame) if top is None else top).iterrows():
        shown.add_row(*(Text(_text(name, row[name])) for name in SHOWN))
    return shown


def _row(found: Sensitivity, layer: LayerCost) -> dict[str, object]:
    times = {each: layer.spent[each].milliseconds for each in PRECISIONS if each in layer.spent}
    # A layer that one precision has no time for, while another one has, took none there.
    known = dict.fromkeys(PRECISIONS, 0.0 if times else float("nan")) | times
    return {
        "model": found.name,
        "stage": found.role,
        "layer": layer.name,
        "operation": layer.operation,
        "type": layer.kind,
        "sqnr_db": layer.whole.sqnr_db if layer.whole else float("nan"),
        "cosine": layer.whole.cosine if layer.whole else float("nan"),
        "sqnr_alone_db": layer.alone.sqnr_db if layer.alone else float("nan"),
        "cosine_alone": layer.alone.cosine if layer.alone else float("nan"),
        **{f"{each.lower()}_ms": known[each] for each in PRECISIONS},
        "int8_minus_auto_ms": known["INT8"] - known["AUTO"],
        **{f"{each.lower()}_executed": _spent(layer, each, "executed") for each in PRECISIONS},
        **{f"{each.lower()}_kernels": _spent(layer, each, "kernels") for each in PRECISIONS},
    }


def _spent(layer: LayerCost, precision: str, what: str) -> str:
    return str(getattr(layer.spent[precision], what)) if precision in layer.spent else ""


def _text(column: str, value: object) -> str:
    if isinstance(value, float):
        decimals = next((each for suffix, each in DECIMALS.items() if column.endswith(suffix)), 0)
        return EMPTY if pd.isna(value) else f"{value:.{decimals}f}"
    return str(value) or EMPTY
