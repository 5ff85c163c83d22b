"""The parent's side of the worker protocol, against small programs that speak it."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from doubles import Hearing
from ocrbench.errors import DatasetError, WorkerError
from ocrbench.measure.processes import Worker
from ocrbench.progress import LogListener
from ocrbench.worker.protocol import Attest, Run


class TestWorker:
    def test_progress_is_heard_and_the_answer_returned(
        self, hearing: Hearing, interpreter: Callable[[str], str]
    ) -> None:
        program = """
import sys
sys.stdin.readline()
print('{"event": "progress", "text": "half way: \\u00fc"}', flush=True)
print('{"event": "answer", "content": {"x": {"y": 1}}}', flush=True)
sys.stdin.readline()
"""
        with Worker(interpreter(program)) as worker:
            assert worker.ask(Attest(samples=[]), hearing, 20) == {"x": {"y": 1}}
        assert hearing.said == ["half way: ü"]

    @pytest.mark.parametrize(
        ("said", "message"),
        [
            ("Segmentation", "answered 'attest' with something else: Segmentation"),
            ('{"event": "answer", "content": [1]}', "answer to 'attest' cannot be read"),
        ],
    )
    def test_nonsense_is_refused(self, said: str, message: str, interpreter: Callable[[str], str]) -> None:
        program = f"import sys\nsys.stdin.readline()\nprint({said!r}, flush=True)\nsys.stdin.readline()"
        with Worker(interpreter(program)) as worker, pytest.raises(WorkerError, match=message):
            worker.ask(Attest(samples=[]), LogListener(), 20)

    def test_its_warnings_are_logged_here(
        self, interpreter: Callable[[str], str], caplog: pytest.LogCaptureFixture
    ) -> None:
        program = """
import sys
sys.stdin.readline()
print('{"event": "warning", "text": "the cached model is damaged"}', flush=True)
print('{"event": "answer", "content": {}}', flush=True)
sys.stdin.readline()
"""
        with Worker(interpreter(program)) as worker:
            worker.ask(Attest(samples=[]), LogListener(), 20)
        assert [(each.levelname, each.message) for each in caplog.records if each.levelno >= logging.WARNING] == [
            ("WARNING", "the cached model is damaged")
        ]

    def test_an_error_keeps_its_class_and_message(self, interpreter: Callable[[str], str]) -> None:
        program = """
import sys
sys.stdin.readline()
print('{"event": "error", "kind": "DatasetError", "message": "image x: empty"}', flush=True)
sys.stdin.readline()
"""
        with Worker(interpreter(program)) as worker, pytest.raises(DatasetError, match=r"^image x: empty$"):
            worker.ask(Run(samples=[]), LogListener(), 20)

    @pytest.mark.parametrize(
        ("death", "message"),
        [
            ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", r"killed by SIGKILL during 'run'.*memory"),
            ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", r"killed by SIGSEGV during 'run'$"),
            ("sys.exit('no module named x')", r"status 1 during 'run': no module named x"),
            ("sys.exit(3)", r"status 3 during 'run': no message"),
        ],
    )
    def test_a_death_is_explained(self, death: str, message: str, interpreter: Callable[[str], str]) -> None:
        program = f"import sys\nsys.stdin.readline()\n{death}"
        with Worker(interpreter(program)) as worker, pytest.raises(WorkerError, match=message):
            worker.ask(Run(samples=[]), LogListener(), 20)

    def test_a_worker_that_is_dead_already(self, interpreter: Callable[[str], str]) -> None:
        with Worker(interpreter("raise SystemExit('bad start')")) as worker:
            worker._process.wait()
            with pytest.raises(WorkerError, match="bad start"):
                worker.ask(Attest(samples=[]), LogListener(), 20)

    def test_what_it_started_ends_with_it(self, interpreter: Callable[[str], str], tmp_path: Path) -> None:
        """Else closing would wait for it, until it writes a file in the end."""
        program = """
import subprocess, sys
write = f"signal.signal(signal.SIGALRM, lambda *_: open({LOG!r}, 'w')); signal.alarm(20); signal.pause()"
subprocess.Popen([sys.executable, "-S", "-c", f"import signal; {write}"])
sys.stdin.readline()
"""
        with Worker(interpreter(program)):
            pass
        assert not (tmp_path / "requests").exists()

    def test_one_that_hangs_is_stopped(self, interpreter: Callable[[str], str]) -> None:
        with Worker(interpreter("import signal\nsignal.pause()")) as worker:
            with pytest.raises(WorkerError, match=r"did not answer 'run' within 0 s and was stopped"):
                worker.ask(Run(samples=[]), LogListener(), 0)
            process = worker._process
        assert process.returncode is not None
