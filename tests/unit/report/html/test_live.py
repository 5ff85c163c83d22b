"""The page that is served: on loopback only, and anew when runs change."""

import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ocrbench.report.html import live
from ocrbench.report.html.live import LiveReport
from ocrbench.runs.run import Run

WriteRun = Callable[..., Run]


class Maker:
    """Counts how often a page is made, and fails once if it is told to."""

    def __init__(self) -> None:
        self.made = 0
        self.fails = False

    def __call__(self) -> bytes:
        if self.fails:
            self.fails = False
            raise ValueError
        self.made += 1
        return f"page {self.made}".encode()


@pytest.fixture
def maker() -> Maker:
    return Maker()


@pytest.fixture
def served(maker: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveReport]:
    monkeypatch.setattr(live, "SECONDS", 0.05)
    report = LiveReport(maker, [tmp_path])
    yield report
    report.close()


def read(address: str, **headers: str) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(address, headers=headers), timeout=20) as answer:
        return str(answer.read().decode())


def wait_for(version: str, served: LiveReport) -> None:
    end = time.monotonic() + 30
    while read(f"{served.address}version") != version:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_new_run_makes_a_new_page(served: LiveReport, write_run: WriteRun, tmp_path: Path) -> None:
    assert (read(served.address), read(f"{served.address}version")) == ("page 1", "1")
    write_run(tmp_path)
    wait_for("2", served)
    assert read(served.address) == "page 2"


def test_a_page_that_cannot_be_made_leaves_the_last(
    served: LiveReport, maker: Maker, write_run: WriteRun, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    maker.fails = True
    write_run(tmp_path)
    end = time.monotonic() + 30
    while maker.fails:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert read(served.address) == "page 1"
    write_run(tmp_path)
    wait_for("2", served)
    assert "could not be remade" in caplog.text


def test_it_is_served_on_loopback_under_its_own_name_only(served: LiveReport) -> None:
    assert served.address.startswith("http://127.0.0.1:")
    for path, headers, status in (("", {"Host": "example.org:80"}, 403), ("run.json", {}, 404)):
        with pytest.raises(urllib.error.HTTPError) as refused:
            read(served.address + path, **headers)
        refused.value.close()
        assert refused.value.code == status
