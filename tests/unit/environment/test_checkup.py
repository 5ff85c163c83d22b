"""What doctor makes of what it finds."""

import pytest

from ocrbench.config.schema import Noise
from ocrbench.environment import checkup
from ocrbench.environment.checkup import Check

LIMITS = Noise(steal_share=0.02, other_cpu_share=0.1, drift=0.1)
GB = 10**9


@pytest.mark.parametrize(
    ("check", "verdict", "found"),
    [
        (checkup.check_load(0.9, 2), "ok", "0.90 on 2 cores"),
        (checkup.check_load(1.1, 2), "warn", "1.10 on 2 cores"),
        (checkup.check_steal(0.01, LIMITS), "ok", "1.0%"),
        (checkup.check_steal(0.05, LIMITS), "warn", "5.0%"),
        (checkup.check_steal(None, LIMITS), "note", "unknown"),
        (checkup.check_governor("performance"), "ok", "performance"),
        (checkup.check_governor("powersave"), "warn", "powersave"),
        (checkup.check_governor("performance,powersave"), "warn", "performance,powersave"),
        (checkup.check_governor("unknown"), "note", "unknown"),
        (checkup.check_turbo("on"), "note", "on"),
        (checkup.check_turbo("off"), "ok", "off"),
        (checkup.check_turbo("unknown"), "note", "unknown"),
        (checkup.check_huge_pages("always", ""), "ok", "always"),
        (checkup.check_huge_pages("never", ""), "ok", "never"),
        (checkup.check_huge_pages("madvise", ""), "note", "madvise, not requested"),
        (checkup.check_huge_pages("madvise", "glibc.malloc.hugetlb=0"), "note", "madvise, not requested"),
        (checkup.check_huge_pages("madvise", "a.b=1:glibc.malloc.hugetlb=1"), "ok", "madvise, requested"),
        (checkup.check_cores(4, 4, None), "ok", "4 of 4"),
        (checkup.check_cores(4, 4, 4.0), "ok", "4 of 4, quota 4"),
        (checkup.check_cores(4, 4, 1.5), "warn", "4 of 4, quota 1.5"),
        (checkup.check_cores(2, 4, None), "note", "2 of 4"),
        (checkup.check_cores(2, 4, 2.0), "note", "2 of 4, quota 2"),
        (checkup.check_virtual("no"), "ok", "no"),
        (checkup.check_virtual("yes"), "note", "yes"),
        (checkup.check_virtual("unknown"), "ok", "unknown"),
        (checkup.check_memory(8 * GB, None), "ok", "8.0 GB available"),
        (checkup.check_memory(GB, None), "warn", "1.0 GB available"),
        (checkup.check_memory(8 * GB, GB), "warn", "8.0 GB available, container limit 1.0 GB"),
        (checkup.check_disk("cache_dir", "/x", 9 * GB), "ok", "9.0 GB free in /x"),
        (checkup.check_disk("cache_dir", "/x", GB), "warn", "1.0 GB free in /x"),
        (checkup.check_devices({"CPU": ("FP32", "INT8"), "GPU": ("FP16",)}), "ok", "CPU (FP32, INT8); GPU (FP16)"),
        (checkup.check_devices({}), "warn", "none"),
    ],
)
def test_verdicts(check: Check, verdict: str, found: str) -> None:
    assert (check.verdict, check.found) == (verdict, found)
    assert check.check
    # What is to be changed comes with how.
    assert check.advice or verdict != "warn"
    assert not check.advice or verdict != "ok"


def test_other_processes_are_judged_by_their_share_and_named() -> None:
    busy = [{"name": "indexer", "cpu_percent": 93.1}]
    check = checkup.check_others(busy, {"other_cpu_share": 0.47}, LIMITS)
    assert (check.verdict, check.found) == ("warn", "47.0% of the CPU: indexer 93 % of a core")
    assert checkup.check_others(busy, {"other_cpu_share": 0.01}, LIMITS).verdict == "ok"
    assert checkup.check_others([], {"other_cpu_share": None}, LIMITS) == Check(
        check="other processes", found="unknown", verdict="note"
    )


def test_repeatability_is_the_variation_of_equal_blocks() -> None:
    steady = checkup.check_repeatability([1.0, 1.01, 0.99, 1.0])
    assert (steady.verdict, steady.found) == ("ok", "CV 0.8% over 4 equal blocks, slowest ÷ fastest 1.02")
    assert checkup.check_repeatability([1.0, 1.2, 0.9, 1.0]).verdict == "warn"
