"""The annotation lines that ICDAR 2015 and SROIE share: eight coordinates and a transcription."""

import math
from pathlib import Path

from ocrbench.data.files import read_text
from ocrbench.errors import DatasetError
from ocrbench.records import Region

DONT_CARE = "###"


def read_regions(path: Path) -> tuple[Region, ...]:
    """Read a file of ``x1,y1,x2,y2,x3,y3,x4,y4,transcription`` lines; empty lines are skipped.

    Raises:
        DatasetError: A line is malformed; the message names file and line.
    """
    # str.splitlines would also split at characters that occur inside transcriptions (U+2028, U+0085 …).
    lines = enumerate(read_text(path).split("\n"), start=1)
    return tuple(_parse(line.strip(), f"{path}:{number}") for number, line in lines if line.strip())


def _parse(line: str, place: str) -> Region:
    *fields, text = line.split(",", maxsplit=8)
    try:
        numbers = [float(field) for field in fields]
    except ValueError:
        numbers = []
    if len(numbers) != 8 or not all(map(math.isfinite, numbers)):
        message = f"{place}: expected x1,y1,x2,y2,x3,y3,x4,y4,transcription, got {line[:80]!r}"
        raise DatasetError(message)
    polygon = tuple(zip(numbers[::2], numbers[1::2], strict=True))
    text = text.strip()
    # A word without a transcription cannot be scored: nobody could read it.
    return Region(polygon=polygon, text=text, ignore=text in {"", DONT_CARE})
