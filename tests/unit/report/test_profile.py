"""The printed profile."""

from typing import Any

from rich.console import Console

from ocrbench.report.console import profile_table
from ocrbench.runs.run import Run


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
