"""The one schema of the tables: runs → pandas.

The long form has a row per (run, stage, metric). The wide form, which people read, has a row per run; a failed run
keeps its row, with the reason and the numbers that it has.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ocrbench.records import RunRecord
from ocrbench.settings import differing_settings

TEXT_COLUMNS = (
    "run_id",
    "started",
    "status",
    "noisy",
    "error",
    "detector",
    "recognizer",
    "precision",
    "device",
    "scenario",
    "dataset",
    "settings",
)
NUMBER_COLUMNS = (
    "images",
    "words",
    "skipped",
    "det_precision",
    "det_recall",
    "det_hmean",
    "rec_word_accuracy",
    "rec_cer",
    "rec_1_ned",
    "e2e_precision",
    "e2e_recall",
    "e2e_hmean",
    "repeatability",
    "latency_mean_ms",
    "latency_p50_ms",
    "latency_p90_ms",
    "latency_p99_ms",
    "throughput_ips",
    "read_p50_ms",
    "detect_p50_ms",
    "crop_p50_ms",
    "recognize_p50_ms",
    "compile_ms",
    "first_inference_ms",
    "model_mb",
    "peak_rss_mb",
)
# Empty but for the scenario ``server``.
SERVER_COLUMNS = ("server_rate_ips", "server_within_bound")
# Empty but for the scenario ``mlperf``: the traffic, and whether the result is VALID by LoadGen's rules.
LOADGEN_COLUMN = "loadgen"
EXECUTION_COLUMNS = (
    "detector_executed",
    "recognizer_executed",
    "precision_honoured",
    "precision_native",
    "execution_devices",
    "openvino",
    "host",
)
WIDE_COLUMNS = (*TEXT_COLUMNS, *NUMBER_COLUMNS, *SERVER_COLUMNS, LOADGEN_COLUMN, *EXECUTION_COLUMNS)
LONG_COLUMNS = ("run_id", "stage", "metric", "value", "unit", "higher_is_better", "n")


def wide(records: Sequence[RunRecord]) -> pd.DataFrame:
    """Return one row per run, with the columns ``WIDE_COLUMNS``.

    ``settings`` depends on the other rows: it holds what tells a run from them where the other columns do not.
    """
    rows = [
        {name: _storable(value) for name, value in {**_row(record), "settings": settings}.items()}
        for record, settings in zip(records, differing_settings(records), strict=True)
    ]
    frame = pd.DataFrame(rows, columns=list(WIDE_COLUMNS))
    return frame.astype(dict.fromkeys((*NUMBER_COLUMNS, *SERVER_COLUMNS), "float64"))


def long(records: Sequence[RunRecord]) -> pd.DataFrame:
    """Return one row per run, stage and metric, with the columns ``LONG_COLUMNS``."""
    rows = [
        (record.run_id, each.stage, each.metric, each.value, each.unit, each.higher_is_better, each.n)
        for record in records
        for each in record.scores
    ]
    return pd.DataFrame(rows, columns=list(LONG_COLUMNS))


def steady(timings: pd.DataFrame) -> pd.DataFrame:
    """Leave out warm-up and first-seen shapes; the latter count where there is nothing else."""
    measured = timings[~timings["warmup"].astype(bool)]
    repeated = measured[~measured["first_seen"].astype(bool)]
    return measured if repeated.empty else repeated


def executed_text(executed: Mapping[str, float]) -> str:
    """Say which types took which share of the time.

    >>> executed_text({"bf16": 0.806, "f32": 0.19, "other": 0.004})
    'bf16 81% f32 19%'
    """
    shown = [f"{kind} {share:.0%}" for kind, share in executed.items() if share >= 0.005]
    return " ".join(shown)


def _row(record: RunRecord) -> dict[str, Any]:
    config = record.config
    detector, recognizer = config["detector"], config["recognizer"]
    return {
        "run_id": record.run_id,
        "started": record.started,
        "status": record.status,
        "noisy": "; ".join(record.noisy),
        "error": record.error,
        "detector": detector["name"],
        "recognizer": recognizer["name"],
        "precision": _both(detector["precision"], recognizer["precision"]),
        "device": _both(detector["device"], recognizer["device"]),
        "scenario": config["scenario"]["name"],
        "dataset": config["dataset"]["name"],
        **{score.metric: score.value for score in record.scores},
        LOADGEN_COLUMN: _loadgen(record),
        **_execution(record),
        "openvino": str(record.environment.get("versions", {}).get("openvino", "")),
        "host": str(record.environment.get("host", {}).get("name", "")),
    }


def _loadgen(record: RunRecord) -> str:
    verdict = record.conditions.get("facts", {}).get("result_validity")
    return f"{record.config['scenario']['options']['traffic']} {verdict}" if verdict else ""


def _storable(value: object) -> object:
    r"""Write what UTF-8 cannot hold as escapes: a file's name, and so an error, may hold any bytes.

    >>> _storable(chr(0xDCFF)), _storable(0.5)
    ('\\udcff', 0.5)
    """
    return value.encode(errors="backslashreplace").decode() if isinstance(value, str) else value


def _execution(record: RunRecord) -> dict[str, str]:
    columns = {}
    devices: dict[str, None] = {}
    for role, networks in record.execution.items():
        columns[f"{role}_executed"] = " / ".join(executed_text(network["executed"]) for network in networks.values())
        devices |= dict.fromkeys(name for network in networks.values() for name in network["execution_devices"])
    every = [network["honoured"] for networks in record.execution.values() for network in networks.values()]
    if every:
        columns["precision_honoured"] = "yes" if all(every) else "no"
        columns["execution_devices"] = ",".join(devices)
    # Runs of an earlier ocrbench do not tell.
    emulated = [
        network["emulated"]
        for networks in record.execution.values()
        for network in networks.values()
        if "emulated" in network
    ]
    if emulated:
        columns["precision_native"] = "no" if any(emulated) else "yes"
    return columns


def _both(detector: str, recognizer: str) -> str:
    """Show one value where both stages share it, two otherwise."""
    return detector if detector == recognizer else f"{detector}+{recognizer}"
