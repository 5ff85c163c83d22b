"""Dataset formats, one module each.

To add a format: write ``formats/<name>.py`` with a constant ``FORMAT``, register its name in ``FORMATS``, and describe
a dataset of that format in ``conf/dataset/<name>.yaml``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass as plain_dataclass
from importlib import import_module
from pathlib import Path

from pydantic.dataclasses import dataclass

from ocrbench.config.stage import STRICT
from ocrbench.records import Region, Sample

# Names of the modules here, each of which is imported when a dataset has that format.
FORMATS = ("folder", "funsd", "icdar2003", "icdar2015", "sroie", "words")


@plain_dataclass(frozen=True, kw_only=True)
class Entry:
    """An image of a dataset whose ground truth has not been read yet.

    Attributes:
        id: Unique name in the dataset: the path below the dataset's root, with forward slashes.
        image_path: Path of the image file.
        regions: Function that reads the ground truth; raises ``DatasetError`` if it is malformed.
    """

    id: str
    image_path: Path
    regions: Callable[[], Sequence[Region]] = tuple

    def sample(self) -> Sample:
        """Read the ground truth."""
        return Sample(id=self.id, image_path=self.image_path, regions=tuple(self.regions()))


@dataclass(frozen=True, kw_only=True, config=STRICT)
class NoOptions:
    """Options of a format without keys."""


@plain_dataclass(frozen=True, kw_only=True)
class Format:
    """A dataset format.

    Attributes:
        read: Function that lists the images below a root in a fixed order. Its first argument is the root; the format's
            options follow by name. Raises ``DatasetError`` if a file is missing, and names what was expected.
        options: Pydantic dataclass of the keys that the format adds to a dataset's YAML.
    """

    read: Callable[..., Sequence[Entry]]
    options: type = NoOptions


def format_named(name: str) -> Format:
    """Import a format by its name, which is one of ``FORMATS``."""
    found: Format = import_module(f"{__name__}.{name}").FORMAT
    return found
