"""How images are fed: in order, one at a time, past those that cannot be read."""

from collections.abc import Callable
from pathlib import Path

import pytest

from doubles import Clock
from ocrbench.data.images import read_image
from ocrbench.records import Image
from ocrbench.scenarios import latency
from ocrbench.scenarios.interface import Feed, Setup

MakeFeed = Callable[[int], Feed]


def test_images_are_measured_in_order_and_bad_ones_are_left_out_with_a_reason(
    widths: type, feed: MakeFeed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    clock.rule(monkeypatch, latency)

    def read(path: Path) -> Image:
        clock.sleep(0.003)
        return read_image(path)

    monkeypatch.setattr(latency, "read_image", read)
    (tmp_path / "empty.png").touch()
    twenty, twenty_one = feed(2)
    images = [twenty, ("empty", tmp_path / "empty.png"), twenty_one, ("absent", tmp_path / "absent.png")]
    reader = widths(lambda _: clock.sleep(0.002))
    block = latency.latency([reader], images, Setup())
    assert [each.sample_id for each in block.measurements] == ["20", "empty", "21", "absent"]
    good, empty, other, absent = block.measurements
    assert [each.regions[0].text for each in (good, other)] == ["20", "21"]
    assert [each.first_seen for each in (good, other)] == [True, False]
    assert "empty" in empty.skipped
    assert "absent.png" in absent.skipped
    assert empty.times is None
    assert good.times is not None
    # Reading is timed apart; what the reader says of itself stays.
    assert (good.times.read_ns, good.times.latency_ns) == (3_000_000, 3)
    assert reader.noted == [("20", 3_000_000), ("21", 3_000_000)]
    assert block.wall_ns == 4 * 3_000_000 + 2 * 2_000_000
