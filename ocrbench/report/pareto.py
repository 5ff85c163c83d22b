"""A Plotly figure of two metrics of each run, with the runs that no other run beats."""

import html
from collections.abc import Iterable, Iterator, Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go

from ocrbench.config.checking import closest
from ocrbench.config.stage import ROLES
from ocrbench.errors import ConfigError
from ocrbench.runs.columns import BY_NAME, NUMBERS
from ocrbench.runs.run import Run
from ocrbench.runs.table import cells, wide

TOLD = ("run_id", *ROLES, "dataset", "scenario", "host", "noisy")
# Runs that differ in one of these do not compete. The first is the fingerprint of the images.
APART = ("data", "dataset", "scenario", "host")
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
SYMBOLS = ("circle", "square", "diamond", "cross", "triangle-up", "star")


def pareto_figure(runs: Sequence[Run], x: str, y: str) -> go.Figure:
    """Draw one point per finished run, coloured by precision and shaped by device, and one front per competing group.

    Raises:
        ConfigError: A column does not exist, or no finished run has both numbers.
    """
    for name in (x, y):
        if name not in NUMBERS:
            message = f"{name}: no such column of numbers; {closest(name, NUMBERS)}"
            raise ConfigError(message)
    frame = wide(runs).assign(data=[run.dataset_sha256 for run in runs])
    # A failed cell may have numbers.
    frame = frame[frame["status"] == "ok"].dropna(subset=[x, y])
    if frame.empty:
        message = f"none of {len(runs)} runs has finished and has both {x} and {y}"
        raise ConfigError(message)
    higher = {name: bool(BY_NAME[name].higher_is_better) for name in (x, y)}
    figure = go.Figure(layout={"template": "plotly_white", "hoverlabel": {"align": "left"}})
    for name, axis in ((x, "xaxis"), (y, "yaxis")):
        figure.update_layout({axis: {"title": f"{name} ({'more' if higher[name] else 'less'} is better)"}})
    line = {"color": "#888888", "dash": "dot"}
    for name, group in _competing(frame):
        best = front(group[[x, y]].itertuples(index=False, name=None), (higher[x], higher[y]))
        figure.add_scatter(x=[at for at, _ in best], y=[at for _, at in best], mode="lines", line=line, name=name)
    colours, symbols = _styles(frame["precision"], COLOURS), _styles(frame["device"], SYMBOLS)
    for precision, device in dict.fromkeys(zip(frame["precision"], frame["device"], strict=True)):
        group = frame[(frame["precision"] == precision) & (frame["device"] == device)]
        marker = {"color": colours[precision], "symbol": symbols[device], "size": 11}
        # Plotly interprets some HTML, and a device may be any text.
        name = html.escape(f"{precision}, {device}")
        figure.add_scatter(x=group[x], y=group[y], mode="markers", marker=marker, name=name, text=_hover(group))
    return figure


def front(points: Iterable[tuple[float, float]], higher: tuple[bool, bool]) -> list[tuple[float, float]]:
    """Keep the points that no other point beats in one coordinate without losing in the other.

    Args:
        points: Any number of points.
        higher: Whether more is better, for each coordinate.

    Returns:
        Points from the best first coordinate to the best second one.

    >>> front([(10, 0.8), (20, 0.9), (30, 0.85)], higher=(False, True))
    [(10, 0.8), (20, 0.9)]
    """
    one, other = (1 if up else -1 for up in higher)
    kept: list[tuple[float, float]] = []
    for x, y in sorted(set(points), key=lambda point: (-one * point[0], -other * point[1])):
        if not kept or other * y > other * kept[-1][1]:
            kept.append((x, y))
    return kept


def _competing(frame: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the runs of each front and its name, which states what they share if there are several fronts."""
    groups = list(frame.groupby(list(APART), sort=False))
    for (_, *shared), group in groups:
        told = ": " + ", ".join(str(each) for each in shared if each) if len(groups) > 1 else ""
        yield html.escape(f"front{told}"), group


def _styles(column: "pd.Series[str]", styles: Sequence[str]) -> Mapping[str, str]:
    return {value: styles[number % len(styles)] for number, value in enumerate(column.unique())}


def _hover(group: pd.DataFrame) -> list[str]:
    return [
        "<br>".join(html.escape(f"{name}: {text}") for name, text in zip(TOLD, row, strict=True))
        for row in cells(group, TOLD)
    ]
