"""Compare two configurations in turns, until the plan is done or there is a verdict."""

import math
from collections.abc import Sequence
from time import monotonic

from ocrbench.compare.changes import accuracy_changes, flipped_words, value_change
from ocrbench.compare.interleaved import Interleaved, Plan
from ocrbench.compare.sides import Side
from ocrbench.compare.verdict import Change, Comparison, undecided
from ocrbench.errors import ConfigError
from ocrbench.metrics.intervals import LEVEL, ratio_over_processes, student_t
from ocrbench.metrics.recognition import repeatability, unrepeatable
from ocrbench.precisions import executed_text
from ocrbench.progress import Listener
from ocrbench.scenarios import SCENARIOS

# Frequent looks would stop at a chance result. So ``until_decided`` looks after so many rounds of processes, then each
# time there are half as many again, and its intervals are wider: repeated confidence intervals with Pocock's boundary
# (Jennison and Turnbull, "Group Sequential Methods", 2000, chapters 2 and 9). Nine looks by Student's t at a level of
# 0.992 keep 95 % in all; found by simulation of normal processes.
FIRST_LOOK = 4
LOOK_AGAIN = 1.5
LOOK_LEVEL = 0.992
# Nobody waits for more.
MOST_ROUNDS = 1000
DECISIVE = ("latency_p50_ms", "e2e_hmean")


def compare_live(before: Side, after: Side, plan: Plan, listener: Listener) -> Comparison:
    """Measure A against B.

    Args:
        before: A.
        after: B; it must use the same dataset.
        plan: Plan of the measurement.
        listener: Listener for progress.

    Raises:
        OcrBenchError: One side cannot be converted, loaded or measured.
    """
    return _LiveComparison(before, after, plan, listener).run()


class _LiveComparison:
    """A running comparison."""

    def __init__(self, before: Side, after: Side, plan: Plan, listener: Listener) -> None:
        if before.cell.dataset != after.cell.dataset:
            message = "A and B must use the same dataset; give it once, after both"
            raise ConfigError(message)
        for side in (before, after):
            if side.cell.profile:
                message = "profile=true is for runs; ab keeps no profile"
                raise ConfigError(message)
            name = side.cell.scenario.name
            if not SCENARIOS[name].paired:
                paired = " or ".join(f"scenario={each}" for each, kind in SCENARIOS.items() if kind.paired)
                message = f"scenario={name}: ab compares image by image, which needs {paired}; "
                raise ConfigError(message + "measure both, several times with force=true, and use ocrbench compare")
        self._sides = (before, after)
        self._plan, self._listener = plan, listener
        self._measuring = Interleaved(self._sides, plan, listener)
        self._collected = self._measuring.collected
        self._next_look = FIRST_LOOK

    def run(self) -> Comparison:
        """Measure until the plan is done or the user interrupts."""
        try:
            with self._measuring:
                self._measure()
        except KeyboardInterrupt:
            if not self._collected.peak_mb[0]:
                raise
            return self._comparison(interrupted=True)
        return self._comparison()

    def _measure(self) -> None:
        self._measuring.prepare()
        if not self._plan.until_decided:
            self._measuring.run()
            return
        start = monotonic()
        while not self._is_done(start):
            self._measuring.run_processes(self._plan.seconds / self._plan.processes)
            if len(self._collected.times) == FIRST_LOOK:
                self._announce(start)
        self._measuring.read_rest(count=False)

    def _is_done(self, start: float) -> bool:
        plan, done = self._plan, len(self._collected.times)
        if done < self._next_look:
            return done >= FIRST_LOOK and monotonic() - start > plan.max_seconds
        self._next_look = look_after(self._next_look)
        return not undecided(self._speed_changes(), DECISIVE) or monotonic() - start > plan.max_seconds

    def _announce(self, start: float) -> None:
        """Estimate from the first pairs of processes how long a verdict will take."""
        (latency,) = (each for each in self._speed_changes() if each.metric == "latency_p50_ms")
        if latency.interval is None:
            return
        half, rounds = latency.interval.half_width, FIRST_LOOK
        spread = half * math.sqrt(FIRST_LOOK) / student_t(FIRST_LOOK - 1, LOOK_LEVEL)
        while rounds < MOST_ROUNDS and half > self._plan.margin / 2:
            rounds = look_after(rounds)
            half = spread * student_t(rounds - 1, LOOK_LEVEL) / math.sqrt(rounds)
        seconds = (monotonic() - start) / FIRST_LOOK * rounds
        self._listener.say(
            f"{FIRST_LOOK} pairs of processes give ±{latency.interval.half_width:.1%}; "
            f"a margin of {self._plan.margin:.0%} needs about {rounds}, in all {seconds:.0f} s"
        )

    def _speed_changes(self) -> list[Change]:
        return self._collected.speed_changes(0, 1, self._plan.margin, self._level)

    def _changes(self) -> list[Change]:
        collected, scoring = self._collected, self._sides[0].cell.scoring
        before, after = ([sum(times.values()) for times in side] for side in collected.compile_ms)
        one, other = collected.measured
        return [
            *self._speed_changes(),
            self._value_change("compile_ms", before, after),
            self._value_change("peak_rss_mb", collected.peak_mb[0], collected.peak_mb[1]),
            *accuracy_changes(one.regions, other.regions, self._measuring.expected, scoring),
        ]

    def _value_change(self, metric: str, before: Sequence[float], after: Sequence[float]) -> Change:
        ratio = ratio_over_processes(
            [math.log(other / one) for one, other in zip(before, after, strict=True)], self._level
        )
        return value_change(metric, before, after, ratio, self._plan.margin)

    @property
    def _level(self) -> float:
        return LOOK_LEVEL if self._plan.until_decided else LEVEL

    def _comparison(self, *, interrupted: bool = False) -> Comparison:
        one, other = (each.regions for each in self._collected.measured)
        ended = [f"interrupted: {self._collected.images} pairs of images were measured"] if interrupted else []
        skipped = [f"skipped {reason}" for reason in self._collected.skipped.values()]
        return Comparison(
            before=self._sides[0].label,
            after=self._sides[1].label,
            changes=tuple(self._changes()),
            decisive=DECISIVE,
            warnings=(*ended, *self._executed(), *self._unrepeatable(), *skipped),
            interrupted=interrupted,
            flipped=flipped_words(one, other, self._measuring.expected, self._sides[0].cell.scoring),
        )

    def _unrepeatable(self) -> list[str]:
        reasons = [unrepeatable(repeatability(each.reread)) for each in self._collected.measured]
        return [f"{side.label}: {reason}" for side, reason in zip(self._sides, reasons, strict=True) if reason]

    def _executed(self) -> list[str]:
        lines = []
        for side, measured in zip(self._sides, self._collected.measured, strict=True):
            for role, networks in measured.execution.items():
                for network in networks.values():
                    shares = executed_text(network["executed"], ", ")
                    lines.append(f"{side.label}: {role} {network['precision']} executed {shares}")
        return lines


def look_after(rounds: int) -> int:
    """Return the number of rounds of processes after which to look next.

    >>> look_after(4), look_after(9)
    (6, 14)
    """
    return math.ceil(rounds * LOOK_AGAIN)
