"""The page as a file: one, whole, and safe whatever texts it holds."""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path

import pytest

from ocrbench.report.html import SECTIONS, load_report, report_data, to_html, to_markdown
from ocrbench.report.html.page import embedded
from ocrbench.runs.run import Run

WriteRun = Callable[..., Run]
STATIC = resources.files("ocrbench.report.html") / "static"
HOSTILE = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"'`{{7*7}}{% raw %}",
    "\u202eright to left\u2066",
    "x" * 10_000,
    "👩‍💻 文字",
    "a\x00b\x1b[31m",
    "\udcff",
    "<!--",
    "a\u2028b",
)


class Elements(HTMLParser):
    """Collects the elements with their attributes, and what scripts hold."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self._in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in_script = tag == "script"
        if self._in_script:
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.scripts[-1] += data


def parsed(page: bytes) -> Elements:
    elements = Elements()
    elements.feed(page.decode())
    return elements


def policy(page: bytes) -> str:
    (found,) = [str(given["content"]) for _, given in parsed(page).tags if given.get("http-equiv")]
    return found


def hostile(text: str) -> Callable[[Run], Run]:
    """Put a text wherever a run can hold one."""

    def change(record: Run) -> Run:
        stage = {**record.config["detector"], "name": text}
        dataset = {**record.config["dataset"], "name": text, "root": text}
        return replace(
            record,
            config={**record.config, "detector": stage, "dataset": dataset},
            environment={"versions": {"openvino": text}, "host": {"name": text, "cpu": text, "cores": 1}},
            noisy=(text,),
            skipped={text: text},
        )

    return change


@pytest.fixture(scope="module")
def page(reports: Path) -> bytes:
    return to_html(report_data(load_report([str(reports)], command="ocrbench report")))


def test_it_holds_every_section_and_asks_for_nothing(page: bytes) -> None:
    elements = parsed(page)
    # The comparison is for pages with a second group of runs.
    wanted = [each.id for each in SECTIONS if each.id != "comparison"]
    assert [given["id"] for tag, given in elements.tags if tag == "section"] == wanted
    assert not {"iframe", "object", "embed", "img", "base"} & {tag for tag, _ in elements.tags}
    loaded = [given[name] for _, given in elements.tags for name in ("src", "href") if name in given]
    assert all(str(each).startswith(("#", "data:,")) for each in loaded)


def test_the_policy_allows_these_scripts_and_no_others(page: bytes) -> None:
    elements = parsed(page)
    kinds = [given.get("type") for tag, given in elements.tags if tag == "script"]
    running = [script for script, kind in zip(elements.scripts, kinds, strict=True) if kind is None]
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in running]
    rules = dict(rule.split(" ", 1) for rule in policy(page).split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"].split() == [f"'sha256-{each}'" for each in hashes]
    assert rules["img-src"] == "data:"
    assert "connect-src" not in rules


def test_only_who_asks_gets_files_and_reloading(reports: Path) -> None:
    data = report_data(load_report([str(reports)]))
    linked, live = (to_html(data, link_images=True), to_html(data, live=True))
    assert "img-src data: file:;" in policy(linked)
    assert "connect-src 'self'" in policy(live)
    assert b"location.reload" in live
    assert b"location.reload" not in linked


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_texts_stay_texts(text: str, page: bytes, write_run: WriteRun, tmp_path: Path) -> None:
    write_run(tmp_path, "precision=FP32", texts=(text,), change=hostile(text))
    write_run(tmp_path, "precision=FP32", error=text, change=hostile(text))
    report = load_report([str(tmp_path)], title=text)
    made = to_html(report_data(report))
    expected, found = (Elements() for _ in range(2))
    for elements, content in ((expected, page), (found, made)):
        elements.feed(content.decode())
    assert {tag for tag, _ in found.tags} <= {tag for tag, _ in expected.tags}
    assert {name for _, given in found.tags for name in given} <= {name for _, given in expected.tags for name in given}
    (content,) = [json.loads(script) for script in found.scripts if script.startswith("{")]
    assert content["runs"][1]["row"]["error"] == text.encode(errors="backslashreplace").decode()
    assert b"\x00" not in made
    assert to_markdown(report, report_data(report)).decode().count("<script>") == 0


def test_json_in_a_script_cannot_end_it() -> None:
    text = "</script><!--&\u2028"
    assert json.loads(embedded([text])) == [text]
    assert not set(embedded([text])) & set("<>&\u2028")


def test_scripts_never_make_markup_of_texts() -> None:
    ours = [path for path in STATIC.iterdir() if path.name.endswith(".js")]
    assert len(ours) > 4
    for path in ours:
        code = path.read_text(encoding="utf-8")
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", code), (
            path.name
        )
        assert "</script" not in code


def test_the_short_report_leads_with_warnings(reports: Path) -> None:
    report = load_report([str(reports)])
    lines = to_markdown(report, report_data(report)).decode().splitlines()
    assert lines[0].startswith("# OCR benchmark")
    assert lines[2] == "- **1 run failed**"
    assert any(line.startswith("- Fastest: **ppocrv6_small INT8** has a median latency") for line in lines)
    assert sum(line.startswith("| ppocrv6_small |") for line in lines) == 4


def test_every_section_has_its_files() -> None:
    folder = resources.files("ocrbench.report.html")
    for section in SECTIONS:
        assert (folder / "templates" / f"{section.id}.html").is_file()
        assert (folder / "static" / f"{section.id}.js").is_file() == section.script
