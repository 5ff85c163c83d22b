"""The HTML report as a reader uses it."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from ocrbench.report.html import load_report, report_data, to_html
from ocrbench.report.html.live import LiveReport
from ocrbench.runs.run import Run

pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.browser

Open = Callable[..., Any]
WriteRun = Callable[..., Run]
WIDTHS = (390, 1440)
SCHEMES = ("light", "dark")


def rows(page: Any) -> list[int]:
    return [
        int(each) for each in page.eval_on_selector_all("#runs-table tbody tr", "all => all.map(e => e.dataset.run)")
    ]


def values(page: Any, column: str) -> list[Any]:
    return [page.evaluate(f"ocrbench.data.runs[{index}].row[{json.dumps(column)}]") for index in rows(page)]


def trace(page: Any, name: str) -> dict[str, Any]:
    found = page.evaluate(
        """name => document.querySelector("#pareto-plot").data.filter(each => each.name === name)
                     .map(({x, y, customdata, marker}) => ({x, y, customdata, marker}))""",
        name,
    )
    return dict(found[0])


class TestTable:
    def test_a_heading_sorts_up_and_then_down_with_failed_runs_last(self, shown: Any) -> None:
        button = shown.locator('#runs-table [data-column="latency_p50_ms"]')
        for way, reverse in (("ascending", False), ("descending", True)):
            button.click()
            numbers = values(shown, "latency_p50_ms")
            assert numbers[-1] is None
            assert numbers[:-1] == sorted(numbers[:-1], reverse=reverse)
            assert shown.locator(f'#runs-table th[aria-sort="{way}"]').inner_text().startswith("latency_p50_ms")

    def test_sorting_keeps_the_keyboard_where_it_was(self, shown: Any) -> None:
        shown.locator('#runs-table [data-column="precision"]').focus()
        shown.keyboard.press("Enter")
        assert shown.evaluate("document.activeElement.dataset.column") == "precision"
        assert values(shown, "precision") == sorted(values(shown, "precision"))

    def test_search_and_choices_filter(self, shown: Any) -> None:
        shown.fill("#runs-search", "INT8 gpu")
        assert values(shown, "device") == ["GPU"]
        assert shown.inner_text("#runs-status") == "1 of 9 runs"
        shown.fill("#runs-search", "")
        shown.select_option('[data-filter="precision"]', "FP16")
        assert values(shown, "precision") == ["FP16", "FP16"]
        shown.select_option('[data-filter="precision"]', "")
        assert len(rows(shown)) == 9

    def test_columns_are_the_readers_choice(self, shown: Any) -> None:
        assert shown.locator('#runs-table [data-column="compile_ms"]').count() == 0
        shown.click(".chooser summary >> text=Columns")
        shown.check('#runs-columns input[value="rec_cer"]')
        shown.uncheck('#runs-columns input[value="device"]')
        assert shown.locator('#runs-table [data-column="rec_cer"]').count() == 1
        assert shown.locator('#runs-table [data-column="device"]').count() == 0

    def test_a_failed_run_says_why(self, shown: Any) -> None:
        assert "GPU.7: no such device" in shown.inner_text("#runs-table tr.failed")

    def test_copied_csv_is_what_is_shown(self, shown: Any) -> None:
        # Without a clipboard the text is put where the reader can copy it.
        shown.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('closed')); }")
        shown.fill("#runs-search", "FP32")
        shown.click("#runs-copy")
        found = list(csv.DictReader(io.StringIO(shown.locator("textarea.csv").input_value())))
        assert [each["run"] for each in found] == shown.locator("#runs-table tbody th").all_inner_texts()
        numbers = [None if each["latency_p50_ms"] == "" else float(each["latency_p50_ms"]) for each in found]
        assert numbers == values(shown, "latency_p50_ms")


class TestPareto:
    def test_axes_are_switched(self, shown: Any) -> None:
        shown.select_option("#pareto-x", "peak_rss_mb")
        shown.select_option("#pareto-y", "rec_cer")
        titles = shown.locator("#pareto-plot .g-xtitle, #pareto-plot .g-ytitle").all_text_contents()
        assert sorted(titles) == ["Character error rate of matched regions", "Peak memory, MB"]
        assert set(trace(shown, "INT8, CPU")["x"]) == {500.25}

    def test_the_front_holds_the_runs_that_no_other_beats(self, shown: Any) -> None:
        data = shown.evaluate("ocrbench.data")
        chosen = data["sections"]["pareto"]["groups"][0]["runs"]
        points = [(data["runs"][i]["row"]["latency_p50_ms"], data["runs"][i]["row"]["e2e_hmean"]) for i in chosen]
        best = {(x, y) for x, y in points if not any(a <= x and b >= y and (a, b) != (x, y) for a, b in points)}
        front = trace(shown, "front")
        assert set(zip(front["x"], front["y"], strict=True)) == best
        assert 1 < len(best) < len(points)

    def test_colour_tells_the_precision_and_shape_the_device(self, shown: Any) -> None:
        one, other, third = (trace(shown, name)["marker"] for name in ("INT8, CPU", "INT8, GPU", "FP32, CPU"))
        assert one["color"] == other["color"] != third["color"]
        assert one["symbol"] == third["symbol"] != other["symbol"]

    def test_a_click_on_a_point_chooses_its_run_everywhere(self, shown: Any) -> None:
        index = trace(shown, "INT8, GPU")["customdata"][0]
        shown.locator("#pareto-plot").scroll_into_view_if_needed()
        place = shown.evaluate(
            """index => {
              const plot = document.querySelector("#pareto-plot");
              const { xaxis, yaxis } = plot._fullLayout;
              const row = ocrbench.data.runs[index].row;
              const box = plot.getBoundingClientRect();
              const [x, y] = [xaxis.d2p(row.latency_p50_ms), yaxis.d2p(row.e2e_hmean)];
              return [box.x + xaxis._offset + x, box.y + yaxis._offset + y];
            }""",
            index,
        )
        shown.mouse.move(*place)
        shown.mouse.click(*place)
        shown.wait_for_selector(f'#runs-table tr[data-run="{index}"][aria-selected="true"]')
        label = shown.evaluate(f"ocrbench.data.runs[{index}].label")
        assert shown.inner_text("#pareto-details h3") == label
        assert shown.input_value("#pareto-run") == str(index)
        assert trace(shown, "chosen")["x"] == [shown.evaluate(f"ocrbench.data.runs[{index}].row.latency_p50_ms")]

    def test_a_run_can_be_chosen_by_keyboard_in_the_table_too(self, shown: Any) -> None:
        shown.locator("#runs-table .pick").first.focus()
        shown.keyboard.press("Enter")
        first = rows(shown)[0]
        assert shown.input_value("#pareto-run") == str(first)
        assert "e2e_hmean" in shown.inner_text("#pareto-details")

    def test_runs_that_cannot_be_compared_are_in_another_diagram(self, shown: Any) -> None:
        shown.select_option("#pareto-group", "1")
        assert trace(shown, "BF16, CPU")["x"] == [pytest.approx(10 * 1.15 + 0.6, rel=0.2)]
        assert shown.locator("#pareto-run option").count() == 2


def test_another_bound_gives_another_winner(shown: Any) -> None:
    answer = shown.locator("#summary .within .answer").first
    within = {}
    for bound in ("45", "200", "1"):
        shown.fill("#bound-0", bound)
        within[bound] = answer.inner_text()
    assert within["1"] == "No run is that fast."
    assert within["45"].startswith("ppocrv6_small INT8 GPU has an end-to-end hmean")
    assert within["200"].startswith("ppocrv6_small FP16 CPU has an end-to-end hmean of 1.000")


def test_latency_shows_the_runs_that_are_chosen(shown: Any) -> None:
    drawn = "document.querySelector('#latency-ecdf').data.length"
    assert shown.evaluate(drawn) == 6
    shown.click("#latency-chooser summary")
    shown.locator("#latency-runs input:checked").first.uncheck()
    assert shown.evaluate(drawn) == 5
    assert shown.locator("#latency-table tbody tr").count() == 5
    assert shown.locator("#latency-cost tbody tr").count() == 5


def test_colours_follow_the_system_and_then_the_reader(open_page: Open, report_file: Path) -> None:
    watched = open_page(report_file)
    background = "getComputedStyle(document.body).backgroundColor"
    light = watched.page.evaluate(background)
    watched.page.emulate_media(color_scheme="dark")
    assert watched.page.evaluate(background) != light
    watched.page.click("#theme")
    assert watched.page.evaluate(background) == light
    watched.page.reload()
    assert watched.page.evaluate(background) == light
    assert watched.page.inner_text("#theme") == "Dark colours"
    assert (watched.problems, watched.requests) == ([], [])


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing_serious(shown: Any, width: int, scheme: str) -> None:
    shown.set_viewport_size({"width": width, "height": 900})
    shown.emulate_media(color_scheme=scheme)
    shown.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; }); ocrbench.select(0);")
    shown.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    violations = shown.evaluate("axe.run().then(result => result.violations)")
    serious = [
        (each["id"], [node["html"][:200] for node in each["nodes"]][:3])
        for each in violations
        if each["impact"] in ("serious", "critical")
    ]
    assert serious == []


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_window(shown: Any, width: int) -> None:
    shown.set_viewport_size({"width": width, "height": 900})
    narrow = "width => [...document.querySelectorAll('.main-svg')].every(each => each.clientWidth <= width)"
    shown.wait_for_function(narrow, arg=width)
    assert shown.evaluate("document.documentElement.scrollWidth") <= width


def test_hostile_texts_are_shown_and_do_nothing(open_page: Open, write_run: WriteRun, tmp_path: Path) -> None:
    texts = (
        "<script>window.ran = 1</script>",
        '"><img src=x onerror="window.ran = 1">',
        "\u202eright to left\u2066",
        "x" * 10_000,
        "👩‍💻 文字",
        "a\x00b",
        "=cmd|' /C calc'!A0",
    )
    for text in texts:
        write_run(tmp_path, texts=(text,), error=text)
        write_run(tmp_path, texts=(text,), change=lambda record, text=text: _renamed(record, text))
    path = tmp_path / "report.html"
    path.write_bytes(to_html(report_data(load_report([str(tmp_path)], title=texts[0]))))
    watched = open_page(path)
    watched.draw_all()
    page = watched.page
    for index in range(2 * len(texts)):
        page.evaluate(f"ocrbench.select({index})")
    assert page.evaluate("window.ran") is None
    assert page.inner_text("h1") == texts[0]
    shown = page.inner_text("#runs-table")
    assert all(text.replace("\x00", "\ufffd") in shown for text in texts)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert (watched.problems, watched.requests) == ([], [])


def _renamed(record: Run, text: str) -> Run:
    stage = {**record.config["detector"], "name": text}
    dataset = {**record.config["dataset"], "name": text}
    host = {"name": text, "cpu": text, "cores": 1}
    config = {**record.config, "detector": stage, "dataset": dataset}
    return replace(record, config=config, noisy=(text,), environment={"host": host, "versions": {"openvino": text}})


def test_a_served_page_loads_itself_again(browser: Any, write_run: WriteRun, tmp_path: Path) -> None:
    def make() -> bytes:
        return to_html(report_data(load_report([str(tmp_path)])), live=True)

    write_run(tmp_path, "precision=FP32")
    live = LiveReport(make, [tmp_path])
    page = browser.new_page()
    page.set_default_timeout(60_000)
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    try:
        page.goto(live.address)
        assert page.evaluate("ocrbench.data.runs.length") == 1
        # It has to have seen the first page's number before there is a second.
        page.wait_for_function("() => performance.getEntriesByName(new URL('version', location).href).length > 0")
        write_run(tmp_path, "precision=INT8")
        page.wait_for_function("() => typeof ocrbench !== 'undefined' && ocrbench.data.runs.length === 2")
    finally:
        page.close()
        live.close()
    assert problems == []
