"""A comparison for programs."""

import json
from collections.abc import Callable

from ocrbench.report.comparison import Judged, to_json

Judge = Callable[..., Judged]


def test_everything_is_there(judge: Judge) -> None:
    judged = judge(latency=(1.08, 1.12), warnings=["note"], flipped=[("1.png", "é", "e", "\ud800")])
    (found,) = json.loads(to_json([judged]))["comparisons"]
    assert (found["before"], found["after"], found["verdict"]) == ("precision=FP16", "precision=INT8", "regressed")
    latency, memory, hmean = found["changes"]
    assert (latency["before"], latency["low"], latency["high"], latency["direction"]) == (100.0, 1.08, 1.12, "worse")
    assert (memory["after"], memory["low"], memory["direction"]) == (None, None, "none")
    assert (hmean["relative"], hmean["n"], hmean["direction"]) == (False, 20, "equivalent")
    assert found["gate"]["name"], found["gate"]["outcome"] == ("ci", "fail")
    assert [each["outcome"] for each in found["gate"]["limits"]] == ["fail", "pass", "undecided", "undecided"]
    assert found["flipped"] == [{"sample_id": "1.png", "expected": "é", "before": "e", "after": "\ud800"}]
    assert found["warnings"] == ["note"]


def test_without_limits_there_is_no_gate(judge: Judge) -> None:
    (found,) = json.loads(to_json([judge(limits=())]))["comparisons"]
    assert found["gate"] is None
