"""Which precision was asked for, and which types took which share of the time."""

from collections.abc import Mapping
from typing import Any

from ocrbench.report.html.model import Report, ReportRun
from ocrbench.table import executed_text

# The types that the page has colours for, see page.css.
COLOURED = ("f32", "f16", "bf16", "i8", "other")


def build(report: Report) -> Mapping[str, Any] | None:
    """List a row per run, stage and network; nothing where no run looked (``attest=off``)."""
    rows = [row for run in report.finished for row in _rows(run)]
    kinds = {bar["kind"] for row in rows for bar in row["bars"]}
    return {"rows": rows, "kinds": [kind for kind in COLOURED if kind in kinds]} if rows else None


def _rows(run: ReportRun) -> list[dict[str, Any]]:
    return [
        {
            "label": run.label,
            "part": role if len(networks) == 1 else f"{role}, {name}",
            "asked": network["precision"],
            "hint": network.get("hint", ""),
            "reported": network.get("reported", ""),
            "devices": ", ".join(network["execution_devices"]),
            "executed": executed_text(network["executed"]),
            "bars": _bars(network["executed"]),
            "honoured": bool(network["honoured"]),
            "emulated": ", ".join(network.get("emulated", ())),
        }
        for role, networks in run.record.execution.items()
        for name, network in networks.items()
    ]


def _bars(executed: Mapping[str, float]) -> list[dict[str, Any]]:
    """Place the shares side by side, in percent of the width."""
    bars, left = [], 0.0
    for kind, share in executed.items():
        shown = kind if kind in COLOURED else "other"
        bars.append({"kind": shown, "left": round(100 * left, 2), "width": round(100 * share, 2)})
        left += share
    return bars
