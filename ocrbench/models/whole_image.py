"""Family ``whole_image``: no network; the image is one region. Use it to test a recognizer alone on cropped words."""

from collections.abc import Iterator, Mapping

from pydantic.dataclasses import dataclass

from ocrbench.config.stage import STRICT
from ocrbench.geometry import rectangle
from ocrbench.models.interface import Family, Part
from ocrbench.records import Graph, Image, Network, Region


@dataclass(frozen=True, kw_only=True, config=STRICT)
class WholeImageOptions:
    """No options."""


class WholeImageDetector:
    """Detector that returns the whole image as its only region."""

    def __init__(self, options: WholeImageOptions, metadata: Mapping[str, str]) -> None:
        self.options = options

    def graphs(self) -> Mapping[str, Graph]:
        """Name no network."""
        return {}

    def detect(self, image: Image, networks: Mapping[str, Network]) -> list[Region]:
        """Return the image's rectangle."""
        height, width = image.shape[:2]
        return [Region(polygon=rectangle(0, 0, width, height), confidence=1.0)]

    def calibration(self, image: Image) -> Iterator[Image]:
        """Yield nothing."""
        yield from ()


FAMILY = Family(detector=Part(options=WholeImageOptions, build=WholeImageDetector))
