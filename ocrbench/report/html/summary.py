"""What was measured, warnings, and the best run for each goal."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ocrbench.metrics.recognition import unrepeatable
from ocrbench.precisions import executed_text
from ocrbench.report.html.comparison import default_bound, numbers, winners
from ocrbench.report.html.groups import Group, groups_of
from ocrbench.report.html.model import Report
from ocrbench.runs.match import FACTORS
from ocrbench.runs.run import Run

# Further groups appear in the table only.
GROUPS_SHOWN = 8


def build(report: Report) -> Mapping[str, Any]:
    """Return the summary in sentences; the page repeats the choice within a latency bound for other bounds."""
    groups = groups_of(report.runs)
    return {
        "facts": _facts(report),
        "warnings": [each for each in warnings(report.runs) if each["lines"]],
        "groups": [_group(group) for group in groups[:GROUPS_SHOWN]],
        "more_groups": max(0, len(groups) - GROUPS_SHOWN),
    }


def warnings(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """List doubts about the numbers by kind, with one line per run; a kind may have no line."""
    kinds = (
        ("failed", "failed", [(run, run.error) for run in runs if not run.ok]),
        ("precision", "did not execute the requested precision", list(_told(runs, _dishonoured))),
        ("emulated", "emulated a type for which the processor has no instructions", list(_told(runs, _emulated))),
        ("unrepeatable", "read the same images differently", list(_unrepeatable(runs))),
        ("noisy", "had noisy times", [(run, "; ".join(run.noisy)) for run in runs if run.noisy]),
        ("skipped", "skipped images", list(_skipped(runs))),
    )
    return [
        {
            "kind": kind,
            "title": f"{_runs(len(lines))} {what}",
            "lines": [{"label": run.label, "text": line} for run, line in lines],
        }
        for kind, what, lines in kinds
    ]


def _runs(count: int) -> str:
    return f"{count} {'run' if count == 1 else 'runs'}"


def _told(runs: Sequence[Run], say: Callable[[str, Mapping[str, Any]], str]) -> Iterable[tuple[Run, str]]:
    """Pair runs with sentences about their networks; ``say`` takes the stage and one of them."""
    for run in runs:
        networks = [(role, each) for role, given in run.execution.items() for each in given.values()]
        told = [said for role, each in networks if (said := say(role, each))]
        if told:
            yield run, "; ".join(told)


def _dishonoured(role: str, network: Mapping[str, Any]) -> str:
    executed = executed_text(network["executed"])
    return "" if network["honoured"] else f"{role}: {network['precision']} requested, {executed} executed"


def _emulated(role: str, network: Mapping[str, Any]) -> str:
    types = ", ".join(network.get("emulated", ()))
    return f"{role}: {types}" if types else ""


def _unrepeatable(runs: Sequence[Run]) -> Iterable[tuple[Run, str]]:
    for run in runs:
        if reason := unrepeatable(run.score_list):
            yield run, reason


def _skipped(runs: Sequence[Run]) -> Iterable[tuple[Run, str]]:
    for run in runs:
        reasons = list(run.skipped.items())
        if reasons:
            yield run, f"{len(reasons)} of them, the first {reasons[0][0]}: {reasons[0][1]}"


def _facts(report: Report) -> list[tuple[str, str]]:
    runs = report.runs
    failed = len(runs) - len(report.finished)
    counted = f"{len(report.finished)} finished" + (f", {failed} failed" if failed else "")
    started = sorted(run.started for run in runs)
    facts = [
        ("Runs", counted),
        ("Models", _all(runs, "model")),
        ("Precisions", _all(runs, "precision")),
        ("Devices", _all(runs, "device")),
        ("Scenarios", _all(runs, "scenario")),
        ("Data", "; ".join(dict.fromkeys(_data(run) for run in report.finished or report.runs))),
        ("Machines", "; ".join(dict.fromkeys(_machine(run) for run in runs))),
        ("OpenVINO", _all(runs, "openvino")),
        ("Measured", " to ".join(dict.fromkeys(_minute(moment) for moment in (started[:1] + started[-1:])))),
    ]
    return [(name, value) for name, value in facts if value]


def _all(runs: Sequence[Run], factor: str) -> str:
    values = dict.fromkeys(FACTORS[factor](run) for run in runs)
    halves = dict.fromkeys(" + ".join(dict.fromkeys(value.split("+"))) for value in values if value)
    return ", ".join(halves)


def _data(run: Run) -> str:
    name = str(run.config["dataset"]["name"])
    counts = [f"{run.row[what]:.0f} {what}" for what in ("images", "words") if run.row[what] is not None]
    return f"{name}: {', '.join(counts)}" if counts else name


def _machine(run: Run) -> str:
    host = run.environment.get("host", {})
    return f"{host['name']}: {host['cpu']}, {host['cores']} core{'s' if host['cores'] > 1 else ''}" if host else ""


def _minute(moment: str) -> str:
    """Shorten a time in UTC to the minute.

    >>> _minute("2030-01-02T03:04:05.678+00:00")
    '2030-01-02 03:04 UTC'
    """
    return f"{moment[:16].replace('T', ' ')} UTC"


def _group(group: Group) -> dict[str, Any]:
    found = [
        {"goal": winner.goal, "label": winner.run.label, "numbers": winner.numbers, "margin": winner.margin}
        for winner in winners(group)
    ]
    return {
        **group.plain(),
        "winners": found,
        "bound_ms": default_bound(group) if group.accuracy else None,
        "numbers": {index: numbers(group, run) for index, run in zip(group.indices, group.runs, strict=True)},
    }
