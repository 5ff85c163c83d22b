"""The HTML report of 200 runs on 500 images each: how long it takes, how large it is, how fast it answers."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ocrbench.report.html import load_report, report_data, to_html
from ocrbench.runs.run import Run
from ocrbench.runs.store import RECORD, Store

pytest.importorskip("playwright.sync_api")
pytestmark = [pytest.mark.browser, pytest.mark.nightly]

RUNS, IMAGES = 200, 500
CPU_SECONDS, BYTES, PAINT_MS, SORT_MS = 20, 25_000_000, 2000, 200
SORTS = 5
SORT = """() => {
  document.querySelector('#runs-table [data-column="latency_p50_ms"]').click();
  document.body.getBoundingClientRect();
}"""


def busy_ms(session: Any) -> float:
    """Return the CPU time of the page's thread so far: others may use this machine too."""
    found = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
    return 1000 * float(found["TaskDuration"])


@pytest.fixture(scope="module")
def reports(write_run: Callable[..., Run], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copies of one run, each a little slower; the data files are the same ones."""
    folder = tmp_path_factory.mktemp("reports")
    first = Store(folder).root / write_run(folder, images=IMAGES, wrong=50).run_id
    content = json.loads((first / RECORD).read_text(encoding="utf-8"))
    for number in range(1, RUNS):
        copy = first.with_name(f"run-{number:03}")
        copy.mkdir()
        for name in content["files"].values():
            os.link(first / name, copy / name)
        scores = [{**score, "value": score["value"] * (1 + number / 1000)} for score in content["scores"]]
        changed = {**content, "run_id": copy.name, "cell_id": copy.name, "scores": scores}
        (copy / RECORD).write_text(json.dumps(changed), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def made(reports: Path) -> tuple[Path, float]:
    start = time.process_time()
    page = to_html(report_data(load_report([str(reports)])))
    seconds = time.process_time() - start
    path = reports / "report.html"
    path.write_bytes(page)
    return path, seconds


def test_it_is_made_soon_and_stays_small(made: tuple[Path, float]) -> None:
    path, seconds = made
    assert seconds < CPU_SECONDS
    assert path.stat().st_size < BYTES


def test_the_browser_paints_and_sorts_at_once(made: tuple[Path, float], open_page: Callable[..., Any]) -> None:
    watched = open_page(made[0])
    watched.draw_all()
    page = watched.page
    painted = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    assert painted < PAINT_MS
    assert page.locator("#runs-table tbody tr").count() == RUNS
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    before = busy_ms(session)
    for _ in range(SORTS):
        page.evaluate(SORT)
    assert 0 < (busy_ms(session) - before) / SORTS < SORT_MS
    assert (watched.problems, watched.requests) == ([], [])
