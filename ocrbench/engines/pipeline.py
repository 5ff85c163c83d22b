"""From an image to its text: detect, crop, recognize, with a stopwatch for each stage."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter_ns
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocrbench.config.schema import Cutting
from ocrbench.engines.interface import Result
from ocrbench.errors import DeviceError
from ocrbench.geometry import crop_quadrilateral
from ocrbench.models.interface import Detector, Reading, Recognizer
from ocrbench.models.words import pieces
from ocrbench.records import Image, Network, Region, Span, StageTimes


class TimedNetwork:
    """A network with a stopwatch that also notices input shapes it has not met before.

    Attributes:
        seen: The input shapes that it has met.
        elapsed_ns: Time inside the network since ``reset``.
        new_shapes: Number of shapes that were never seen before ``reset``.
        new_shape_ns: The part of ``elapsed_ns`` in which they came.
        spans: Where each call is noted; None for nowhere.
    """

    def __init__(self, network: Network, stage: str) -> None:
        self._network = network
        self._stage = stage
        self.spans: list[Span] | None = None
        self.seen: set[tuple[tuple[int, ...], ...]] = set()
        self.reset()

    def reset(self) -> None:
        """Start the stopwatch at zero."""
        self.elapsed_ns = self.new_shape_ns = self.new_shapes = 0

    def __call__(self, *tensors: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """Infer, and add to the stopwatch.

        Raises:
            DeviceError: The outputs are not numbers.
        """
        shapes = tuple(tensor.shape for tensor in tensors)
        new = shapes not in self.seen
        self.seen.add(shapes)
        start = perf_counter_ns()
        outputs = self._network(*tensors)
        end = perf_counter_ns()
        self.elapsed_ns += end - start
        if new:
            self.new_shapes += 1
            self.new_shape_ns += end - start
        if self.spans is not None:
            self.spans.append(Span(self._stage, start, end))
        # The least value is NaN if any is. OpenVINO 2026.4.1 gives such outputs with several streams and 8-bit weights
        # (findings/openvino_streams_8bit_weights_nan.sh); they would read as no text.
        if any(each.size and each.dtype.kind == "f" and np.isnan(each.min()) for each in outputs):
            message = f"{self._stage.removesuffix('_infer')}: the network's outputs are not numbers (NaN)"
            raise DeviceError(message)
        return outputs


class Pipeline:
    """Detector and recognizer with their networks.

    Attributes:
        cutting: How lines are cut into words, or what is done with those that stay whole.
    """

    def __init__(
        self,
        detector: Detector,
        detector_networks: Mapping[str, Network],
        recognizer: Recognizer,
        recognizer_networks: Mapping[str, Network],
        cutting: Cutting = Cutting(),  # noqa: B008 - it never changes
    ) -> None:
        self.detector = detector
        self.recognizer = recognizer
        self.cutting = cutting
        self._detector_networks = {name: TimedNetwork(each, "detect_infer") for name, each in detector_networks.items()}
        self._recognizer_networks = {
            name: TimedNetwork(each, "recognize_infer") for name, each in recognizer_networks.items()
        }
        self._spans: list[Span] | None = None

    def share_shapes(self, other: "Pipeline") -> None:
        """Take a shape that one of the two met for one that both did, as their networks are the same compiled ones."""
        for own, theirs in zip(self._networks, other._networks, strict=True):
            own.seen = theirs.seen

    @property
    def _networks(self) -> list[TimedNetwork]:
        return [*self._detector_networks.values(), *self._recognizer_networks.values()]

    def trace(self) -> list[Span]:
        """Note from now on when each stage begins and ends.

        Returns:
            What was noted since the last call; a stage comes after the calls of its networks.
        """
        spans, self._spans = self._spans, []
        for network in self._networks:
            network.spans = self._spans
        return spans or []

    def note(self, stage: str, start_ns: int, end_ns: int, sample_id: str = "") -> None:
        """Note a stage, if this is traced."""
        if self._spans is not None:
            self._spans.append(Span(stage, start_ns, end_ns, sample_id))

    def read(self, image: Image) -> Result:
        """Read all text in a decoded BGR image (height, width, 3)."""
        return self.read_together([image])[0]

    def read_together(self, images: Iterable[Image]) -> list[Result]:
        """Read all text in some images, whose crops share the recognizer's batches.

        The next image is asked for when the last one is cut into crops, and is not kept longer. An image's latency
        begins when it comes and ends when all are read. A shape that is new to one is new to all. The recognizer's
        time is divided by the number of crops.
        """
        found = [self._find(image) for image in images]
        if not found:
            return []
        cropped = found[-1].end_ns
        networks = self._recognizer_networks.values()
        for network in networks:
            network.reset()
        crops = [crop for each in found for crop in each.crops]
        readings = self.recognizer.recognize(crops, self._recognizer_networks)
        regions = self._texts(found, readings)
        end = perf_counter_ns()
        infer_ns = sum(network.elapsed_ns for network in networks)
        new_ns = sum(network.new_shape_ns for network in networks)
        new_shapes = sum(network.new_shapes for network in networks)
        first_seen = new_shapes > 0 or any(each.new_shapes for each in found)
        self.note("recognize", cropped, end)
        results = []
        for each, kept in zip(found, regions, strict=True):
            share = len(each.crops) / len(crops) if crops else 1 / len(found)
            times = replace(
                each.times,
                recognize_ns=round(share * (end - cropped)),
                recognize_infer_ns=round(share * infer_ns),
                new_shape_ns=each.times.new_shape_ns + round(share * new_ns),
                latency_ns=end - each.start_ns,
            )
            # Those of the recognizer belong to the whole group, and count once.
            own = each.new_shapes + (new_shapes if each is found[-1] else 0)
            results.append(Result(regions=tuple(kept), times=times, first_seen=first_seen, new_shapes=own))
        return results

    def _find(self, image: Image) -> "_Found":
        start = perf_counter_ns()
        networks = self._detector_networks.values()
        for network in networks:
            network.reset()
        regions = self.detector.detect(image, self._detector_networks)
        detected = perf_counter_ns()
        crops = [crop_quadrilateral(image, region.polygon) for region in regions]
        end = perf_counter_ns()
        self.note("detect", start, detected)
        self.note("crop", detected, end)
        times = StageTimes(
            read_ns=0,
            detect_ns=detected - start,
            detect_infer_ns=sum(network.elapsed_ns for network in networks),
            crop_ns=end - detected,
            recognize_ns=0,
            recognize_infer_ns=0,
            new_shape_ns=sum(network.new_shape_ns for network in networks),
            latency_ns=0,
        )
        new_shapes = sum(network.new_shapes for network in networks)
        return _Found(regions=regions, crops=crops, times=times, new_shapes=new_shapes, start_ns=start, end_ns=end)

    def _texts(self, found: "Sequence[_Found]", readings: Sequence[Reading]) -> list[list[Region]]:
        """Give the regions of each image their texts."""
        kept: list[list[Region]] = [[] for _ in found]
        cut = [
            (number, region, crop)
            for number, each in enumerate(found)
            for region, crop in zip(each.regions, each.crops, strict=True)
        ]
        for (number, region, crop), reading in zip(cut, readings, strict=True):
            kept[number] += [
                piece
                for piece in pieces(region, crop, reading, self.cutting)
                if piece.text and piece.confidence >= self.recognizer.min_confidence
            ]
        return kept


@dataclass(frozen=True, kw_only=True)
class _Found:
    """An image between the stages."""

    regions: Sequence[Region]
    crops: Sequence[Image]
    times: StageTimes
    new_shapes: int
    start_ns: int
    end_ns: int
