"""Every column of the tables, declared once: tables, reports, exports, gates and ``reports/README.md`` derive from it.

To add a column, enter it in ``COLUMNS`` where it is to stand. Its value comes from a ``Run``: from a score of its name
unless ``value`` says otherwise. A metric of a scorer is a column already, and a scenario brings its own.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from ocrbench.config.stage import ROLES
from ocrbench.metrics.intervals import HALF_WIDTH
from ocrbench.metrics.recognition import LEAST_REPEATABILITY
from ocrbench.metrics.scoring import METRICS
from ocrbench.precisions import executed_text
from ocrbench.records import Column, Value, filled
from ocrbench.scenarios import DEFAULT, SCENARIOS

if TYPE_CHECKING:
    # A run offers its row, so it imports this module.
    from ocrbench.runs.run import Run

EMPTY = "–"
UNSEEN, SEEN = "unseen", "seen"
WARM = "warm_"


def both(run: Run, key: str) -> str:
    """Return a value of both stages: once where they share it.

    Args:
        run: A run.
        key: A key of a stage, such as ``device``.
    """
    return "+".join(dict.fromkeys(str(run.config[role][key]) for role in ROLES))


def _networks(run: Run) -> list[Mapping[str, Any]]:
    return [network for networks in run.execution.values() for network in networks.values()]


def _executed(role: str) -> Callable[[Run], Value]:
    def value(run: Run) -> Value:
        networks = run.execution.get(role)
        return " / ".join(executed_text(each["executed"]) for each in networks.values()) if networks else None

    return value


def _honoured(run: Run) -> Value:
    networks = _networks(run)
    return ("yes" if all(each["honoured"] for each in networks) else "no") if networks else None


def _native(run: Run) -> Value:
    # Runs of an earlier ocrbench do not say.
    emulated = [each["emulated"] for each in _networks(run) if "emulated" in each]
    return ("no" if any(emulated) else "yes") if emulated else None


def _rewrites(run: Run) -> Value:
    found = {
        role: sorted({name for each in networks.values() for name in each.get("rewrites", ())})
        for role, networks in run.execution.items()
    }
    return "; ".join(f"{role}: {', '.join(names)}" for role, names in found.items() if names) or None


def _devices(run: Run) -> Value:
    return ",".join(dict.fromkeys(name for each in _networks(run) for name in each["execution_devices"])) or None


def _warm(name: str) -> Callable[[Run], Value]:
    """Take a time of images that had been read before: of runs that timed no others, their only one."""
    return lambda run: run.scores.get(f"{WARM}{name}" if run.pictures == UNSEEN else name)


def _time(
    name: str,
    heading: str,
    meaning: str,
    shown: Literal["always", "detail", "files"] = "files",
    value: Callable[[Run], Value] | None = None,
) -> Column:
    return Column(
        value=value,
        name=name,
        heading=heading,
        meaning=meaning,
        group="speed",
        unit="ms",
        decimals=1,
        higher_is_better=False,
        shown=shown,
    )


COLUMNS: tuple[Column, ...] = (
    Column(
        name="run_id",
        group="run",
        meaning="name of the run's folder: readable words and a hash of all that decides the run, followed by a number "
        "if the cell was measured again",
        value=lambda run: run.run_id,
    ),
    Column(
        name="started",
        group="run",
        unit="ISO 8601, UTC",
        meaning="when the cell was started",
        value=lambda run: run.started,
    ),
    Column(
        name="detector",
        group="cell",
        meaning="name of the detector's YAML file",
        shown="always",
        value=lambda run: str(run.config["detector"]["name"]),
    ),
    Column(
        name="recognizer",
        group="cell",
        meaning="name of the recognizer's YAML file",
        shown="always",
        value=lambda run: str(run.config["recognizer"]["name"]),
    ),
    Column(
        name="dataset",
        group="cell",
        meaning="name of the dataset",
        shown="always",
        value=lambda run: str(run.config["dataset"]["name"]),
    ),
    Column(
        name="scenario",
        group="cell",
        meaning="how images were fed",
        matters=lambda values: any(value != DEFAULT for value in values),
        value=lambda run: str(run.config["scenario"]["name"]),
    ),
    Column(
        name="device",
        group="cell",
        meaning="the device as given; `A+B` if detector and recognizer differ",
        shown="always",
        value=lambda run: both(run, "device"),
    ),
    Column(
        name="precision",
        group="cell",
        meaning="the precision asked for; `A+B` if detector and recognizer differ",
        shown="always",
        value=lambda run: both(run, "precision"),
    ),
    Column(
        name="settings",
        group="cell",
        meaning="overrides that distinguish this row from others of the table where the columns before do not",
        matters=filled,
        # Depends on the other rows: see ``table.rows``.
        value=lambda run: "",
    ),
    Column(
        name="detector_executed",
        group="executed",
        unit="% of the time",
        meaning="the types that the detector's layers ran in; `other` has no arithmetic type of its own",
        shown="always",
        value=_executed("detector"),
    ),
    Column(
        name="recognizer_executed",
        group="executed",
        unit="% of the time",
        meaning="the types that the recognizer's layers ran in",
        shown="always",
        value=_executed("recognizer"),
    ),
    Column(
        name="precision_honoured",
        group="executed",
        meaning="`yes` if what ran is what was asked for, else `no`; empty with `attest=off`",
        value=_honoured,
    ),
    Column(
        name="precision_native",
        group="executed",
        meaning="`no` if a type ran for which the processor has no instructions, so that it was emulated, else `yes`; "
        "empty with `attest=off` and for runs of an earlier ocrbench",
        value=_native,
    ),
    Column(
        name="execution_devices",
        group="executed",
        meaning="the devices that OpenVINO says it used",
        value=_devices,
    ),
    Column(
        name="device_rewrites",
        group="executed",
        meaning="rewrites of a graph that only some devices get, by stage: `simplify_gates` where nothing but the CPU "
        "runs; the networks on disk are the same for all devices",
        matters=lambda values: len({*values}) > 1,
        value=_rewrites,
    ),
    Column(
        name="images",
        group="data",
        unit="images",
        decimals=0,
        higher_is_better=True,
        meaning="images with a prediction",
        shown="detail",
    ),
    Column(
        name="words",
        group="data",
        unit="regions",
        decimals=0,
        higher_is_better=True,
        meaning="regions of the ground truth that count: words, or lines in a dataset of lines",
        shown="detail",
    ),
    Column(
        name="skipped",
        group="data",
        unit="images",
        decimals=0,
        higher_is_better=False,
        meaning="images that could not be read; `run.json` has the reasons",
    ),
    *(
        Column(
            name=metric.name,
            heading=metric.heading,
            group="accuracy",
            unit=metric.unit,
            decimals=metric.decimals,
            higher_is_better=metric.higher_is_better,
            meaning=metric.meaning,
            shown=metric.shown,
        )
        for metric in METRICS.values()
    ),
    *(
        Column(
            name=f"{metric.name}{HALF_WIDTH}",
            heading=f"Half width of {metric.name}",
            group="accuracy",
            unit=metric.unit,
            decimals=metric.decimals,
            higher_is_better=False,
            meaning=f"half the width of the 95 % interval of `{metric.name}` over other choices of images; tables for "
            "people show it after ±",
        )
        for metric in METRICS.values()
    ),
    Column(
        name="reading",
        group="accuracy",
        meaning="short hash of all texts that were read; where it is the same, two runs read the same in every image, "
        "where it differs, a setting or precision changed some text",
        matters=lambda values: len({value for value in values if value}) > 1,
        value=lambda run: run.reading,
    ),
    Column(
        name="repeatability",
        heading="Repeatability",
        group="accuracy",
        unit="ratio",
        decimals=3,
        higher_is_better=True,
        meaning="share of the images read more than once, warm-up included, in which the same texts were found each "
        "time; empty where no image was. Accuracy is that of the first reading",
        matters=lambda values: any(value is not None and value < LEAST_REPEATABILITY for value in values),
    ),
    Column(
        name="pictures",
        group="speed",
        meaning="`unseen` if each image was timed at its first reading, with new input shapes as they come; `seen` if "
        "all had been read before, as in runs of earlier versions and in scenarios where images come again (`server`, "
        "`mlperf`). Times of the two do not compare; columns that begin with `warm_` do",
        matters=lambda values: {SEEN, UNSEEN} <= {*values},
        value=lambda run: run.pictures if run.ok else "",
    ),
    Column(
        name="timed",
        heading="Times",
        group="speed",
        unit="readings",
        decimals=0,
        higher_is_better=True,
        meaning="number of readings behind the latencies and the times of stages",
        shown="always",
    ),
    _time(
        "latency_mean_ms",
        "Mean latency",
        "mean latency of an image: from the decoded picture to its regions with text",
    ),
    _time("latency_p50_ms", "Median latency", "median latency of an image", "always"),
    _time(
        "latency_p90_ms",
        "90th percentile of the latency",
        "90th percentile of the latency; empty for fewer than 10 readings",
        "detail",
    ),
    _time(
        "latency_p99_ms",
        "99th percentile of the latency",
        "99th percentile of the latency; empty for fewer than 100 readings",
        "always",
    ),
    Column(
        name="throughput_ips",
        heading="Throughput",
        group="speed",
        unit="images/s",
        decimals=2,
        higher_is_better=True,
        meaning="measured images ÷ wall time, which includes reading the files, except where images are decoded before "
        "(`server`, `mlperf`)",
        shown="always",
    ),
    _time(
        "warm_latency_mean_ms",
        "Mean latency when read again",
        "mean latency of images that had been read before, so that no input shape was new",
        value=_warm("latency_mean_ms"),
    ),
    _time(
        "warm_latency_p50_ms",
        "Median latency when read again",
        "median latency of images that had been read before",
        "detail",
        value=_warm("latency_p50_ms"),
    ),
    _time(
        "warm_latency_p90_ms",
        "90th percentile of the latency when read again",
        "90th percentile of that latency",
        value=_warm("latency_p90_ms"),
    ),
    _time(
        "warm_latency_p99_ms",
        "99th percentile of the latency when read again",
        "99th percentile of that latency",
        value=_warm("latency_p99_ms"),
    ),
    Column(
        name="warm_throughput_ips",
        heading="Throughput when read again",
        group="speed",
        unit="images/s",
        decimals=2,
        higher_is_better=True,
        meaning="throughput of images that had been read before",
        value=_warm("throughput_ips"),
    ),
    Column(
        name="new_shape_share",
        heading="Share of the time on new shapes",
        group="speed",
        unit="ratio",
        decimals=3,
        higher_is_better=False,
        meaning="share of the latencies that networks spent on inputs of a shape that they had not met before; part of "
        "it is usual work, the rest prepares for the shape",
        shown="detail",
    ),
    Column(
        name="input_shapes",
        heading="Input shapes",
        group="speed",
        unit="shapes",
        decimals=0,
        higher_is_better=False,
        meaning="number of different input shapes that the networks met, warm-up included; a shape counts once in each "
        "process",
    ),
    *(replace(column, scenarios=(name,)) for name, kind in SCENARIOS.items() for column in kind.columns),
    _time(
        "read_p50_ms",
        "Median time to read a file",
        "median time to read and decode a file, which is no part of the latency; empty where images are decoded "
        "beforehand (`server`, `mlperf`)",
    ),
    _time(
        "detect_p50_ms",
        "Median time of detection",
        "median time of the detector with its pre- and post-processing",
        "detail",
    ),
    _time("crop_p50_ms", "Median time of cropping", "median time to cut the regions out of the picture"),
    _time(
        "recognize_p50_ms",
        "Median time of recognition",
        "median time of the recognizer with its pre- and post-processing, cutting into words included",
        "detail",
    ),
    Column(
        name="compile_ms",
        heading="Time to compile",
        group="cost",
        unit="ms",
        decimals=1,
        higher_is_better=False,
        meaning="time to compile all networks, those for single shapes too; of several processes, that of the slowest; "
        "with `model_cache=true` perhaps the time to load a compiled one",
        shown="detail",
    ),
    Column(
        name="first_inference_ms",
        heading="First inference",
        group="cost",
        unit="ms",
        decimals=1,
        higher_is_better=False,
        meaning="latency of the very first image, with the compiling of networks for its shapes, which `compile_ms` "
        "counts too",
    ),
    Column(
        name="model_mb",
        heading="Size of the models",
        group="cost",
        unit="MB",
        decimals=1,
        higher_is_better=False,
        meaning="size of all IR files on disk, in 10⁶ bytes",
        shown="detail",
    ),
    Column(
        name="peak_rss_mb",
        heading="Peak memory",
        group="cost",
        unit="MB",
        decimals=1,
        higher_is_better=False,
        meaning="largest resident memory of the process that measures, in 10⁶ bytes; with `scenario.processes`, of all "
        "of them together, pages that they share counted for each",
        shown="detail",
    ),
    Column(
        name="pss_mb",
        heading="Proportional memory",
        group="cost",
        unit="MB",
        decimals=1,
        higher_is_better=False,
        meaning="largest proportional set size after a block of images, in 10⁶ bytes: a page that several processes "
        "share counts in parts, so sums over processes are right; Linux only",
    ),
    Column(
        name="openvino",
        group="run",
        meaning="version of OpenVINO",
        value=lambda run: str(run.environment.get("versions", {}).get("openvino", "")),
    ),
    Column(
        name="host",
        group="run",
        meaning="name of the machine; compare speeds only within one",
        value=lambda run: str(run.environment.get("host", {}).get("name", "")),
    ),
    Column(
        name="status",
        group="outcome",
        meaning="`ok` or `failed`",
        shown="always",
        value=lambda run: run.status,
    ),
    Column(
        name="noisy",
        group="outcome",
        meaning="why the times are not to be trusted; empty for a quiet run",
        matters=filled,
        value=lambda run: "; ".join(run.noisy),
    ),
    Column(
        name="error",
        group="outcome",
        meaning="why it failed; empty for a finished run",
        matters=filled,
        value=lambda run: run.error,
    ),
)
BY_NAME: Mapping[str, Column] = {column.name: column for column in COLUMNS}
NAMES: tuple[str, ...] = tuple(BY_NAME)
NUMBERS: tuple[str, ...] = tuple(column.name for column in COLUMNS if column.number)


def text(name: str, value: object) -> str:
    """Write one value with the decimals of its column; a dash where there is none.

    A score without a column, such as ``read_p90_ms``, is written like a column of the same unit.

    >>> text("latency_p50_ms", 12.345), text("det_hmean", 0.5), text("error", None), text("read_p90_ms", 0.25)
    ('12.3', '0.500', '–', '0.2')
    """
    if not filled([value]):
        return EMPTY
    if isinstance(value, float):
        alike = (column for column in COLUMNS if column.number and column.name.endswith(name.rpartition("_")[2]))
        column = BY_NAME.get(name) or next(alike, None)
        return f"{value:.{(column.decimals if column else None) or 0}f}"
    return str(value)


def to_html(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table as a notebook shows it; texts are escaped, so that nothing in them is markup."""
    lines = [_html_row("th", columns), *(_html_row("td", row) for row in rows)]
    return "<table>\n" + "\n".join(lines) + "\n</table>"


def _html_row(tag: str, texts: Sequence[str]) -> str:
    return "<tr>" + "".join(f"<{tag}>{html.escape(each)}</{tag}>" for each in texts) + "</tr>"
