"""``ocrbench score``: the table by another rule, and what it refuses."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from ocrbench.runs.run import Run

Here = Callable[..., CompletedProcess[str]]
WriteRun = Callable[..., Run]


def test_the_table_is_that_of_the_rule(here: Here, write_run: WriteRun, tmp_path: Path) -> None:
    write_run(tmp_path, texts=("Exit",))
    done = here("score", tmp_path, "scoring.iou_threshold=0.7", "scoring.case_sensitive=true")
    assert done.returncode == 0, done.stderr
    assert "e2e_hmean" in done.stdout
    assert "Scored with case_sensitive=true, edge_punctuation=required, iou_threshold=0.7" in done.stdout
    assert len(list(tmp_path.glob("runs/*/scores-*.json"))) == 1


def test_without_a_key_each_run_keeps_its_rule(here: Here, write_run: WriteRun, tmp_path: Path) -> None:
    write_run(tmp_path, "scoring.case_sensitive=true")
    write_run(tmp_path, "precision=INT8")
    done = here("score", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "scoring.case_sensitive=true" in done.stdout
    assert "Scored with the rules in the table" in done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nowhere",), "nowhere: no such folder"),
        (("precision=FP32",), "score: precision=FP32: a finished run is only scored anew; expected folders and"),
        (("scoring.case=true",), "scoring.case: no such key; Valid: case_sensitive"),
        (("scoring.iou_threshold=2",), "scoring.iou_threshold=2: must be less than 1"),
    ],
)
def test_mistakes_are_one_line(words: tuple[str, ...], message: str, here: Here) -> None:
    done = here("score", *words)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert message in done.stderr
