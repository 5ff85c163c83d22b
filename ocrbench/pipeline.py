"""From an image to its text: detect, crop, recognize, with a stopwatch for each stage."""

from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter_ns
from typing import Any

from numpy.typing import NDArray

from ocrbench.config import Words
from ocrbench.geometry import crop_quadrilateral
from ocrbench.models import Detector, Recognizer
from ocrbench.models.words import pieces
from ocrbench.records import Image, Network, Region, StageTimes


class TimedNetwork:
    """A network with a stopwatch that also notices input shapes it has not met before.

    Attributes:
        elapsed_ns: Time inside the network since ``reset``.
        met_new_shape: Whether an input since ``reset`` had a shape that was never seen before.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._seen: set[tuple[tuple[int, ...], ...]] = set()
        self.reset()

    def reset(self) -> None:
        """Start the stopwatch at zero."""
        self.elapsed_ns = 0
        self.met_new_shape = False

    def __call__(self, *tensors: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """Infer, and add to the stopwatch."""
        shapes = tuple(tensor.shape for tensor in tensors)
        if shapes not in self._seen:
            self._seen.add(shapes)
            self.met_new_shape = True
        start = perf_counter_ns()
        outputs = self._network(*tensors)
        self.elapsed_ns += perf_counter_ns() - start
        return outputs


@dataclass(frozen=True, kw_only=True)
class Result:
    """What the pipeline made of one image.

    Attributes:
        regions: Text regions with polygon, text and confidence, in reading order.
        times: Wall times; ``read_ns`` is 0, since the image came decoded.
        first_seen: Whether a network met an input shape for the first time.
    """

    regions: tuple[Region, ...]
    times: StageTimes
    first_seen: bool


class Pipeline:
    """Detector and recognizer with their networks.

    Attributes:
        words: How lines are cut into words; None leaves them whole.
    """

    def __init__(
        self,
        detector: Detector,
        detector_networks: Mapping[str, Network],
        recognizer: Recognizer,
        recognizer_networks: Mapping[str, Network],
        words: Words | None = None,
    ) -> None:
        self.detector = detector
        self.recognizer = recognizer
        self.words = words
        self._detector_networks = {name: TimedNetwork(each) for name, each in detector_networks.items()}
        self._recognizer_networks = {name: TimedNetwork(each) for name, each in recognizer_networks.items()}

    def run(self, image: Image) -> Result:
        """Read all text in an image.

        Args:
            image: Decoded BGR image (height, width, 3).
        """
        networks = (*self._detector_networks.values(), *self._recognizer_networks.values())
        for network in networks:
            network.reset()
        start = perf_counter_ns()
        found = self.detector.detect(image, self._detector_networks)
        detected = perf_counter_ns()
        crops = [crop_quadrilateral(image, region.polygon) for region in found]
        cropped = perf_counter_ns()
        readings = self.recognizer.recognize(crops, self._recognizer_networks)
        regions = tuple(
            piece
            for region, crop, reading in zip(found, crops, readings, strict=True)
            for piece in pieces(region, crop, reading, self.words)
            if piece.text and piece.confidence >= self.recognizer.min_confidence
        )
        end = perf_counter_ns()
        times = StageTimes(
            read_ns=0,
            detect_ns=detected - start,
            detect_infer_ns=sum(network.elapsed_ns for network in self._detector_networks.values()),
            crop_ns=cropped - detected,
            recognize_ns=end - cropped,
            recognize_infer_ns=sum(network.elapsed_ns for network in self._recognizer_networks.values()),
            latency_ns=end - start,
        )
        return Result(regions=regions, times=times, first_seen=any(network.met_new_shape for network in networks))
