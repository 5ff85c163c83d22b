"""A headless Chromium, started once, and pages that are made of runs which nobody measured.

Debian's ``chromium`` and Google's browser serve; CHROMIUM names another. Where there is none these tests are skipped.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ocrbench.report.html import load_report, report_data, to_html
from ocrbench.runs.run import Run

playwright = pytest.importorskip("playwright.sync_api")

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
# Puts every control back.
RESET = """() => {
  for (const each of document.querySelectorAll("#pareto select, #runs select")) {
    each.selectedIndex = 0;
    each.dispatchEvent(new Event("change"));
  }
  const search = document.querySelector("#runs-search");
  search.value = "";
  search.dispatchEvent(new Event("input"));
  ocrbench.select(null);
}"""
WriteRun = Callable[..., Run]


class Watched:
    """A page, with everything that it said or asked for.

    Attributes:
        problems: Errors and warnings on its console, and exceptions.
        requests: Addresses other than its own file and embedded data.
    """

    def __init__(self, page: "playwright.Page", path: Path) -> None:
        self.page = page
        self.problems: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self._console(message.type, message.text))
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("dialog", lambda dialog: (self.problems.append("a dialog"), dialog.dismiss()))
        page.on("request", lambda request: self._request(request.url, path))
        page.goto(path.as_uri())

    def draw_all(self) -> None:
        """Let every section be drawn, as for paper."""
        self.page.evaluate("dispatchEvent(new Event('beforeprint'))")

    def _console(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.problems.append(text)

    def _request(self, url: str, path: Path) -> None:
        if not url.startswith("data:") and url.partition("#")[0] != path.as_uri():
            self.requests.append(url)


@pytest.fixture(scope="session")
def browser() -> Iterator["playwright.Browser"]:
    named = os.environ.get("CHROMIUM")
    chromium = named or next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("no chromium; on Debian: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        yield running
        running.close()


@pytest.fixture(scope="session")
def report_file(write_run: WriteRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of nine runs in two groups: the second dataset has one run, one run failed."""
    folder = tmp_path_factory.mktemp("reports")
    for number, model in enumerate(("ppocrv6_small", "ppocrv4_mobile")):
        write_run(folder, f"model={model}", "precision=FP32", ms=100 - 30 * number, wrong=2 * number)
        write_run(folder, f"model={model}", "precision=INT8", ms=60 - 20 * number, wrong=1 + 2 * number)
        write_run(folder, f"model={model}", "precision=FP16", ms=90 - 30 * number, wrong=2 * number)
    write_run(folder, "precision=INT8", "device=GPU", ms=30, wrong=1)
    write_run(folder, "precision=FP32", error="GPU.7: no such device")
    write_run(folder, "precision=BF16", ms=10, change=lambda record: replace(record, dataset_sha256="e" * 64))
    return save(folder)


def save(folder: Path) -> Path:
    path = folder / "report.html"
    path.write_bytes(to_html(report_data(load_report([str(folder)], command="ocrbench report"))))
    return path


@pytest.fixture(scope="module")
def open_page(browser: "playwright.Browser") -> Iterator[Callable[[Path], Watched]]:
    """Open a file in a window of its own."""
    contexts = []

    def show(path: Path) -> Watched:
        contexts.append(browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="light"))
        page = contexts[-1].new_page()
        # Others may use this machine too.
        page.set_default_timeout(60_000)
        return Watched(page, path)

    yield show
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def opened(open_page: Callable[[Path], Watched], report_file: Path) -> Watched:
    """The page of all tests of a module, with every section drawn."""
    watched = open_page(report_file)
    watched.draw_all()
    return watched


@pytest.fixture
def shown(opened: Watched) -> Iterator["playwright.Page"]:
    """The same page as a reader finds it; a test must leave no complaint and no request."""
    opened.page.set_viewport_size({"width": 1440, "height": 900})
    opened.page.emulate_media(color_scheme="light")
    opened.page.evaluate(RESET)
    yield opened.page
    assert opened.problems == []
    assert opened.requests == []
