"""Images whose width is their text, and a stand-in for a pipeline that reads it."""

import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from time import sleep

import cv2
import numpy as np
import pytest

from ocrbench.engines.interface import Result
from ocrbench.records import Image, Region, StageTimes
from ocrbench.scenarios import Feed

TIMES = StageTimes(
    read_ns=0, detect_ns=1, detect_infer_ns=1, crop_ns=1, recognize_ns=1, recognize_infer_ns=1, latency_ns=3
)
MakeFeed = Callable[[int], Feed]


class Widths:
    """A pipeline that takes some time for each image, and refuses to be used by two threads at once.

    Attributes:
        served: The texts, group by group.
        under_way: Pipelines at work, of all of them; ``most`` is the highest number.
    """

    lock = threading.Lock()
    under_way = 0
    most = 0

    def __init__(self, seconds: float = 0.002, fails_at: str = "") -> None:
        self.seconds, self.fails_at = seconds, fails_at
        self.served: list[list[str]] = []
        self._own = threading.Lock()

    def read(self, image: Image) -> Result:
        return self.read_together([image])[0]

    def read_together(self, images: Iterable[Image]) -> list[Result]:
        assert self._own.acquire(blocking=False), "two threads use one pipeline"
        self._count(+1)
        texts = [str(image.shape[1]) for image in images]
        sleep(self.seconds * len(texts))
        self.served.append(texts)
        self._count(-1)
        self._own.release()
        if self.fails_at in texts:
            message = f"cannot read {self.fails_at}"
            raise RuntimeError(message)
        regions = [Region(polygon=((0, 0), (1, 0), (1, 1)), text=text) for text in texts]
        return [Result(regions=(region,), times=TIMES, first_seen=region.text == "20") for region in regions]

    def note(self, stage: str, start_ns: int, end_ns: int, sample_id: str = "") -> None:
        assert stage == "read"
        assert start_ns <= end_ns

    @classmethod
    def _count(cls, change: int) -> None:
        with Widths.lock:
            Widths.under_way += change
            Widths.most = max(Widths.most, Widths.under_way)


@pytest.fixture
def widths() -> type[Widths]:
    """Give the stand-in with its counters at zero."""
    Widths.under_way = Widths.most = 0
    return Widths


@pytest.fixture
def feed(tmp_path: Path) -> MakeFeed:
    """Make images named by their widths, from 20 pixels up."""

    def make(count: int) -> Feed:
        made = []
        for width in range(20, 20 + count):
            path = tmp_path / f"{width}.png"
            cv2.imwrite(str(path), np.zeros((20, width, 3), dtype=np.uint8))
            made.append((str(width), path))
        return made

    return make
