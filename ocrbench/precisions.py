"""What each precision means: how a network is stored, what OpenVINO is asked for, and what has to run."""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from typing import Literal

Precision = Literal["FP32", "FP16", "BF16", "INT8", "AUTO"]
Rule = Callable[[Set[str], str], bool]


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What a precision means.

    Attributes:
        stored: What the IR holds: ``f32``, ``f16`` or ``int8``. Weights in ``f16`` are a way of storing: the hint
            decides what runs.
        hint: Value of ``INFERENCE_PRECISION_HINT``; empty where the device's default applies.
        executed: Type that is to run; empty for any.
        rule: Function that decides, from the types narrower than f32 that ran and ``executed``, whether it did.
    """

    stored: Literal["f32", "f16", "int8"]
    hint: str = ""
    executed: str = ""
    rule: Rule


def _only(narrow: Set[str], executed: str) -> bool:
    """Allow no other narrow type; layers that cannot be narrowed stay f32."""
    return narrow == {executed} - {"f32"}


def _partly(narrow: Set[str], executed: str) -> bool:
    """Allow layers that are not quantised to follow the device."""
    return executed in narrow


def _anything(narrow: Set[str], executed: str) -> bool:
    return True


PRECISIONS: Mapping[str, Meaning] = {
    "FP32": Meaning(stored="f32", hint="f32", executed="f32", rule=_only),
    "FP16": Meaning(stored="f16", hint="f16", executed="f16", rule=_only),
    "BF16": Meaning(stored="f16", hint="bf16", executed="bf16", rule=_only),
    "INT8": Meaning(stored="int8", executed="i8", rule=_partly),
    "AUTO": Meaning(stored="f16", rule=_anything),
}


def honoured(precision: str, executed: Mapping[str, float]) -> bool:
    """Return whether the requested precision ran; true where nothing was looked up, or another ocrbench asked for it.

    Args:
        precision: The requested one.
        executed: Type → share of the time; ``other`` stands for layers without an arithmetic type.

    >>> honoured("FP32", {"f32": 1.0}), honoured("FP16", {"bf16": 0.8, "f32": 0.2})
    (True, False)
    """
    meaning = PRECISIONS.get(precision)
    if meaning is None or not executed:
        return True
    return meaning.rule(executed.keys() - {"f32", "other"}, meaning.executed)


def executed_text(executed: Mapping[str, float], separator: str = " ") -> str:
    """Say which types took which share of the time, in whole percents that add up to 100.

    Each share is rounded down, and the largest remainders get what is missing (Hamilton's method). A type of 0 % is
    left out.

    >>> executed_text({"bf16": 0.806, "f32": 0.19, "other": 0.004})
    'bf16 81% f32 19%'
    >>> executed_text({"bf16": 0.968, "f32": 0.016, "other": 0.016}, ", ")
    'bf16 97%, f32 2%, other 1%'
    """
    exact = {kind: share * 100 for kind, share in executed.items()}
    whole = {kind: int(share) for kind, share in exact.items()}
    missing = round(sum(exact.values())) - sum(whole.values())
    for kind in sorted(exact, key=lambda kind: whole[kind] - exact[kind])[:missing]:
        whole[kind] += 1
    return separator.join(f"{kind} {share}%" for kind, share in whole.items() if share)
