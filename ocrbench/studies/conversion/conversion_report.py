"""The price of a conversion as JSON, and as a page of Markdown with a picture of each flipped region."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from itertools import groupby
from typing import Any

from ocrbench import environment
from ocrbench.compare.flips import Agreement, Flip
from ocrbench.compare.verdict import Comparison
from ocrbench.config.stage import ROLES
from ocrbench.data.images import read_image
from ocrbench.errors import DatasetError
from ocrbench.records import Image, Region
from ocrbench.report.comparison import change_to_plain
from ocrbench.report.picture import crop_sheet
from ocrbench.report.pull_request import code, table
from ocrbench.report.tables import escape
from ocrbench.runs.columns import EMPTY
from ocrbench.studies.conversion.conversion_text import (
    NOT_DETECTED,
    found_text,
    heading,
    models,
    notes,
    rows,
    sentences,
)
from ocrbench.studies.conversion.three_precisions import SPEEDUPS, Conversion, Variant, speedup

# Of the JSON.
SCHEMA = 1
# Of each direction, in Markdown; the JSON has them all.
FLIPS_SHOWN = 200
NOTE_CHARACTERS = 400
EXPLANATION = (
    "1.50× is 1.5 times as fast. In brackets: 95 % intervals, of the speed over processes, of the accuracy over\n"
    "images. Size and compile time are given as shares of the other side's.\n"
)
WHY = {
    (True, "recognition"): "misread now",
    (True, "detection"): "no longer detected",
    (False, "recognition"): "was misread",
    (False, "detection"): "was not detected",
}


def crop_names(conversion: Conversion) -> dict[int, str]:
    """Name the picture of each flip: number of the flip → file name, which holds nothing that was read anywhere."""
    return {
        number: f"{number + 1:04d}-{'lost' if flip.lost else 'gained'}-{flip.cause}.png"
        for number, flip in enumerate(conversion.flips)
    }


def crop_pictures(conversion: Conversion) -> Iterator[tuple[int, Image]]:
    """Draw each flip: its crop by the ground truth and by what either side found, with the texts.

    Yields:
        (number of the flip, BGR picture); an image that can no longer be read has none.
    """
    for sample_id, numbered in groupby(enumerate(conversion.flips), key=lambda item: item[1].sample_id):
        try:
            image = read_image(conversion.image_paths[sample_id])
        except DatasetError:
            continue
        for number, flip in numbered:
            yield number, _picture(image, flip, conversion)


def to_markdown(conversion: Conversion, crops: Mapping[int, str], started: datetime) -> bytes:
    """Write the report; texts, names and paths in it may hold anything, and are escaped.

    Args:
        conversion: What was measured.
        crops: Number of a flip → its picture, as a path made by us, relative to the report.
        started: When measuring began.
    """
    cell, label = conversion.cell, conversion.converted.label
    title = f"{models(conversion)}: {label} against FP32 and AUTO"
    body = [[escape(value) or EMPTY for value in row] for row in rows(conversion)]
    parts = [
        f"# {escape(title)}\n",
        f"Device {code(cell.devices)}, dataset {code(cell.dataset.name)}: {conversion.agreement.images} images, "
        f"{conversion.words} words. {escape(_where(started))}\n",
        "".join(f"- {escape(line)}\n" for line in sentences(conversion)),
        table([escape(each) for each in heading(conversion)], body),
        EXPLANATION,
        _flip_section(conversion, crops, lost=True),
        _flip_section(conversion, crops, lost=False),
        _notes_section(notes(conversion)),
    ]
    return "\n".join(part for part in parts if part).encode()


def _where(started: datetime) -> str:
    versions, host = environment.versions(), environment.host()
    openvino = versions.get("openvino", "")
    return f"OpenVINO {openvino}, {host['cpu']}, {host['cores']} cores, {started:%Y-%m-%d %H:%M} UTC."


def _picture(image: Image, flip: Flip, conversion: Conversion) -> Image:
    crops = [(f"expected: {flip.expected.text}", flip.expected.polygon)]
    for label, region in (("FP32", flip.before), (conversion.converted.label, flip.after)):
        # Where there is no region, the place where it should be.
        crops.append((f"{label}: {found_text(region)}", (region or flip.expected).polygon))
    return crop_sheet(image, crops)


def _flip_section(conversion: Conversion, crops: Mapping[int, str], *, lost: bool) -> str:
    flips = [(number, flip) for number, flip in enumerate(conversion.flips) if flip.lost == lost]
    label = escape(conversion.converted.label)
    right, wrong = ("FP32", label) if lost else (label, "FP32")
    title = f"## {'Lost' if lost else 'Gained'}: {len(flips)} right in {right} and wrong in {wrong}\n"
    if not flips:
        return title
    cells = [_flip_row(number, flip, crops.get(number)) for number, flip in flips[:FLIPS_SHOWN]]
    more = f"\nand {len(flips) - FLIPS_SHOWN} more, in conversion.json\n" if len(flips) > FLIPS_SHOWN else ""
    return f"{title}\n" + table(("region", "image", "expected", "FP32", label, "what happened"), cells) + more


def _flip_row(number: int, flip: Flip, crop: str | None) -> list[str]:
    picture = f"![flip {number + 1}]({crop})" if crop else EMPTY
    texts = [_shown(flip.expected), _shown(flip.before), _shown(flip.after)]
    return [picture, code(flip.sample_id), *texts, WHY[flip.lost, flip.cause]]


def _shown(region: Region | None) -> str:
    return f"*{NOT_DETECTED}*" if region is None else code(region.text)


def _notes_section(lines: Sequence[str]) -> str:
    return "## Notes\n\n" + "".join(f"- {code(line, NOTE_CHARACTERS)}\n" for line in lines) if lines else ""


def to_json(conversion: Conversion, crops: Mapping[int, str], started: datetime) -> bytes:
    """Write everything but the single measurements.

    Args:
        conversion: What was measured.
        crops: Number of a flip → its picture, as a path relative to the report.
        started: When measuring began.
    """
    content = {
        "schema": SCHEMA,
        "started": started.isoformat(timespec="seconds"),
        "environment": environment.describe(),
        "config": asdict(conversion.cell),
        "words": conversion.words,
        "variants": {
            "fp32": _variant(conversion.fp32),
            "auto": _variant(conversion.auto),
            "converted": _variant(conversion.converted),
        },
        "against_fp32": _comparison(conversion.against_fp32),
        "against_auto": _comparison(conversion.against_auto),
        "agreement": _agreement(conversion.agreement),
        "flips": {
            "lost": _counts(conversion, lost=True),
            "gained": _counts(conversion, lost=False),
            "regions": [_flip(flip, crops.get(number)) for number, flip in enumerate(conversion.flips)],
        },
        "notes": notes(conversion),
    }
    return (json.dumps(content, indent=1, ensure_ascii=True, allow_nan=False) + "\n").encode()


def _variant(variant: Variant) -> dict[str, Any]:
    stages: dict[str, Any] = {
        role: {
            "size_mb": variant.size_mb(role),
            "compile_ms": variant.compile_ms[role],
            "executed": {name: network["executed"] for name, network in variant.execution.get(role, {}).items()},
            "artifacts": {
                name: {"sha256": artifact.sha256, "size_bytes": artifact.size_bytes}
                for name, artifact in variant.artifacts[role].items()
            },
        }
        for role in ROLES
    }
    return {"precision": variant.label, **stages}


def _comparison(comparison: Comparison) -> dict[str, Any]:
    speedups = {}
    for name, metric in SPEEDUPS.items():
        change = comparison.change(metric)
        interval = None if change is None else speedup(change)
        speedups[name.replace(" ", "_")] = None if interval is None else asdict(interval)
    return {"speedup": speedups, "changes": [change_to_plain(each) for each in comparison.changes]}


def _agreement(found: Agreement) -> dict[str, Any]:
    return {**asdict(found), "box_share": found.box_share, "text_share": found.text_share}


def _counts(conversion: Conversion, *, lost: bool) -> dict[str, int]:
    causes = ("recognition", "detection")
    counts = {cause: len(conversion.flipped(lost=lost, cause=cause)) for cause in causes}
    return {"all": len(conversion.flipped(lost=lost)), **counts}


def _flip(flip: Flip, crop: str | None) -> dict[str, Any]:
    return {
        "sample_id": flip.sample_id,
        "region": flip.number,
        "direction": "lost" if flip.lost else "gained",
        "cause": flip.cause,
        "expected": _region(flip.expected),
        "fp32": _region(flip.before),
        "converted": _region(flip.after),
        "crop": crop,
    }


def _region(region: Region | None) -> dict[str, Any] | None:
    if region is None:
        return None
    return {"text": region.text, "polygon": region.polygon, "confidence": region.confidence}
