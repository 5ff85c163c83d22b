"""Counters → conditions → reasons; nothing here is timed."""

import os
from dataclasses import replace
from typing import Any

import pytest

from ocrbench.config.composing import load
from ocrbench.config.schema import Noise
from ocrbench.environment.noise import Usage, busiest, processes, reasons, shares, usage_so_far, watch_processes

LIMITS = Noise(steal_share=0.02, other_cpu_share=0.1, drift=0.1)
QUIET = {"steal_share": 0.0, "other_cpu_share": 0.05, "drift": 0.95}


class TestUsage:
    def test_periods_add_up_and_readings_subtract(self) -> None:
        early = Usage(capacity_s=10, busy_s=4, steal_s=1, own_s=3, voluntary=5, involuntary=6)
        late = Usage(capacity_s=30, busy_s=9, steal_s=1, own_s=7, voluntary=50, involuntary=60)
        assert late - early == Usage(capacity_s=20, busy_s=5, steal_s=0, own_s=4, voluntary=45, involuntary=54)
        assert (late - early) + early == late
        assert Usage() + early == early

    def test_shares_of_the_capacity(self) -> None:
        used = Usage(capacity_s=40, busy_s=30, steal_s=2, own_s=20, voluntary=80, involuntary=400)
        assert shares(used) == {
            "steal_share": 0.05,
            "other_cpu_share": 0.25,
            "involuntary_switches": 10,
            "voluntary_switches": 2,
        }

    def test_a_process_that_counts_more_than_its_cores_leaves_nothing_to_others(self) -> None:
        assert shares(Usage(capacity_s=10, busy_s=5, own_s=5.2))["other_cpu_share"] == 0

    def test_nothing_is_known_where_nothing_is_counted(self) -> None:
        assert set(shares(Usage(own_s=3)).values()) == {None}

    def test_this_process_can_be_counted(self) -> None:
        before = usage_so_far()
        sum(range(10**6))
        used = usage_so_far() - before
        assert min(used.own_s, used.capacity_s, used.busy_s, used.steal_s, used.voluntary, used.involuntary) >= 0


class TestReasons:
    def test_a_quiet_run_has_none(self) -> None:
        assert reasons(QUIET, LIMITS) == ()

    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            ({"steal_share": 0.034}, "the hypervisor took 3.4% of the CPU (limit 2.0%)"),
            ({"other_cpu_share": 0.5}, "other processes used 50.0% of the CPU (limit 10.0%)"),
            ({"drift": 1.25}, "an image's time drifted by +25.0% from first to last repeat (limit 10.0%)"),
            ({"drift": 0.8}, "an image's time drifted by -20.0% from first to last repeat (limit 10.0%)"),
        ],
    )
    def test_each_limit_has_its_reason(self, changes: dict[str, float], expected: str) -> None:
        assert reasons({**QUIET, **changes}, LIMITS) == (expected,)

    def test_at_the_limit_is_within(self) -> None:
        assert reasons({"steal_share": 0.02, "other_cpu_share": 0.1}, LIMITS) == ()

    def test_several(self) -> None:
        assert len(reasons({**QUIET, "steal_share": 1.0, "drift": 3.0}, LIMITS)) == 2

    @pytest.mark.parametrize("conditions", [{}, dict.fromkeys(QUIET)])
    def test_what_is_not_known_exceeds_nothing(self, conditions: dict[str, Any]) -> None:
        assert reasons(conditions, LIMITS) == ()

    def test_limits_are_configured(self) -> None:
        noisy = {**QUIET, "drift": 1.25}
        assert reasons(noisy, load().noise)
        assert reasons(noisy, load(["noise.drift=0.3"]).noise) == ()
        assert reasons(noisy, replace(LIMITS, drift=0.25)) == ()


class TestBusyProcesses:
    def test_they_are_named_with_their_share_of_a_core(self) -> None:
        before = {(1, 0.0): ("idle", 100.0), (2, 0.0): ("indexer", 5.0), (3, 0.0): ("ours", 0.0)}
        after = {
            (1, 0.0): ("idle", 100.01),
            (2, 0.0): ("indexer", 6.0),
            (3, 0.0): ("ours", 2.0),
            (4, 9.0): ("new", 1.5),
        }
        assert busiest(before, after, 2.0, {3}) == [
            {"name": "new", "cpu_percent": 75.0},
            {"name": "indexer", "cpu_percent": 50.0},
        ]

    def test_a_process_id_that_was_given_again_counts_from_zero(self) -> None:
        assert busiest({(2, 0.0): ("old", 50.0)}, {(2, 7.0): ("new", 1.0)}, 2.0, ()) == [
            {"name": "new", "cpu_percent": 50.0}
        ]

    def test_only_the_busiest_are_listed(self) -> None:
        after = {(number, 0.0): (str(number), float(number)) for number in range(20)}
        assert [each["name"] for each in busiest({}, after, 1.0, ())] == ["19", "18", "17", "16", "15"]

    def test_this_process_is_seen_but_is_none_of_the_others(self) -> None:
        assert os.getpid() in {pid for pid, _ in processes()}
        assert all(set(each) == {"name", "cpu_percent"} for each in watch_processes(0.01))
