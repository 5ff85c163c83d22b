"""The price of a conversion in words: a table, sentences, notes."""

from collections.abc import Sequence

from ocrbench.compare.flips import Flip
from ocrbench.compare.verdict import Change, describe
from ocrbench.config.stage import ROLES
from ocrbench.metrics.intervals import Interval
from ocrbench.metrics.scoring import METRICS
from ocrbench.precisions import executed_text, honoured
from ocrbench.records import Region
from ocrbench.runs.columns import EMPTY, text
from ocrbench.studies.conversion.three_precisions import SPEEDUPS, Conversion, Variant, speedup

NOT_DETECTED = "not detected"


def heading(conversion: Conversion) -> list[str]:
    """Name the columns of ``rows``."""
    one, other, label = conversion.fp32.label, conversion.auto.label, conversion.converted.label
    return ["", one, other, label, f"{label} against {one}", f"{label} against {other}"]


def rows(conversion: Conversion) -> list[list[str]]:
    """List size, compile time, what ran, times and accuracy of all three sides, and both comparisons."""
    variants = (conversion.fp32, conversion.auto, conversion.converted)
    found = []
    for role in ROLES:
        sizes = [variant.size_mb(role) for variant in variants]
        found.append([f"{role} size, MB", *(f"{size:.1f}" for size in sizes), *_shares(sizes)])
    for role in ROLES:
        times = [variant.compile_ms[role] for variant in variants]
        found.append([f"{role} compile, ms", *(f"{time:.0f}" for time in times), *_shares(times)])
    for role in ROLES:
        found.append([f"{role} executed", *(_executed(variant, role) for variant in variants), "", ""])
    for metric in (*SPEEDUPS.values(), "latency_p99_ms", *METRICS):
        found.append(_change_row(conversion, metric))
    return found


def sentences(conversion: Conversion) -> list[str]:
    """Say in words how fast, how accurate, what flipped, and how far the regions agree."""
    return [
        line for line in (_speed(conversion), _accuracy(conversion), _flips(conversion), _agreement(conversion)) if line
    ]


def notes(conversion: Conversion) -> list[str]:
    """Say what a reader must know to trust it: what was not executed as asked, and what was skipped."""
    found = []
    for variant in (conversion.fp32, conversion.auto, conversion.converted):
        for role, networks in variant.execution.items():
            for network in networks.values():
                if not honoured(network["precision"], network["executed"]):
                    ran = executed_text(network["executed"])
                    asked = f"{network['precision']} was asked for, but {network['device']} executed {ran}"
                    found.append(f"{variant.label}, {role}: {asked}")
                for kind in network.get("emulated", ()):
                    found.append(f"{variant.label}, {role}: {kind} is emulated here: no instructions for it")
    return [*dict.fromkeys(found), *conversion.against_fp32.warnings]


def flip_line(conversion: Conversion, flip: Flip) -> str:
    """Describe a flip in one line, with everything that was read in quotes."""
    before, after = (found_text(region, quoted=True) for region in (flip.before, flip.after))
    sides = f"FP32 {before}, {conversion.converted.label} {after}"
    return f"{'lost' if flip.lost else 'gained'}: {flip.expected.text!r} in {flip.sample_id!r}: {sides}"


def found_text(region: Region | None, *, quoted: bool = False) -> str:
    """Say what a side found in a region's place."""
    if region is None:
        return NOT_DETECTED
    return repr(region.text) if quoted else region.text


def models(conversion: Conversion) -> str:
    """Name the pair of models, or the one name that both share."""
    return " + ".join(dict.fromkeys(stage.name for stage in conversion.cell.stages.values()))


def _shares(values: Sequence[float]) -> list[str]:
    return [f"{values[2] / value:.2f} of it" if value else EMPTY for value in values[:2]]


def _executed(variant: Variant, role: str) -> str:
    networks = variant.execution.get(role, {}).values()
    return " / ".join(executed_text(network["executed"]) for network in networks) or EMPTY


def _change_row(conversion: Conversion, metric: str) -> list[str]:
    one, other = (side.change(metric) for side in (conversion.against_fp32, conversion.against_auto))
    values = [one and one.before, other and other.before, one and one.after]
    return [metric, *(text(metric, value) for value in values), _described(one), _described(other)]


def _described(change: Change | None) -> str:
    """Write a change as a speed-up where it is one of time."""
    if change is None or change.interval is None:
        return EMPTY
    if not change.relative:
        return f"{describe(change)} {change.verdict}"
    return f"{_times(speedup(change))} {change.verdict}"


def _times(interval: Interval | None) -> str:
    return EMPTY if interval is None else f"{interval.estimate:.2f}× [{interval.low:.2f}, {interval.high:.2f}]"


def _speed(conversion: Conversion) -> str:
    changes = [side.change("latency_p50_ms") for side in (conversion.against_fp32, conversion.against_auto)]
    if changes[0] is None or changes[1] is None:
        return "No speed: every image met a new input shape each time; measure for longer."
    label = conversion.converted.label
    if changes[0].interval is None:
        return f"How fast {label} is against FP32 and AUTO is open: {changes[0].lacking}."
    one, other = (_times(speedup(change)) for change in changes if change is not None)
    return f"{label} is {one} as fast as FP32, and {other} as fast as AUTO, which is what a user gets by default."


def _accuracy(conversion: Conversion) -> str:
    change = conversion.against_fp32.change("e2e_hmean")
    if change is None:
        return "The dataset has no ground truth, so there is no accuracy to compare."
    said = f"{describe(change)} ({change.verdict})" if change.interval else "too few images for a verdict"
    return f"e2e_hmean goes from {change.before:.4f} to {change.after:.4f}: {said}."


def _flips(conversion: Conversion) -> str:
    if not conversion.words:
        return ""
    lost, gained = (
        [len(conversion.flipped(lost=direction, cause=cause)) for cause in (None, "recognition", "detection")]
        for direction in (True, False)
    )
    return (
        f"Of {conversion.words} words, {lost[0]} that FP32 reads right are lost ({lost[1]} misread now, "
        f"{lost[2]} no longer detected), and {gained[0]} are gained "
        f"({gained[1]} were misread, {gained[2]} were not detected)."
    )


def _agreement(conversion: Conversion) -> str:
    found, label = conversion.agreement, conversion.converted.label
    if found.box_share is None or found.text_share is None:
        return f"{label} finds no region at all; FP32 finds {found.regions_before}."
    return (
        f"Of {label}'s {found.regions_after} regions, {found.box_share:.1%} lie where FP32 has one, and "
        f"{found.text_share:.1%} have the same text too (FP32 finds {found.regions_before}). "
        f"{found.images_alike} of {found.images} images are alike."
    )
