"""Where the time of a profiled run went, on a terminal."""

from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from ocrbench.runs.run import Run

# What takes less than this share of its network's time is put into one row.
SHOWN_SHARE = 0.01


def profile_table(run: Run) -> Table | None:
    """Draw the time per layer type and executed precision; None for a run without a profile."""
    table = Table(title="Milliseconds per image by type of layer", title_justify="left")
    for name in ("stage", "layer type", "executed", "layers", "ms", "share"):
        table.add_column(name, justify="right" if name in ("layers", "ms", "share") else "left", overflow="fold")
    for role, networks in run.execution.items():
        for name, network in networks.items():
            types = network.get("layer_types", [])
            total = sum(each["ms"] for each in types)
            stage = role if len(networks) == 1 else f"{role} {name}"
            for kind, executed, layers, ms in _rows(types, SHOWN_SHARE * total):
                table.add_row(Text(stage), Text(kind), executed, str(layers), f"{ms:.3f}", f"{ms / total:.1%}")
            if types:
                layers = sum(each["layers"] for each in types)
                table.add_row(Text(stage), "all", "", str(layers), f"{total:.3f}", "", end_section=True)
    return table if table.row_count else None


def _rows(types: list[dict[str, float | str]], least: float) -> Iterator[tuple[str, str, int, float]]:
    rest: list[tuple[int, float]] = []
    for each in types:
        layers, ms = int(each["layers"]), float(each["ms"])
        if ms >= least:
            yield str(each["type"]), str(each["executed"]), layers, ms
        else:
            rest.append((layers, ms))
    if rest:
        yield "others", "", sum(layers for layers, _ in rest), sum(ms for _, ms in rest)
