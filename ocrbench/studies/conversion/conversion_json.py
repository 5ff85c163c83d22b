"""The price of a conversion as JSON, for programs."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from ocrbench import environment
from ocrbench.compare.flips import Agreement, Flip
from ocrbench.compare.verdict import Comparison
from ocrbench.config.stage import ROLES
from ocrbench.records import Region
from ocrbench.report.comparison_json import change_to_plain
from ocrbench.studies.conversion.conversion_text import notes
from ocrbench.studies.conversion.three_precisions import SPEEDUPS, Conversion, Variant, speedup

SCHEMA = 1


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
