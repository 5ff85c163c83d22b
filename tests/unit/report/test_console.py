"""What a person sees: few runs upright, many as rows, and the profile of one."""

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from rich.console import Console

from ocrbench.metrics.recognition import repeatability
from ocrbench.report.console import profile_table, show
from ocrbench.runs.run import Run

MakeRun = Callable[..., Run]


def shown(records: Sequence[Run], width: int = 160) -> str:
    stream = io.StringIO()
    show(Console(file=stream, width=width, highlight=False), records)
    return stream.getvalue()


def line(text: str, start: str) -> list[str]:
    """Return the cells of the line that begins with a word."""
    (found,) = (each for each in text.splitlines() if start in each.split())
    return [cell.strip() for cell in found.strip("│┃ ").replace("┃", "│").split("│")]


def test_few_runs_have_a_line_per_column(make_run: MakeRun) -> None:
    text = shown([make_run(), make_run(precision="INT8")])
    assert line(text, "precision") == ["precision", "FP16", "INT8"]
    assert line(text, "latency_p50_ms") == ["latency_p50_ms", "12.3", "12.3"]
    assert "error" not in text


def test_the_reason_is_shown_where_a_run_failed(make_run: MakeRun) -> None:
    text = shown([make_run(error="out of [memory]")])
    assert line(text, "error") == ["error", "out of [memory]"]
    assert line(text, "det_hmean") == ["det_hmean", "–"]


def test_many_runs_are_rows_and_what_they_share_is_said_once(make_run: MakeRun) -> None:
    text = shown([make_run(precision=name) for name in ("FP32", "FP16", "INT8")])
    assert line(text, "precision") == ["precision", "status"]
    assert line(text, "INT8") == ["INT8", "ok"]
    assert "dataset sample" in text
    assert "latency_p50_ms 12.3" in text


def test_the_scenario_is_told_where_it_is_another_than_latency(make_run: MakeRun) -> None:
    def under_load(run: Run) -> Run:
        return replace(run, config={**run.config, "scenario": {**run.config["scenario"], "name": "throughput"}})

    runs = [make_run(), under_load(make_run())]
    assert line(shown(runs), "scenario") == ["scenario", "latency", "throughput"]
    many = shown([*runs, make_run()])
    assert line(many, "scenario") == ["scenario", "status"]
    assert line(many, "throughput") == ["throughput", "ok"]
    assert "scenario" not in shown([make_run()])


def test_a_narrow_terminal_folds_instead_of_cutting(make_run: MakeRun) -> None:
    text = shown([make_run(error="x" * 60), make_run(), make_run(precision="INT8")], width=60)
    assert max(map(len, text.splitlines())) <= 60
    assert text.count("x") >= 60


def test_skipped_images_are_listed_up_to_a_limit(make_run: MakeRun) -> None:
    text = shown([make_run(skipped=13), make_run(precision="INT8")])
    assert "Skipped 13 images of sample:" in text
    assert "img_9.jpg: reason [bold]9[/]" in text
    assert "img_10.jpg" not in text
    assert "and 3 more, in run-FP16/run.json" in text
    assert "Skipped" not in shown([make_run()])


def test_a_run_that_is_not_repeatable_has_a_line(make_run: MakeRun) -> None:
    doubtful = make_run()
    doubtful = replace(doubtful, score_list=(*doubtful.score_list, *repeatability({"a": True, "b": False})))
    for runs in ([doubtful], [doubtful, make_run(precision="INT8"), make_run(precision="FP32")]):
        assert "Not repeatable: run-FP16: 1 of 2 images were read differently later" in shown(runs, width=60)
    assert "Not repeatable" not in shown([make_run()])


def test_each_noisy_run_has_a_line_with_its_reasons(make_run: MakeRun) -> None:
    noisy = replace(make_run(), noisy=("the [hypervisor] took 9.0% of the CPU", "an image's time drifted by +25.0%"))
    for runs in ([noisy], [noisy, make_run(precision="INT8"), make_run(precision="FP32")]):
        text = shown(runs, width=60)
        assert "run-FP16: the [hypervisor] took 9.0% of the CPU; an image's time drifted by +25.0%" in text
        assert text.count("Noisy") == 1
    assert "Noisy" not in shown([make_run()])


def record(**networks: list[dict[str, Any]]) -> Run:
    execution = {"detector": {name: {"layer_types": types} for name, types in networks.items()}}
    return Run(run_id="run", started="", status="ok", config={}, execution=execution)


def kind(name: str, ms: float, layers: int = 1) -> dict[str, Any]:
    return {"type": name, "executed": "f32", "layers": layers, "ms": ms}


def printed(given: Run) -> list[list[str]]:
    console = Console(width=120)
    with console.capture() as capture:
        console.print(profile_table(given))
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in capture.get().splitlines() if "│" in line]


def test_what_took_little_shares_a_row_and_all_adds_up() -> None:
    types = [kind("Convolution", 9.0, 4), kind("Add[x]", 0.95), kind("Relu", 0.03), kind("Concat", 0.02, 2)]
    assert printed(record(network=types)) == [
        ["detector", "Convolution", "f32", "4", "9.000", "90.0%"],
        ["detector", "Add[x]", "f32", "1", "0.950", "9.5%"],
        ["detector", "others", "", "3", "0.050", "0.5%"],
        ["detector", "all", "", "8", "10.000", ""],
    ]


def test_several_networks_are_named() -> None:
    rows = printed(record(network=[kind("Convolution", 1.0)], decoder=[kind("GRU", 2.0)]))
    assert [row[0] for row in rows] == ["detector network"] * 2 + ["detector decoder"] * 2


def test_a_run_without_profile_has_no_table() -> None:
    assert profile_table(Run(run_id="run", started="", status="ok", config={})) is None
