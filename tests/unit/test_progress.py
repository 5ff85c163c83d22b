"""Progress where there is no terminal: plain lines, and not too many."""

import io

import pytest
from rich.console import Console

from ocrbench import progress
from ocrbench.progress import ConsoleListener


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def listener(stream: io.StringIO) -> ConsoleListener:
    return ConsoleListener(Console(file=stream, width=160), "[1] model on CPU")


def test_steps_and_the_ends_of_phases_are_lines(listener: ConsoleListener, stream: io.StringIO) -> None:
    with listener:
        listener.say("compiling")
        for done in range(1, 101):
            listener.advance("warm-up 1", done, 100)
        listener.advance("measure", 0.5, 1.0)
    assert stream.getvalue().splitlines() == [
        "[1] model on CPU: started",
        "[1] model on CPU: compiling",
        "[1] model on CPU: warm-up 1 1%",
        "[1] model on CPU: warm-up 1 100%",
        "[1] model on CPU: measure 50%",
    ]


def test_a_long_phase_is_heard_of_now_and_then(
    listener: ConsoleListener, stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(progress, "monotonic", lambda: now)
    with listener:
        for _ in range(60):
            now += 1
            listener.advance("measure", 0.5, 1.0)
    assert 4 <= stream.getvalue().count("measure 50%") <= 7
