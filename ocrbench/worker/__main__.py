"""The process that converts and measures: ``python -m ocrbench.worker`` answers requests on its standard streams.

See ``ocrbench.worker.protocol`` for the requests and answers. Libraries that print cannot disturb the protocol: their
standard output is standard error here.
"""

import ctypes
import logging
import os
import signal
import sys
from collections.abc import Callable
from threading import Thread
from time import sleep
from typing import TextIO

from ocrbench.errors import OcrBenchError, WorkerError, last_line
from ocrbench.worker.protocol import (
    Answered,
    Close,
    Event,
    Failed,
    Fork,
    Leave,
    Progressed,
    Warned,
    decode_request,
    encode_event,
)
from ocrbench.worker.session import Session

# From <sys/prctl.h>.
PR_SET_PDEATHSIG = 1
ORPHANED = 1
WATCH_SECONDS = 1.0


class WarningSender(logging.Handler):
    """Sends ocrbench's warnings to the process that asked, where a person sees them."""

    def __init__(self, send: Callable[[Event], None]) -> None:
        super().__init__(logging.WARNING)
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        """Send one warning."""
        self._send(Warned(record.getMessage()))


def serve(requests: TextIO, answers: TextIO) -> None:
    """Answer requests until ``close`` or the end of the input."""

    def send(event: Event) -> None:
        answers.write(encode_event(event))
        answers.flush()

    logging.getLogger("ocrbench").addHandler(WarningSender(send))
    session = Session(lambda text: send(Progressed(text)))
    for line in requests:
        try:
            request = decode_request(line)
            if isinstance(request, Close):
                session.close()
                return
            if isinstance(request, Fork):
                if not _outlived_a_copy():
                    send(Answered(os.getpid()))
                continue
            if isinstance(request, Leave):
                send(Answered(None))
                # Not the usual way: what ends an interpreter is for the original to do.
                os._exit(0)
            send(Answered(getattr(session, request.command)(request)))
        except OcrBenchError as error:
            send(Failed(type(error).__name__, str(error)))
        except Exception as error:
            logging.getLogger(__name__).exception("this request failed: %.200s", line)
            send(Failed(WorkerError.__name__, f"{type(error).__name__}: {last_line(error)}"))


def end_with(parent: int) -> None:
    """Let this process end as soon as its parent has ended, in whatever way.

    Args:
        parent: The number of the parent, which may be gone already.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    else:
        Thread(target=_watch, args=(parent,), daemon=True).start()
    if os.getppid() != parent:
        os._exit(ORPHANED)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        sleep(WATCH_SECONDS)
    os._exit(ORPHANED)


def _outlived_a_copy() -> bool:
    """Fork. Return False in the copy at once; in the original wait for the copy's end, then end as it did or go on."""
    original = os.getpid()
    copy = os.fork()
    if not copy:
        end_with(original)
        return False
    _, status = os.waitpid(copy, 0)
    if os.WIFSIGNALED(status):
        os.kill(os.getpid(), os.WTERMSIG(status))
    if code := os.waitstatus_to_exitcode(status):
        sys.exit(code)
    return True


def main() -> None:
    """Serve on standard input and output."""
    end_with(os.getppid())
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(message)s")
    serve(sys.stdin, answers)
    sys.stderr.flush()
    # Not the usual way: with OpenVINO loaded an interpreter takes long to end, and there is nothing left to do.
    os._exit(0)


if __name__ == "__main__":
    main()
