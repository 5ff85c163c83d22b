"""The page that is served: on loopback only, and anew when runs change."""

import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from ocrbench.report.html import live
from ocrbench.report.html.live import LiveReport
from ocrbench.runs.run import Run

WriteRun = Callable[..., Run]


class Maker:
    """Makes pages that are numbered, and fails when it is told to."""

    def __init__(self) -> None:
        self.made = 0
        self.fails = False
        self.made_two = threading.Event()

    def __call__(self) -> bytes:
        if self.fails:
            raise ValueError
        self.made += 1
        if self.made == 2:
            self.made_two.set()
        return f"page {self.made}".encode()


@pytest.fixture(autouse=True)
def ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    patient = ThreadingHTTPServer.serve_forever
    monkeypatch.setattr(ThreadingHTTPServer, "serve_forever", lambda server: patient(server, poll_interval=0.001))


@pytest.fixture
def maker() -> Maker:
    return Maker()


@pytest.fixture
def served(maker: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveReport]:
    """A report that looks for changes when it is told to."""
    monkeypatch.setattr(live, "SECONDS_BETWEEN_LOOKS", 3600)
    report = LiveReport(maker, [tmp_path])
    yield report
    report.close()


def read(address: str, **headers: str) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(address, headers=headers), timeout=20) as answer:
        return str(answer.read().decode())


def shown(report: LiveReport) -> tuple[str, str]:
    return read(report.address), read(f"{report.address}version")


def test_a_new_run_makes_a_new_page(served: LiveReport, write_run: WriteRun, tmp_path: Path) -> None:
    assert shown(served) == ("page 1", "1")
    served.look()
    assert shown(served) == ("page 1", "1")
    write_run(tmp_path)
    served.look()
    assert shown(served) == ("page 2", "2")


def test_a_page_that_cannot_be_made_leaves_the_last(
    served: LiveReport, maker: Maker, write_run: WriteRun, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    maker.fails = True
    write_run(tmp_path)
    served.look()
    assert shown(served) == ("page 1", "1")
    assert "could not be made anew" in caplog.text
    maker.fails = False
    served.look()
    assert shown(served) == ("page 1", "1")
    write_run(tmp_path)
    served.look()
    assert shown(served) == ("page 2", "2")


def test_it_looks_for_changes_by_itself(
    maker: Maker, write_run: WriteRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "SECONDS_BETWEEN_LOOKS", 0.001)
    report = LiveReport(maker, [tmp_path])
    write_run(tmp_path)
    assert maker.made_two.wait(30)
    report.close()
    assert report.version == 2


def test_it_is_served_on_loopback_under_its_own_name_only(served: LiveReport) -> None:
    assert served.address.startswith("http://127.0.0.1:")
    for path, headers, status in (("", {"Host": "example.org:80"}, 403), ("run.json", {}, 404)):
        with pytest.raises(urllib.error.HTTPError) as refused:
            read(served.address + path, **headers)
        refused.value.close()
        assert refused.value.code == status
