"""How images are fed: in order, one at a time, past those that cannot be read."""

from pathlib import Path
from time import sleep

import cv2
import numpy as np

from ocrbench.engines.interface import Result
from ocrbench.records import Image, Region, StageTimes
from ocrbench.scenarios.interface import Setup
from ocrbench.scenarios.latency import latency

TIMES = StageTimes(
    read_ns=0, detect_ns=1, detect_infer_ns=1, crop_ns=1, recognize_ns=1, recognize_infer_ns=1, latency_ns=3
)


class Widths:
    """Stands for a pipeline: reports an image's width as its text."""

    def read(self, image: Image) -> Result:
        sleep(0.002)
        region = Region(polygon=((0, 0), (1, 0), (1, 1)), text=str(image.shape[1]))
        return Result(regions=(region,), times=TIMES, first_seen=image.shape[1] == 20)

    def note(self, stage: str, start_ns: int, end_ns: int, sample_id: str) -> None:
        assert stage == "read"
        assert end_ns - start_ns > 0


def test_images_are_measured_in_order_and_bad_ones_are_left_out_with_a_reason(tmp_path: Path) -> None:
    for width in (20, 30):
        cv2.imwrite(str(tmp_path / f"{width}.png"), np.zeros((20, width, 3), dtype=np.uint8))
    (tmp_path / "empty.png").touch()
    names = ("20.png", "empty.png", "30.png", "absent.png")
    block = latency([Widths()], [(name, tmp_path / name) for name in names], Setup())  # type: ignore[list-item]
    assert [each.sample_id for each in block.measurements] == list(names)
    good, empty, other, absent = block.measurements
    assert [each.regions[0].text for each in (good, other)] == ["20", "30"]
    assert [each.first_seen for each in (good, other)] == [True, False]
    assert "empty" in empty.skipped
    assert "absent.png" in absent.skipped
    assert empty.times is None
    assert good.times is not None
    assert good.times.read_ns > 0
    assert good.times.latency_ns == TIMES.latency_ns
    assert block.wall_ns > 2 * 2_000_000 + good.times.read_ns
