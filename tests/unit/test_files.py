"""Outputs: what is replaced, and what is only written to."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from ocrbench.cli.files import check_output, write_output
from ocrbench.errors import ConfigError
from ocrbench.files import write_atomically

posix = pytest.mark.skipif(os.name != "posix", reason="only POSIX systems have these files")


@posix
def test_a_link_is_written_through(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere" / "target"
    target.parent.mkdir()
    target.write_bytes(b"old")
    link = tmp_path / "link"
    link.symlink_to(target)
    write_atomically(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


@posix
def test_so_is_one_that_leads_to_nothing_yet(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "later")
    write_atomically(link, b"new")
    assert link.is_symlink()
    assert (tmp_path / "later").read_bytes() == b"new"


@posix
def test_a_pipe_stays_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    write_atomically(pipe, b"new")
    reader.join()
    assert read == [b"new"]
    assert pipe.is_fifo()


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="it is a folder"):
        check_output(tmp_path)
    with pytest.raises(ConfigError, match="cannot be written"):
        write_output(tmp_path, b"new")
    assert list(tmp_path.iterdir()) == []


def test_nothing_else_is_printed_where_a_dash_is_given(
    here: Callable[..., Any], write_run: Any, tmp_path: Path
) -> None:
    write_run(tmp_path)
    done = here("compare", tmp_path, tmp_path, "--json", "-")
    assert len(json.loads(done.stdout)["comparisons"]) == 1
    assert "latency_p50_ms" in done.stderr
    exported = here("export", "benchmark-json", tmp_path, "--output", "-").stdout
    assert json.loads(exported)["benchmarks"]
    page = here("report", tmp_path, "--output", "-").stdout
    assert page.lower().startswith("<!doctype html>")
    assert page.rstrip().endswith("</html>")
    assert not list(Path.cwd().glob("-*"))


def test_a_dash_is_standard_output(capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path) -> None:
    check_output(Path("-"))
    write_output(Path("-"), b"new")
    sys.stdout.flush()
    assert capfdbinary.readouterr().out == b"new"
