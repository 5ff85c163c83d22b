"""Images with ground truth and predictions, those with the largest losses or differences first."""

import base64
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ocrbench.data.dataset_files import resolve_inside
from ocrbench.data.images import read_image
from ocrbench.errors import DatasetError
from ocrbench.metrics.losses import Kind, spurious
from ocrbench.records import Image, Polygon, Region
from ocrbench.report.html.accuracy import kinds_of
from ocrbench.report.html.model import Report
from ocrbench.runs.run import Outcome, Run

MAX_SIDE_PX, JPEG_QUALITY = 640, 70
# Bytes that images and regions of the gallery may add to the page; the first runs and images are always shown.
MAX_IMAGE_BYTES, MAX_REGION_BYTES = 10_000_000, 5_000_000
LOST: frozenset[Kind] = frozenset({"misread", "displaced", "cut", "missed"})


@dataclass(frozen=True, kw_only=True)
class Picture:
    """An image as the page shows it.

    Attributes:
        source: URL; empty if the image cannot be shown.
        note: Reason why it cannot be shown.
        width: Width of the original, in pixels, to which regions refer.
        height: Height of the original, in pixels.
    """

    source: str
    width: int
    height: int
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """The finished runs on one dataset, baselines first.

    Attributes:
        numbered: Runs with their index on the page; None for those of ``--against``, which only some sections show.
    """

    name: str
    numbered: Sequence[tuple[int | None, Run]]

    @property
    def runs(self) -> list[Run]:
        """The runs alone."""
        return [run for _, run in self.numbered]


def build(report: Report) -> Mapping[str, Any] | None:
    """Choose images evenly from the datasets, and list what the runs found in them."""
    shelves = _shelves([*((None, run) for run in report.against), *enumerate(report.runs)])
    if not report.options.gallery or not shelves:
        return None
    per_shelf = -(-report.options.gallery // len(shelves))
    budget = _Budget(images=MAX_IMAGE_BYTES // len(shelves), regions=MAX_REGION_BYTES // len(shelves))
    link = report.options.link_images
    sets = [_set(shelf, per_shelf, budget, link=link) for shelf in shelves]
    return {
        **kinds_of([run for shelf in shelves for run in shelf.runs]),
        "sets": sets,
    }


def worst_first(runs: Sequence[Run]) -> list[str]:
    """Order images by lost words and, alternately, by words on which runs disagree."""
    lost: dict[str, int] = {}
    kinds: dict[str, list[list[Kind]]] = {}
    for run in runs:
        for outcome, fates in zip(run.outcomes, run.fates, strict=True):
            found = [fate.kind for fate in fates]
            lost[outcome.sample_id] = lost.get(outcome.sample_id, 0) + sum(kind in LOST for kind in found)
            kinds.setdefault(outcome.sample_id, []).append(found)
    changed = {name: sum(len(set(each)) > 1 for each in zip(*sides, strict=False)) for name, sides in kinds.items()}
    orders = (sorted(lost, key=lambda name: -lost[name]), sorted(lost, key=lambda name: -changed[name]))
    return list(dict.fromkeys(itertools.chain.from_iterable(zip(*orders, strict=True))))


@dataclass(frozen=True, kw_only=True)
class _Budget:
    """Bytes that a dataset's images and regions may take."""

    images: int
    regions: int


def _shelves(runs: Iterable[tuple[int | None, Run]]) -> list[Shelf]:
    found: dict[str, list[tuple[int | None, Run]]] = {}
    for index, run in runs:
        if run.ok:
            found.setdefault(run.dataset_sha256, []).append((index, run))
    return [Shelf(name=str(each[0][1].config["dataset"]["name"]), numbered=each) for each in found.values()]


def _set(shelf: Shelf, limit: int, budget: _Budget, *, link: bool) -> dict[str, Any]:
    wanted = worst_first(shelf.runs)[:limit]
    outcomes = {each.sample_id: each for run in reversed(shelf.runs) for each in run.outcomes}
    pictures = _pictures(shelf, [outcomes[name] for name in wanted], budget.images, link=link)
    places = {name: place for place, name in enumerate(pictures)}
    all_runs = [{"run": index, **_run(run, places)} for index, run in shelf.numbered]
    runs = list(_within(all_runs, budget.regions))
    return {
        "name": shelf.name,
        "images": [
            {
                "id": name,
                "source": shown.source,
                "note": shown.note,
                "width": shown.width,
                "height": shown.height,
                "expected": [_expected(region) for region in outcomes[name].expected],
            }
            for name, shown in pictures.items()
        ],
        "runs": runs,
        "images_of_all": len(outcomes),
        "images_left_out": len(wanted) - len(pictures),
        "runs_left_out": len(shelf.runs) - len(runs),
    }


def _pictures(shelf: Shelf, wanted: Sequence[Outcome], limit_bytes: int, *, link: bool) -> dict[str, Picture]:
    """Read images up to a limit on their total size, but at least the first one."""
    roots = list(dict.fromkeys(Path(run.config["dataset"]["root"]) for run in shelf.runs))
    found: dict[str, Picture] = {}
    taken = 0
    for outcome in wanted:
        shown = picture(roots, outcome.sample_id, (*outcome.expected, *outcome.predicted), link=link)
        taken += len(shown.source)
        if found and taken > limit_bytes:
            break
        found[outcome.sample_id] = shown
    return found


def _within(runs: Sequence[dict[str, Any]], limit_bytes: int) -> Iterable[dict[str, Any]]:
    """Keep the first two runs, and further ones up to a limit on their total size."""
    sizes = itertools.accumulate(len(json.dumps(run)) for run in runs)
    return (run for place, (run, size) in enumerate(zip(runs, sizes, strict=True)) if place < 2 or size <= limit_bytes)


def _run(run: Run, places: Mapping[str, int]) -> dict[str, Any]:
    images: list[Any] = [None] * len(places)
    for outcome, matching, fates in zip(run.outcomes, run.matchings, run.fates, strict=True):
        if outcome.sample_id not in places:
            continue
        images[places[outcome.sample_id]] = {
            "predicted": [[_points(region.polygon), region.text] for region in matching.predicted],
            "fates": [[fate.number, fate.kind, fate.predicted] for fate in fates],
            "spurious": [[each.number, each.kind] for each in spurious(matching)],
        }
    return {"label": run.label, "images": images}


def _expected(region: Region) -> dict[str, Any]:
    return {"points": _points(region.polygon), "text": region.text, "ignore": region.ignore}


def _points(polygon: Polygon) -> str:
    """Write corners in SVG's notation.

    >>> _points(((1.04, 2), (30.26, 2.0), (30, 9)))
    '1,2 30.3,2 30,9'
    """
    return " ".join(f"{round(x, 1):g},{round(y, 1):g}" for x, y in polygon)


def picture(roots: Sequence[Path], sample_id: str, regions: Sequence[Region], *, link: bool) -> Picture:
    """Read an image of a dataset.

    Args:
        roots: Possible folders of the dataset, because runs may come from several machines.
        sample_id: Path below the folder; a path that leads elsewhere is not shown.
        regions: Regions of the image, from which its size is estimated if it is gone.
        link: Link the file instead of embedding a smaller copy.
    """
    notes = []
    for root in roots:
        try:
            path, image = _read(root, sample_id)
        except (DatasetError, RuntimeError) as error:
            notes.append(str(error))
            continue
        height, width = image.shape[:2]
        return Picture(source=path.as_uri() if link else embedded(image), width=width, height=height)
    width, height = _extent(regions)
    return Picture(source="", width=width, height=height, note=notes[0])


def embedded(image: Image) -> str:
    """Write a small JPEG as a ``data:`` URL."""
    scale = min(1.0, MAX_SIDE_PX / max(image.shape[:2]))
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    small = image if scale == 1 else cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    _, encoded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return f"data:image/jpeg;base64,{base64.b64encode(encoded.tobytes()).decode()}"


def _read(root: Path, sample_id: str) -> tuple[Path, Image]:
    # A RuntimeError means that the user's home does not exist.
    path = resolve_inside(root.expanduser(), sample_id, root)
    return path.resolve(), read_image(path)


def _extent(regions: Sequence[Region]) -> tuple[int, int]:
    corners = np.array([corner for region in regions for corner in region.polygon], dtype=float).reshape(-1, 2)
    width, height = np.ceil(corners.max(axis=0, initial=MAX_SIDE_PX / 2)).astype(int).tolist()
    return width, height
