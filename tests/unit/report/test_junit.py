"""JUnit XML that CI servers accept, whatever the texts hold."""

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import xmlschema

from ocrbench.report.comparison import Judged
from ocrbench.report.junit import to_junit

Judge = Callable[..., Judged]
HOSTILE = "\x00\x1b[31m</testcase>]]> & \"quoted\" 'it' \ud800 \ufffe \U0001f600\r\nnext\x7f"


@pytest.fixture(scope="module")
def schema() -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(Path(__file__).parents[2] / "data" / "junit.xsd")


def cases(written: bytes) -> dict[str, tuple[str, str]]:
    """Return name → (outcome, message)."""
    found = {}
    for case in ET.fromstring(written).iter("testcase"):
        (child,) = [*case] or [None]
        found[case.attrib["name"]] = ("passed", "") if child is None else (child.tag, child.attrib["message"])
    return found


def test_one_case_per_limit(schema: xmlschema.XMLSchema, judge: Judge) -> None:
    written = to_junit([judge(latency=(1.08, 1.12))], {"host": "name"})
    schema.validate(written.decode())
    assert cases(written) == {
        "latency_p50_ms max_worse=0.03": ("failure", "+10.0 % [+8.0, +12.0], allowed +3 %"),
        "e2e_hmean max_worse=0.005": ("passed", ""),
        "peak_rss_mb max_worse=0.1": ("skipped", "there is no interval for a decision"),
        "latency_p99_ms at_most=120": ("skipped", "was not measured on both sides"),
    }
    (suite,) = ET.fromstring(written).findall("testsuite")
    counts = {name: suite.attrib[name] for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "4", "failures": "1", "errors": "0", "skipped": "2"}
    assert {case.attrib["classname"] for case in suite.iter("testcase")} == {"ocrbench.ci"}
    properties = {each.attrib["name"]: each.attrib["value"] for each in suite.iter("property")}
    assert properties == {"A": "precision=FP16", "B": "precision=INT8", "host": "name"}
    assert "B is worse" in suite.findtext("system-out", "")


@pytest.mark.parametrize(
    ("latency", "hmean", "expected"),
    [
        ((1.08, 1.12), (0.0, 0.0), ("failure", "passed")),
        ((0.88, 0.92), (0.0, 0.0), ("passed", "passed")),
        ((0.88, 1.12), (0.0, 0.0), ("skipped", "passed")),
        ((1.08, 1.12), (0.1, 0.2), ("skipped", "passed")),
        ((0.88, 0.92), (-0.2, -0.1), ("passed", "skipped")),
    ],
)
def test_without_limits_the_decisive_metrics_are_the_cases(
    latency: tuple[float, float],
    hmean: tuple[float, float],
    expected: tuple[str, str],
    schema: xmlschema.XMLSchema,
    judge: Judge,
) -> None:
    written = to_junit([judge(latency=latency, hmean=hmean, limits=())], {})
    schema.validate(written.decode())
    found = cases(written)
    assert (found["latency_p50_ms"][0], found["e2e_hmean"][0]) == expected


def test_any_text_makes_well_formed_xml(schema: xmlschema.XMLSchema, judge: Judge) -> None:
    judged = judge(before=HOSTILE, after=HOSTILE, warnings=[HOSTILE], limits=())
    written = to_junit([judged], {"os": HOSTILE})
    schema.validate(written.decode())
    values = {each.attrib["name"]: each.attrib["value"] for each in ET.fromstring(written).iter("property")}
    assert values["os"] == "[31m</testcase>]]> & \"quoted\" 'it'   \U0001f600\r\nnext\x7f"


def test_several_comparisons_are_several_suites(schema: xmlschema.XMLSchema, judge: Judge) -> None:
    written = to_junit([judge(), judge(latency=(1.08, 1.12))], {})
    schema.validate(written.decode())
    root = ET.fromstring(written)
    assert [suite.attrib["id"] for suite in root] == ["0", "1"]
    assert (root.attrib["tests"], root.attrib["failures"]) == ("8", "1")


@pytest.mark.parametrize(
    ("old", "new"), [('classname="ocrbench.ci"', ""), ("<system-err", "<system-other"), ('tests="4"', 'tests="four"')]
)
def test_the_schema_refuses_what_is_not_junit(old: str, new: str, schema: xmlschema.XMLSchema, judge: Judge) -> None:
    broken = to_junit([judge()], {}).decode().replace(old, new)
    with pytest.raises((xmlschema.XMLSchemaException, ET.ParseError)):
        schema.validate(broken)
