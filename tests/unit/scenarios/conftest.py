"""Images whose width is their text, and a stand-in for a reader of them."""

import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from ocrbench.engines.interface import Result
from ocrbench.records import Image, Region, StageTimes
from ocrbench.scenarios import throughput
from ocrbench.scenarios.interface import Feed

TIMES = StageTimes(
    read_ns=0, detect_ns=1, detect_infer_ns=1, crop_ns=1, recognize_ns=1, recognize_infer_ns=1, latency_ns=3
)
Work = Callable[[Sequence[str]], None]
MakeFeed = Callable[[int], Feed]


class Widths:
    """A reader that refuses to be used by two threads at once.

    Attributes:
        served: The texts, group by group.
        noted: Images with the time that it took to read the file.
        under_way: Readers at work, of all of them; ``most`` is the highest number.
    """

    lock = threading.Lock()
    under_way = 0
    most = 0

    def __init__(self, work: Work = lambda _: None, fails_at: str = "") -> None:
        """Take what is done with each group of texts while the reader is at work, and the text that it cannot read."""
        self.work, self.fails_at = work, fails_at
        self.served: list[list[str]] = []
        self.noted: list[tuple[str, int]] = []
        self._own = threading.Lock()

    def read(self, image: Image) -> Result:
        return self.read_together([image])[0]

    def read_together(self, images: Iterable[Image]) -> list[Result]:
        assert self._own.acquire(blocking=False), "two threads use one reader"
        self._count(+1)
        texts = [str(image.shape[1]) for image in images]
        self.work(texts)
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
        self.noted.append((sample_id, end_ns - start_ns))

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
def ended(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Tell when threads that share work are given no more of it."""
    told = threading.Event()
    end = throughput._Shared.end

    def tell(shared: throughput._Shared) -> None:
        end(shared)
        told.set()

    monkeypatch.setattr(throughput._Shared, "end", tell)
    return told


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
