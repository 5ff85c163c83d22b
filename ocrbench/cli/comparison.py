"""What ``ocrbench ab`` and ``ocrbench compare`` show of comparisons."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ocrbench.cli.console import make_console
from ocrbench.cli.outputs import Outputs, exit_status, publish
from ocrbench.compare.verdict import Checked, Comparison, check_gate
from ocrbench.config.schema import Gate
from ocrbench.report.comparison import Judged, sentence, to_frame
from ocrbench.runs.columns import text

FLIPPED_SHOWN = 10


def report(comparisons: Sequence[Comparison], gate: Gate, outputs: Outputs) -> int:
    """Show comparisons and what the gate says of each, write the files, and return the exit status."""
    console = make_console()
    judged = []
    for comparison in comparisons:
        show_comparison(console, comparison)
        checked = check_gate(gate, comparison)
        show_gate(console, checked)
        judged.append(Judged(comparison=comparison, gate=gate, checked=checked))
    publish(judged, outputs)
    return exit_status(judged)


def show_comparison(console: Console, comparison: Comparison) -> None:
    """Print the table of changes, the warnings and the verdict."""
    console.print(Text(f"A: {comparison.before}\nB: {comparison.after}"), soft_wrap=True)
    frame = to_frame(comparison)
    shown = Table("metric", "A", "B", "change [95 % interval]", "verdict", "n")
    for _, row in frame.iterrows():
        metric = str(row["metric"])
        values = (metric, text(metric, row["A"]), text(metric, row["B"]), row["change"], row["verdict"], str(row["n"]))
        shown.add_row(*(Text(str(value)) for value in values))
    console.print(shown)
    for sample_id, expected, one, other in comparison.flipped[:FLIPPED_SHOWN]:
        console.print(Text(f"flipped in {sample_id}: {expected!r}: A {one!r}, B {other!r}"), soft_wrap=True)
    if len(comparison.flipped) > FLIPPED_SHOWN:
        console.print(Text(f"and {len(comparison.flipped) - FLIPPED_SHOWN} more flipped words"))
    for warning in comparison.warnings:
        console.print(Text(f"note: {warning}"), soft_wrap=True)
    console.print(Text(sentence(comparison), style="bold"), soft_wrap=True)


def show_gate(console: Console, checked: list[Checked]) -> None:
    """Print the outcome of each limit."""
    for each in checked:
        console.print(Text(f"gate {each.outcome}: {each.limit.metric} {each.reason}"), soft_wrap=True)
