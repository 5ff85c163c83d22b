"""The parent's end of worker processes: start, ask, watch over, give up, and start afresh without the wait.

The protocol is imported where it is spoken: that takes long, and a worker that was started before imports meanwhile.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Self

from ocrbench import errors
from ocrbench.errors import OcrBenchError, WorkerError

if TYPE_CHECKING:
    from ocrbench.progress import Listener
    from ocrbench.worker.protocol import Answer, Failed, Request

log = logging.getLogger(__name__)

CLOSE_SECONDS = 10
FORK_SECONDS = 60
# macOS has system libraries that do not survive it.
FORKS = sys.platform == "linux"


class Worker:
    """A worker process, as a context manager."""

    def __init__(self, interpreter: str = sys.executable, variables: Mapping[str, str] | None = None) -> None:
        """Prepare to start a worker.

        Args:
            interpreter: A Python that can import ocrbench, for example that of another virtual environment.
            variables: Environment variables for this worker only.
        """
        self._interpreter = interpreter
        self._variables = variables or {}
        self._stderr = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        self._lines: queue.Queue[str | None] = queue.Queue()

    def __enter__(self) -> Self:
        """Start the process."""
        self._process = subprocess.Popen(
            [self._interpreter, "-m", "ocrbench.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            encoding="utf-8",
            env={**_environment(self._interpreter), **self._variables},
            # Ctrl-C is the parent's to handle: it ends its workers itself.
            start_new_session=True,
        )
        threading.Thread(target=self._collect, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """End the process; by force where it does not go, or where something went wrong."""
        if kind is None:
            from ocrbench.worker.protocol import Close

            with contextlib.suppress(WorkerError, subprocess.TimeoutExpired):
                self._write(Close())
                self._process.wait(CLOSE_SECONDS)
        # Whatever a library started would keep the pipes open, and closing them would wait for it.
        self.kill()
        self._process.wait()
        self._stderr.seek(0)
        log.debug("worker %s said:\n%s", self._process.pid, self._stderr.read())
        for stream in (self._process.stdin, self._process.stdout, self._stderr):
            if stream is not None:
                # A worker that died leaves requests in the pipe, which closing tries to write once more.
                with contextlib.suppress(BrokenPipeError):
                    stream.close()

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def ask(self, request: Request[Answer], listener: Listener, seconds: float) -> Answer:
        """Send a request and wait for its answer.

        Args:
            request: See ``ocrbench.worker.protocol``.
            listener: Hears the worker's progress.
            seconds: How long the worker may take.

        Raises:
            OcrBenchError: The worker reports it; it has the class that the worker names.
            WorkerError: The worker died, took too long, or answered something else.
        """
        from ocrbench.worker.protocol import Answered, Failed, Warned, decode_event

        self._write(request)
        deadline = monotonic() + seconds
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - monotonic()))
            except queue.Empty:
                self.kill()
                message = f"The worker did not answer '{request.command}' within {seconds:g} s and was stopped"
                raise WorkerError(message) from None
            if line is None:
                raise WorkerError(self._obituary(request.command))
            event = decode_event(line, request)
            if isinstance(event, Answered):
                return event.content
            if isinstance(event, Failed):
                raise _error(event)
            if isinstance(event, Warned):
                log.warning("%s", event.text)
            else:
                listener.say(event.text)

    def kill(self) -> None:
        """End the process and all that it started."""
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()

    def _write(self, request: Request[Any]) -> None:
        from ocrbench.worker.protocol import encode_request

        assert self._process.stdin is not None
        try:
            self._process.stdin.write(encode_request(request))
            self._process.stdin.flush()
        except OSError as error:
            raise WorkerError(self._obituary(request.command)) from error

    def _collect(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def _obituary(self, command: str) -> str:
        try:
            code = self._process.wait(CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            return f"The worker closed its output during '{command}'"
        if code < 0:
            name = signal.Signals(-code).name
            hint = " (out of memory?)" if name == "SIGKILL" else ""
            return f"The worker was killed by {name} during '{command}'{hint}"
        self._stderr.seek(0)
        lines = self._stderr.read().strip().splitlines() or ["no message"]
        return f"The worker ended with status {code} during '{command}': {lines[-1]}"


class FreshProcesses:
    """A source of processes that have loaded nothing yet, as a context manager.

    On Linux, one process imports everything once, when the first is wanted, and each fresh one is a copy of it, made in
    milliseconds. Its networks are compiled and placed in memory anew, which is what makes processes differ in speed.
    """

    def __init__(self, start: Callable[[], Worker], listener: Listener) -> None:
        """Prepare.

        Args:
            start: Makes a worker.
            listener: Hears what the workers say.
        """
        self._start, self._listener = start, listener
        self._originals = ExitStack()
        self._idle: list[Worker] = []

    def __enter__(self) -> Self:
        """Start nothing yet."""
        return self

    def __exit__(self, *error: object) -> None:
        """End the processes that the others are copies of; by force where something went wrong."""
        self._originals.__exit__(*error)  # type: ignore[arg-type]

    @contextmanager
    def fresh(self) -> Iterator[Worker]:
        """Give a process for as long as the block lasts. Several at once are copies of as many originals.

        Raises:
            WorkerError: It cannot be started.
        """
        from ocrbench.worker.protocol import Fork, Leave

        if not FORKS:
            with self._start() as worker:
                yield worker
            return
        if not self._idle:
            self._idle.append(self._originals.enter_context(self._start()))
        original = self._idle.pop()
        original.ask(Fork(), self._listener, FORK_SECONDS)
        yield original
        original.ask(Leave(), self._listener, FORK_SECONDS)
        self._idle.append(original)


def _error(event: Failed) -> OcrBenchError:
    kind = getattr(errors, event.kind, WorkerError)
    error: OcrBenchError = kind(event.message)
    return error


def _environment(interpreter: str) -> dict[str, str]:
    """Let the child import ocrbench: the very package that this process runs, unless the child has one of its own.

    Nothing comes from the working folder, where a file may have the name of a library: it is not on the child's path,
    which an empty entry would mean too.
    """
    variables = {**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONSAFEPATH": "1"}
    if interpreter != sys.executable and _has_ocrbench(interpreter):
        variables.pop("PYTHONPATH", None)
        return variables
    package = str(Path(__file__).resolve().parents[2])
    path = [package, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**variables, "PYTHONPATH": os.pathsep.join(path)}


@functools.cache
def _has_ocrbench(interpreter: str) -> bool:
    """Ask from a folder that holds no package, so that the current one does not count."""
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with tempfile.TemporaryDirectory() as folder:
        command = [interpreter, "-c", "import ocrbench"]
        return subprocess.run(command, cwd=folder, env=variables, capture_output=True, check=False).returncode == 0
