"""The gallery and the section on accuracy as a reader uses them."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from ocrbench.geometry import rectangle
from ocrbench.records import Region
from ocrbench.report.html import Options, load_report, report_data, to_html
from ocrbench.runs.run import Outcome, Run
from ocrbench.runs.store import Store

pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.browser

WriteRun = Callable[..., Run]
IMAGES = 4
NAMES = ("img_0.png", "<b>img_1.png", "img_2.png", "img_3.png")
HOSTILE = ("<img src=x onerror=alert(1)>", "\u202etfel", "x" * 10_000, "a\x00b", "</script><script>alert(1)</script>")


def word(place: int, text: str, *, left: float = 10, width: float = 80) -> Region:
    return Region(polygon=rectangle(left, 40 * place + 10, width, 20), text=text)


def outcomes(*, worse: bool) -> list[Outcome]:
    """Four images of four words. All runs misread, cut and miss words of image 1; a worse one misreads image 2 too."""
    texts = ("Exit", "Gate", "Lift", "Stop")
    right = tuple(word(place, text) for place, text in enumerate(texts))
    lost = (word(0, "Ex1t"), word(1, "Ga", width=30), word(2, "Lift", width=40), word(0, "?", left=200))
    misread = (word(0, HOSTILE[0]), *right[1:])
    predicted = (right, lost, misread if worse else right, right)
    return [
        Outcome(sample_id=name, predicted=found, expected=right) for name, found in zip(NAMES, predicted, strict=True)
    ]


def write(folder: Path, write_run: WriteRun, root: Path, *overrides: str, worse: bool = False) -> None:
    def placed(record: Run) -> Run:
        dataset = {**record.config["dataset"], "root": str(root)}
        return replace(record, config={**record.config, "dataset": dataset})

    record = write_run(folder, *overrides, images=IMAGES, change=placed)
    store = Store(folder)
    found = outcomes(worse=worse)
    timings = store.find(record.run_id).timings
    store.save(record, timings.assign(sample_id=[NAMES[n % IMAGES] for n in range(len(timings))]), found)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three of the four images; the last one is gone."""
    folder = tmp_path_factory.mktemp("images")
    for name in NAMES[:-1]:
        cv2.imwrite(str(folder / name), np.full((180, 320, 3), 200, np.uint8))
    return folder


@pytest.fixture(scope="module")
def folders(write_run: WriteRun, images: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    one, other = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("other")
    write(one, write_run, images, "precision=FP32")
    write(other, write_run, images, "precision=INT8", worse=True)
    return one, other


def save(path: Path, folders: tuple[Path, Path], *, link_images: bool = False) -> Path:
    report = load_report([str(folders[1])], [str(folders[0])], options=Options(link_images=link_images))
    path.write_bytes(to_html(report_data(report), link_images=link_images))
    return path


@pytest.fixture(scope="module")
def opened(open_page: Callable[[Path], Any], folders: tuple[Path, Path]) -> Any:
    watched = open_page(save(folders[1] / "report.html", folders))
    watched.draw_all()
    return watched


@pytest.fixture
def shown(opened: Any) -> Iterator[Any]:
    """Both runs side by side, as a reader finds them; a test must leave no complaint and no request."""
    opened.page.set_viewport_size({"width": 1440, "height": 900})
    opened.page.emulate_media(color_scheme="light")
    opened.page.select_option("#gallery-one", "0")
    opened.page.select_option("#gallery-other", "1")
    opened.page.select_option("#gallery-kind", "")
    yield opened.page
    assert opened.problems == []
    assert opened.requests == []


def names(page: Any) -> list[str]:
    return [str(each) for each in page.locator("#gallery-images article > h3").all_inner_texts()]


def test_two_groups_stand_side_by_side_the_worst_image_first(shown: Any) -> None:
    assert names(shown)[:2] == ["<b>img_1.png", "img_2.png"]
    assert len(names(shown)) == IMAGES
    assert shown.locator("#gallery-images article").first.locator("figure").count() == 2


def test_one_run_alone(shown: Any) -> None:
    shown.select_option("#gallery-other", "")
    first = shown.locator("#gallery-images article").first
    assert first.locator("figure").count() == 1
    kinds = first.locator("tbody .kind").all_inner_texts()
    lost = ["misread", "cut badly", "right text, wrong box", "not detected"]
    assert kinds == [*lost, "ill-fitting box", "ill-fitting box", "false alarm"]
    assert "0 of 4 words read right, 1 misread" in first.locator("figcaption").inner_text()
    assert first.locator("svg.picture").get_attribute("aria-label").startswith("<b>img_1.png: 0 of 4 words read right")


@pytest.mark.parametrize("name", ["expected", "predicted", "texts"])
def test_layers_are_toggled_by_keyboard(shown: Any, name: str) -> None:
    layer, button = shown.locator(f"#gallery-images .layer-{name}").first, shown.locator(f"#gallery-{name}")
    before = name != "texts"
    for state in (before, not before, before):
        assert layer.evaluate("each => getComputedStyle(each).display !== 'none'") == state
        assert button.get_attribute("aria-pressed") == str(state).lower()
        button.focus()
        shown.keyboard.press("Space" if state == before else "Enter")
    button.click()
    assert button.get_attribute("aria-pressed") == str(before).lower()


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("misread", ["<b>img_1.png", "img_2.png"]),
        ("missed", ["<b>img_1.png"]),
        ("displaced", ["<b>img_1.png"]),
        ("false_alarm", ["<b>img_1.png"]),
        ("changed", ["img_2.png"]),
    ],
)
def test_filters_show_the_images_with_that_kind_of_error(shown: Any, kind: str, found: list[str]) -> None:
    shown.select_option("#gallery-kind", kind)
    assert names(shown) == found
    assert shown.inner_text("#gallery-status").startswith(f"{len(found)} of the 4 images here")
    assert shown.locator("#gallery-images .expected.dim").count() > 0
    assert shown.locator("#gallery-images polygon:not(.dim)").count() > 0


def test_what_changed_is_told_with_both_texts(shown: Any) -> None:
    shown.select_option("#gallery-kind", "changed")
    assert "1 word changed." in shown.inner_text("#gallery-images")
    (row,) = shown.locator("#gallery-images tr.changed").all()
    assert row.locator("td").all_inner_texts() == ["read right Exit", f"misread {HOSTILE[0]}"]


def test_a_word_is_looked_at_closer_and_the_picture_comes_back(shown: Any) -> None:
    article = shown.locator("#gallery-images article").first
    picture, button = article.locator("svg.picture").first, article.locator("tbody button").first
    assert picture.get_attribute("viewBox") == "0 0 320 180"
    button.focus()
    shown.keyboard.press("Enter")
    left, top, width, height = (float(each) for each in picture.get_attribute("viewBox").split())
    assert button.get_attribute("aria-pressed") == "true"
    # The word is at (10, 10) and 80 by 20 pixels.
    assert max(left, top) <= 10
    assert 90 <= left + width < 320
    assert 30 <= top + height < 180
    shown.keyboard.press("Enter")
    assert picture.get_attribute("viewBox") == "0 0 320 180"


def test_an_image_that_is_gone_has_a_note_and_its_outlines(shown: Any) -> None:
    article = shown.locator("#gallery-images article", has_text="img_3.png")
    assert re.search("cannot be shown: .* is missing", article.inner_text())
    assert article.locator("image").count() == 0
    assert article.locator(".expected").count() == 8


def test_a_run_chosen_elsewhere_is_shown(shown: Any) -> None:
    shown.evaluate("ocrbench.select(0)")
    assert shown.input_value("#gallery-one") == "1"
    assert shown.input_value("#accuracy-run") == "0"


def test_linked_images_are_read_from_their_files(
    open_page: Callable[[Path], Any], folders: tuple[Path, Path], images: Path
) -> None:
    watched = open_page(save(folders[1] / "linked.html", folders, link_images=True))
    watched.draw_all()
    watched.page.wait_for_timeout(500)
    asked = {address for address in watched.requests if address.startswith("file:")}
    assert asked == set(watched.requests) == {(images / name).as_uri() for name in NAMES[:-1]}
    assert watched.problems == []
    assert "file cannot be shown" not in watched.page.inner_text("#gallery-images")


def test_hostile_texts_stay_texts(open_page: Callable[[Path], Any], write_run: WriteRun, tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    write_run(one, texts=HOSTILE)
    write_run(other, texts=HOSTILE, wrong=6)
    watched = open_page(save(other / "report.html", (one, other)))
    watched.draw_all()
    page = watched.page
    page.set_viewport_size({"width": 390, "height": 800})
    page.click("#gallery-texts")
    text = page.inner_text("#gallery-images")
    assert HOSTILE[0] in text
    assert "(10000 characters)" in text
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator("#gallery-images img, #comparison img, #accuracy img").count() == 0
    assert watched.problems == []
    assert watched.requests == []
