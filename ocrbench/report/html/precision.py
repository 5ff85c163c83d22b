"""The requested precision, each type's share of the time, and the time of each layer."""

import io
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from ocrbench.precisions import executed_text
from ocrbench.profiling.run_files import LAYERS
from ocrbench.report.html.model import Report
from ocrbench.runs.run import Run

# Types with a colour in page.css.
COLOURED = ("f32", "f16", "bf16", "i8", "other")
# Number of layers shown per network; the others are summed up.
LAYERS_SHOWN = 40


def build(report: Report) -> Mapping[str, Any] | None:
    """List one row per run, stage and network; None if no run checked (``attest=off``)."""
    rows = [row for run in report.finished for row in _rows(run)]
    kinds = {bar["kind"] for row in rows for bar in row["bars"]}
    profiles = [profile for run in report.finished for profile in _profiles(run)]
    return {"rows": rows, "kinds": [kind for kind in COLOURED if kind in kinds], "profiles": profiles} if rows else None


def _rows(run: Run) -> list[dict[str, Any]]:
    return [
        {
            "label": run.label,
            "part": _part(role, name, len(networks)),
            "asked": network["precision"],
            "hint": network.get("hint", ""),
            "reported": network.get("reported", ""),
            "devices": ", ".join(network["execution_devices"]),
            "executed": executed_text(network["executed"]),
            "bars": _bars(network["executed"]),
            "honoured": bool(network["honoured"]),
            "emulated": ", ".join(network.get("emulated", ())),
        }
        for role, networks in run.execution.items()
        for name, network in networks.items()
    ]


def _profiles(run: Run) -> Iterator[dict[str, Any]]:
    """Return the slowest layers of each network of a profiled run; empty for other runs."""
    text = run.log(LAYERS)
    if text is None:
        return
    frame = pd.read_csv(io.StringIO(text), keep_default_na=False)
    networks = [(role, name, len(names)) for role, names in run.execution.items() for name in names]
    for role, name, count in networks:
        of_network = frame[(frame["stage"] == role) & (frame["network"] == name)]
        # A layer without time was fused into another one, or never runs.
        layers = of_network[of_network["ms"] > 0].sort_values("ms", ascending=False, kind="stable")
        if layers.empty:
            continue
        total, rest = layers["ms"].sum(), layers["ms"][LAYERS_SHOWN:]
        columns = ["layer", "type", "executed", "ms"]
        yield {
            "label": run.label,
            "part": _part(role, name, count),
            "count": len(layers),
            "ms": total,
            "rows": [
                {**row, "share": row["ms"] / total} for row in layers[columns].head(LAYERS_SHOWN).to_dict("records")
            ],
            "rest": {"count": len(rest), "ms": rest.sum(), "share": rest.sum() / total} if len(rest) else None,
        }


def _part(role: str, name: str, networks: int) -> str:
    """Name a network; the only one of a stage is named by the stage."""
    return role if networks == 1 else f"{role}, {name}"


def _bars(executed: Mapping[str, float]) -> list[dict[str, Any]]:
    """Place the shares side by side, in percent of the width."""
    bars, left = [], 0.0
    for kind, share in executed.items():
        shown = kind if kind in COLOURED else "other"
        bars.append({"kind": shown, "left": round(100 * left, 2), "width": round(100 * share, 2)})
        left += share
    return bars
