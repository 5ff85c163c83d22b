"""Reading for people: from a file, a folder or an address to regions with text.

Most imports are inside functions, so that a mistyped path is found before anything that takes long to import.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from ocrbench.errors import ConfigError, DatasetError

if TYPE_CHECKING:
    import requests

    from ocrbench.config.schema import Cell
    from ocrbench.measure.processes import Worker
    from ocrbench.progress import Listener
    from ocrbench.records import Region

# A person reads lines. A network for the shape of one picture takes longer to compile than it saves.
DEFAULTS = ("granularity=line", "folding.detector_networks=0")
MAX_BYTES = 50_000_000
TIMEOUT_SECONDS = 30
CHUNK_BYTES = 1 << 16


@dataclass(frozen=True, kw_only=True)
class Read:
    """The text found in one image.

    Attributes:
        name: Name that the user gave.
        skipped: Reason why it could not be read; then there are no regions.
    """

    name: str
    path: Path
    regions: tuple[Region, ...] = ()
    skipped: str = ""


def by_lines(regions: Sequence[Region]) -> list[Region]:
    """Sort regions in reading order."""
    from ocrbench.geometry import in_reading_order

    return in_reading_order(regions)


def by_distance(regions: Sequence[Region]) -> list[Region]:
    """Sort regions by the distance of their first corner from the image's upper left, as the OpenVINO tutorial does."""
    return sorted(regions, key=lambda region: region.polygon[0][0] ** 2 + region.polygon[0][1] ** 2)


ORDERS: Mapping[str, Callable[[Sequence[Region]], list[Region]]] = {"reading": by_lines, "distance": by_distance}


def is_override(word: str) -> bool:
    """Whether a word of the command line is KEY=VALUE, and neither an address nor a file whose name looks like it."""
    return "=" in word and "://" not in word.partition("=")[0] and not Path(word).exists()


def check_exists(name: str) -> None:
    """Check that a name is an address or that there is such a file or folder.

    Raises:
        ConfigError: It is neither.
    """
    path = Path(name).expanduser()
    if "://" not in name and not path.is_file() and not path.is_dir():
        message = f"{name}: no such file or folder, and neither an address nor KEY=VALUE"
        raise ConfigError(message)


class ImageSource:
    """Resolver of names to image files; a context manager that keeps downloads until it ends."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def __enter__(self) -> ImageSource:
        """Create a folder for downloads."""
        self._folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the downloads."""
        self._stack.close()

    def files(self, name: str) -> list[tuple[str, Path]]:
        """List the images behind a file, a folder or an http(s) address.

        Returns:
            (name for people, file) pairs.

        Raises:
            ConfigError: The file or folder does not exist.
            DatasetError: The folder has no image, or the address cannot be read.
        """
        check_exists(name)
        if "://" in name:
            return [(name, self._fetch(name))]
        path = Path(name).expanduser()
        if path.is_dir():
            from ocrbench.data.formats import folder

            return [(entry.id, entry.image_path) for entry in folder.read(path)]
        return [(name, path)]

    def _fetch(self, url: str) -> Path:
        if not re.match(r"https?://[^/?#]", url, re.IGNORECASE):
            message = f"{url}: only http and https addresses are read"
            raise ConfigError(message)
        import requests
        from urllib3.exceptions import HTTPError

        from ocrbench.convert.download import reason

        try:
            with (
                requests.get(url, timeout=TIMEOUT_SECONDS, stream=True) as answer,
                tempfile.NamedTemporaryFile(dir=self._folder, delete=False) as stream,
            ):
                answer.raise_for_status()
                stream.writelines(_chunks(answer, url))
        except (requests.RequestException, HTTPError) as error:
            message = f"{url}: cannot be fetched: {reason(str(error))}"
            raise DatasetError(message) from error
        return Path(stream.name)


def _chunks(answer: requests.Response, url: str) -> Iterator[bytes]:
    """Yield data as it arrives, so that a slow server cannot exceed the time limit."""
    deadline, received = monotonic() + TIMEOUT_SECONDS, 0
    while chunk := answer.raw.read1(CHUNK_BYTES, decode_content=True):
        yield chunk
        received += len(chunk)
        if received > MAX_BYTES:
            message = f"{url}: larger than {MAX_BYTES / 1_000_000:g} MB"
            raise DatasetError(message)
        if monotonic() > deadline:
            message = f"{url}: not received within {TIMEOUT_SECONDS:g} s"
            raise DatasetError(message)


def compose(overrides: Sequence[str], config_dir: str | None) -> Cell:
    """Compose a cell to read with.

    Raises:
        ConfigError: An override is wrong, or means nothing for reading.
        DeviceError: A device is not available.
    """
    from ocrbench.config.checking import refuse_unused
    from ocrbench.config.parsing import shipped_cell
    from ocrbench.config.schema import ONLY_MEASURING

    refuse_unused(overrides, ONLY_MEASURING, "read")
    if overrides or config_dir is not None:
        from ocrbench.config.composing import load

        cell = load([*DEFAULTS, *overrides], config_dir)
    else:
        cell = shipped_cell()
        folding = replace(cell.folding, detector_networks=0)
        cell = replace(cell, granularity="line", folding=folding)
    # A CPU is always there, and OpenVINO takes long to import.
    if devices := {stage.device for stage in cell.stages.values()} - {"CPU"}:
        from ocrbench.runtime.devices import check_device

        for device in sorted(devices):
            check_device(device)
    return cell


def read_images(worker: Worker, cell: Cell, images: Sequence[tuple[str, Path]], listener: Listener) -> list[Read]:
    """Read all text in some images with a cell's models, precision and devices.

    Args:
        worker: A process that has loaded nothing yet.
        cell: The cell, as for a run; its dataset is not used.
        images: (name for people, file) pairs.
        listener: Listener for progress.

    Raises:
        OcrBenchError: A model cannot be obtained, converted or compiled.
    """
    from ocrbench.measure.preparing import prepare
    from ocrbench.models import check_options
    from ocrbench.worker.protocol import Load, Run

    check_options(cell)
    results = []
    artifacts = prepare(cell, listener, start=lambda: nullcontext(worker))
    listener.say("compiling")
    worker.ask(Load(cell=cell, artifacts=artifacts), listener, cell.prepare_timeout_seconds)
    for number, (name, path) in enumerate(images, start=1):
        (found,) = worker.ask(Run(samples=[(name, path)]), listener, cell.timeout_seconds).measurements
        skipped = found.skipped.replace(str(path), name)
        results.append(Read(name=name, path=path, regions=found.regions, skipped=skipped))
        listener.advance("reading", number, len(images))
    return results
