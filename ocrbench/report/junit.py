"""Comparisons as JUnit XML, which every CI server reads: one suite per comparison, one test case per limit.

There is no standard. The output is valid for the schemas of both the Ant task and Jenkins' JUnit plugin.
"""

import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from ocrbench.compare.verdict import Comparison, describe
from ocrbench.report.comparison import Judged, limit_name, sentence

# Characters that XML 1.0 cannot contain, not even escaped.
FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# An undecided limit has neither passed nor failed; JUnit's word for that is skipped.
ELEMENTS = {"pass": None, "fail": "failure", "undecided": "skipped"}


@dataclass(frozen=True, kw_only=True)
class _Case:
    name: str
    outcome: str
    reason: str


def to_junit(judged: Sequence[Judged], properties: Mapping[str, str]) -> bytes:
    """Write one suite per comparison.

    Without limits there is one test case per decisive metric, which fails if the whole comparison is a regression.

    Args:
        judged: The comparisons.
        properties: Properties of the environment, for people.
    """
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    root = ET.Element("testsuites", name="ocrbench")
    for number, each in enumerate(judged):
        suite = _suite(each, {"id": str(number), "timestamp": now, "hostname": _clean(platform.node() or "localhost")})
        _properties(suite, {"A": each.comparison.before, "B": each.comparison.after, **properties})
        suite.extend(_cases(each))
        _texts(suite, each)
        root.append(suite)
    for count in ("tests", "failures"):
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in root)))
    ET.indent(root)
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _suite(judged: Judged, attributes: Mapping[str, str]) -> ET.Element:
    found = [case.outcome for case in _found(judged)]
    counts = {
        "tests": len(found),
        "failures": found.count("fail"),
        "errors": 0,
        "skipped": found.count("undecided"),
    }
    name = _clean(f"{judged.comparison.before} → {judged.comparison.after}")
    numbers = {key: str(value) for key, value in counts.items()}
    return ET.Element("testsuite", {"name": name, "package": "ocrbench", **numbers, "time": "0", **attributes})


def _properties(suite: ET.Element, properties: Mapping[str, str]) -> None:
    parent = ET.SubElement(suite, "properties")
    for name, value in properties.items():
        ET.SubElement(parent, "property", name=_clean(name), value=_clean(value))


def _cases(judged: Judged) -> list[ET.Element]:
    elements = []
    for case in _found(judged):
        element = ET.Element("testcase", name=_clean(case.name), classname=f"ocrbench.{judged.gate.name}", time="0")
        kind = ELEMENTS[case.outcome]
        if kind is not None:
            ET.SubElement(
                element, kind, {"message": _clean(case.reason), **({"type": kind} if kind == "failure" else {})}
            )
        elements.append(element)
    return elements


def _texts(suite: ET.Element, judged: Judged) -> None:
    lines = [sentence(judged.comparison)]
    lines += [f"{case.outcome}: {case.name}: {case.reason}" for case in _found(judged)]
    ET.SubElement(suite, "system-out").text = _clean("\n".join(lines))
    ET.SubElement(suite, "system-err").text = _clean("\n".join(judged.comparison.warnings))


def _found(judged: Judged) -> list[_Case]:
    if judged.checked:
        return [_Case(name=limit_name(each.limit), outcome=each.outcome, reason=each.reason) for each in judged.checked]
    return _decisive(judged.comparison)


def _decisive(comparison: Comparison) -> list[_Case]:
    if comparison.failed:
        return [_Case(name="run", outcome="fail", reason=comparison.failed)]
    cases = []
    for number, metric in enumerate(comparison.decisive):
        change = comparison.change(metric)
        if change is None:
            # Without ground truth there is no accuracy, but there must be a speed.
            if number == 0:
                cases.append(_Case(name=metric, outcome="undecided", reason="was not measured on both sides"))
            continue
        reason = f"{describe(change)} {change.verdict}".strip() or "there is no interval for a decision"
        outcome = {"better": "pass", "equivalent": "pass"}.get(change.direction, "undecided")
        if change.direction == "worse":
            # In a trade-off the other metric is better, so people must judge.
            outcome = "fail" if comparison.verdict == "regressed" else "undecided"
        cases.append(_Case(name=metric, outcome=outcome, reason=f"{reason} ({comparison.verdict})"))
    return cases


def _clean(text: str) -> str:
    return FORBIDDEN.sub("", text)
