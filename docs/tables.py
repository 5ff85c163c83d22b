"""Writes the tables of the pages from the data in ``docs/measurements``.

    python docs/tables.py

A table follows ``<!-- table NAME -->``. A test checks that the pages are up to date.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pandas as pd

DOCS = Path(__file__).resolve().parent
TABLE = re.compile(r"(<!-- table (\w+) -->\n\n)(?:\|.*\n)*")
MACHINES = {"epyc": "EPYC", "amx": "AMX", "vnni": "VNNI"}
# Keys that were named otherwise when they were measured.
RENAMED = {"folding.shapes": "folding.recognizer_networks", "folding.detector_shapes": "folding.detector_networks"}


def fill(markdown: str) -> str:
    """Write every table of a page anew."""
    return TABLE.sub(lambda found: f"{found[1]}{TABLES[found[2]]()}\n", markdown)


def _data(name: str) -> pd.DataFrame:
    return pd.read_csv(DOCS / "measurements" / f"{name}.csv", keep_default_na=False, na_values=[""])


def _table(heading: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    cells = [heading, ["---"] * len(heading), *rows]
    return "\n".join(re.sub(r"\|  (?=\|)", "| ", f"| {' | '.join(str(cell) for cell in row)} |") for row in cells)


def _percent(change: float, low: float, high: float) -> str:
    return f"{change:+.1f} % [{low:+.1f}, {high:+.1f}]"


def _interval(value: float, low: float, high: float, decimals: int = 2) -> str:
    if pd.isna(value):
        return ""
    return f"{value:.{decimals}f}" + ("" if pd.isna(low) else f" [{low:.{decimals}f}, {high:.{decimals}f}]")


def _today(setting: str) -> str:
    for before, now in RENAMED.items():
        setting = setting.replace(f"{before}=", f"{now}=")
    return f"`{setting}`"


def _defaults() -> str:
    """Show how much latency each default saves; where ``ab`` measured what turning it off costs, the inverse."""
    ab = _data("ab").query("metric == 'latency_p50_ms'")
    defaults = {
        "folding.preprocess=false": "conversion to float, mean, scale and layout are part of the networks",
        "folding.enlarge_last=false": "a detector enlarges its map at the very end",
        "folding.split_concatenations=false": "convolutions over concatenated maps become sums",
        "folding.detector_shapes=0": "the detector's first two input shapes get their own networks",
        "recognizer.batch_size=8": "a recognizer's batch has two crops, not eight (6 % less memory)",
    }
    rows = []
    for setting, meaning in defaults.items():
        found = ab[(ab["a"] == setting) | (ab["b"] == setting)]
        cells = {}
        for row in found.itertuples():
            bounds = (row.change, row.low, row.high)
            if row.b == setting:
                change, high, low = ((1 / (1 + each / 100) - 1) * 100 for each in bounds)
                bounds = (change, low, high)
            cells[row.precision] = _percent(*bounds)
        machine = MACHINES[found["host"].iloc[0]]
        rows.append([meaning, *(cells.get(precision, "") for precision in ("FP32", "BF16", "INT8")), machine])
    return _table(["default", "latency in FP32", "BF16", "INT8", "machine"], rows)


def _options() -> str:
    ab = _data("ab").query("precision == 'BF16'")
    chosen = [
        ("amx", "folding.shapes=48"),
        ("amx", "recognizer.min_width=320 folding.shapes=2"),
        ("epyc", "recognizer.alphabet=ascii"),
    ]
    rows = []
    for host, setting in chosen:
        found = ab[(ab["host"] == host) & (ab["b"] == setting)].set_index("metric")
        latency = found.loc["latency_p50_ms"]
        memory = ""
        if "peak_rss_mb" in found.index:
            of = found.loc["peak_rss_mb"]
            memory = f"{of.a_value:.0f} → {of.b_value:.0f} MB" if pd.isna(of.change) else f"{of.change:+.1f} %"
        accuracy = ", ".join(
            f"{metric} {found.loc[metric].change:+.3f}".replace("+0.000", "±0")
            for metric in ("det_hmean", "e2e_hmean")
            if metric in found.index
        )
        change = _percent(latency.change, latency.low, latency.high)
        rows.append([_today(setting), change, memory, accuracy, MACHINES[host]])
    return _table(["setting", "latency", "memory", "accuracy", "machine"], rows)


def _throughput() -> str:
    data = _data("throughput").fillna({"setting": ""})
    together = "scenario.together=8 recognizer.width_step=64 recognizer.batch_size=8"
    chosen = data[data["setting"].isin(["", "experiment=max_throughput", together]) & data["peak_rss_mb"].notna()]
    rows = []
    for (host, precision), found in chosen.groupby(["host", "precision"], sort=False):
        default = found[found["setting"] == ""].mean(numeric_only=True)
        for setting, same in found[found["setting"] != ""].groupby("setting"):
            mean = same.mean(numeric_only=True)
            ratio = mean["throughput_ips"] / default["throughput_ips"] if pd.isna(mean["ratio"]) else mean["ratio"]
            changes = [
                "" if pd.isna(mean[column]) else f"{default[column]:.0f} → {mean[column]:.0f}"
                for column in ("latency_p50_ms", "peak_rss_mb")
            ]
            rows.append([_today(setting), precision, f"× {ratio:.2f}", *changes, MACHINES[host]])
    heading = ["`scenario=throughput` with", "precision", "images/s", "latency p50, ms", "memory, MB", "machine"]
    return _table(heading, rows)


def _int8() -> str:
    data = _data("int8").fillna({"command": ""})
    data = data[~data["command"].str.contains("shapes=48")]
    rows = []
    for (host, against), found in data.groupby(["host", "against"], sort=False):
        by_metric = found.set_index("metric")
        cells = [
            _interval(*by_metric.loc[metric, ["speedup", "low", "high"]]) if metric in by_metric.index else ""
            for metric in ("latency_p50_ms", "detect_p50_ms", "recognize_p50_ms")
        ]
        rows.append([MACHINES[host], against, *cells])
    return _table(["machine", "INT8 against", "whole image", "detector", "recognizer"], rows)


def _bound() -> str:
    data = _data("bound").fillna({"setting": ""})
    data = data[~data["setting"].str.contains("together=16|batch_size=16")]
    rows = []
    for (host, setting), found in data.groupby(["host", "setting"], sort=False):
        medians = found.groupby(["precision", "series"])["share"].median().groupby("precision").median()
        cells = [f"{medians[precision]:.2f}" if precision in medians else "" for precision in ("FP32", "BF16", "INT8")]
        rows.append([MACHINES[host], _today(setting) if setting else "default", *cells])
    return _table(["machine", "`scenario=throughput` with", "FP32", "BF16", "INT8"], rows)


def _rapidocr() -> str:
    data = _data("rapidocr")
    chosen = ["precision=AUTO", "precision=FP32 folding.shapes=48"]
    chosen += [f"precision={each} folding.shapes=48 recognizer.alphabet=ascii" for each in ("AUTO", "INT8")]
    rows = []
    for (host, setting), found in data[data["setting"].isin(chosen)].groupby(["host", "setting"], sort=False):
        alone = found[found["speedup"].notna()].iloc[0]
        many = found[found["throughput_ratio"].notna()]
        ours = f"{alone.det_hmean:.3f} / {alone.e2e_hmean:.3f}"
        theirs = f"{alone.rapidocr_det_hmean:.3f} / {alone.rapidocr_e2e_hmean:.3f}"
        ratio = f"{many['throughput_ratio'].iloc[0]:.2f}" if len(many) else ""
        speedup = _interval(alone.speedup, alone.low, alone.high)
        rows.append([MACHINES[host], _today(setting), speedup, ratio, ours, theirs])
    heading = ["machine", "ocrbench with", "one image at a time", "many at once", "det / e2e_hmean", "RapidOCR's"]
    return _table(heading, rows)


def _verdicts() -> str:
    data = _data("verdicts")
    data["slower_percent"] = data["slower_percent"].map("{} %".format)
    data["seconds"] = data["seconds"].map("{} s".format)
    data["mean_ratio"] = data["mean_ratio"].map("{:.3f}".format)
    columns = {"slower_percent": "B is slower by", "other_core": "other core", "seconds": "measuring"}
    columns |= {name: name for name in ("repetitions", "slower", "undecided", "equivalent", "faster")}
    columns["mean_ratio"] = "mean ratio"
    return _table(list(columns.values()), data[list(columns)].itertuples(index=False))


def _changes() -> str:
    data = _data("changes")
    rows = []
    kinds = data.groupby(["series", "step_percent", "noise_percent"], sort=False, dropna=False)
    for (series, step, noise), found in kinds:
        name = f"step of {step:g} %, noise of {noise:g} %" if step else series
        by_runs = found.set_index("runs")
        rows.append([name, *(f"{ours:.3f} / {otava:.3f}" for ours, otava in by_runs[["ours", "otava"]].to_numpy())])
    return _table(["series", *(f"{count} runs" for count in data["runs"].unique())], rows)


TABLES: dict[str, Callable[[], str]] = {
    "bound": _bound,
    "changes": _changes,
    "defaults": _defaults,
    "int8": _int8,
    "options": _options,
    "rapidocr": _rapidocr,
    "throughput": _throughput,
    "verdicts": _verdicts,
}

if __name__ == "__main__":
    for page in DOCS.rglob("*.md"):
        text = page.read_text(encoding="utf-8")
        if (filled := fill(text)) != text:
            page.write_text(filled, encoding="utf-8")
