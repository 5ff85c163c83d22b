"""Serve the report on loopback, and remake it when the store changes."""

import logging
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

from ocrbench.runs.store import RECORD

log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
SECONDS_BETWEEN_LOOKS = 1.0


class LiveReport:
    """A server of one page.

    Attributes:
        address: Address of the page.
    """

    def __init__(self, make: Callable[[], bytes], folders: list[Path], port: int = 0) -> None:
        """Make the page and start serving it.

        Args:
            make: Function that makes the page; called again after each change.
            folders: Folders to watch for runs.
            port: Port; 0 takes a free one.

        Raises:
            OSError: The port is taken.
        """
        self._make, self._folders = make, folders
        self._stopped = Event()
        self._seen = state(folders)
        self.page, self.version = make(), 1
        self._server = ThreadingHTTPServer((LOOPBACK, port), _handler(self))
        self.address = f"http://{LOOPBACK}:{self._server.server_port}/"
        self._threads = [
            Thread(target=self._server.serve_forever, daemon=True),
            Thread(target=self._watch, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def wait(self) -> None:
        """Serve until interrupted."""
        self._stopped.wait()

    def close(self) -> None:
        """Stop serving."""
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()
        for thread in self._threads:
            thread.join()

    def look(self) -> None:
        """Make the page anew if runs have changed since the last look."""
        now = state(self._folders)
        if now == self._seen:
            return
        self._seen = now
        try:
            self.page = self._make()
        except Exception:
            # The next change may mend it; until then the last page stays.
            log.exception("The report could not be made anew")
            return
        self.version += 1

    def _watch(self) -> None:
        while not self._stopped.wait(SECONDS_BETWEEN_LOOKS):
            self.look()


def state(folders: list[Path]) -> dict[str, int]:
    """Return record → time of its last change, which reveals added, replaced and removed runs."""
    found = {}
    for folder in folders:
        for path in folder.glob(f"**/{RECORD}"):
            try:
                found[str(path)] = path.stat().st_mtime_ns
            except FileNotFoundError:
                continue
    return found


def _handler(live: LiveReport) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            # Another site's page must not read the report through a host name that points here (DNS rebinding).
            host = self.headers.get("Host", "").rpartition(":")[0]
            if host not in (LOOPBACK, "localhost"):
                self.send_error(HTTPStatus.FORBIDDEN)
            elif self.path == "/":
                self._send(live.page, "text/html; charset=utf-8")
            elif self.path == "/version":
                self._send(str(live.version).encode(), "text/plain")
            else:
                self.send_error(HTTPStatus.NOT_FOUND)

        def _send(self, content: bytes, kind: str) -> None:
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the overridden one
            log.debug(format, *args)

    return Handler
