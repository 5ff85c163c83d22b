"""Compare two configurations in turns, until the plan is done or there is a verdict."""

from dataclasses import replace
from time import monotonic

from ocrbench.compare.changes import accuracy_changes, flipped_words, value_change
from ocrbench.compare.interleaved import Interleaved, Plan
from ocrbench.compare.sides import Side
from ocrbench.compare.verdict import Change, Comparison, undecided
from ocrbench.errors import ConfigError
from ocrbench.metrics.paired import blocks_needed
from ocrbench.metrics.repeatability import repeatability, unrepeatable
from ocrbench.progress import Listener
from ocrbench.scenarios import SCENARIOS

# Number of rounds of processes from which the time to a verdict is estimated.
PILOT = 3
# Frequent looks would stop at a chance result. So ``until_decided`` looks each time the rounds have doubled, and its
# intervals are wider: repeated confidence intervals with Pocock's boundary (Jennison and Turnbull, "Group
# Sequential Methods", 2000, chapters 2 and 9). Six looks at doubling numbers need 2.545 standard errors for 95 %, found
# by simulation, where one look needs 1.960.
LOOK_AGAIN = 2
WIDENING = 1.3
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


def allow_for_looks(change: Change) -> Change:
    """Widen the interval of a ratio to allow for repeated looks; a change without an interval is unchanged."""
    return replace(change, interval=change.interval.widened(WIDENING)) if change.interval else change


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
        self._next_look = min(PILOT, plan.processes)

    def run(self) -> Comparison:
        """Measure until the plan is done or the user interrupts."""
        try:
            with self._measuring:
                self._measure()
        except KeyboardInterrupt:
            # Before the end of the first round of processes, not every image was read.
            if not self._collected.peak_mb[0]:
                raise
            return self._comparison(interrupted=True)
        return self._comparison()

    def _measure(self) -> None:
        self._measuring.prepare()
        start = monotonic()
        while not self._is_done(start):
            self._measuring.run_processes(self._plan.seconds / self._plan.processes)
            if self._plan.until_decided and len(self._collected.times) == PILOT:
                self._announce(start)

    def _is_done(self, start: float) -> bool:
        plan, done = self._plan, len(self._collected.times)
        if not plan.until_decided:
            return done >= plan.processes
        if done < self._next_look:
            return done >= min(PILOT, plan.processes) and monotonic() - start > plan.max_seconds
        self._next_look *= LOOK_AGAIN
        return not undecided(self._speed_changes(), DECISIVE) or monotonic() - start > plan.max_seconds

    def _announce(self, start: float) -> None:
        """Estimate from the first pairs of processes how long a verdict will take."""
        (latency,) = (each for each in self._speed_changes() if each.metric == "latency_p50_ms")
        assert latency.interval is not None
        done = self._collected.images
        needed = blocks_needed(done, latency.interval.half_width, self._plan.margin / 2)
        rounds = self._next_look
        while rounds < len(self._collected.times) * needed / done:
            rounds *= LOOK_AGAIN
        seconds = (monotonic() - start) / len(self._collected.times) * rounds
        self._listener.say(
            f"{done} pairs of images give ±{latency.interval.half_width:.1%}; "
            f"a margin of {self._plan.margin:.0%} needs about {needed}: "
            f"{rounds} pairs of processes, in all {seconds:.0f} s"
        )

    def _speed_changes(self) -> list[Change]:
        changes = self._collected.speed_changes(0, 1, self._plan.margin)
        return [allow_for_looks(each) for each in changes] if self._plan.until_decided else changes

    def _changes(self) -> list[Change]:
        collected, scoring, margin = self._collected, self._sides[0].cell.scoring, self._plan.margin
        before, after = ([sum(times.values()) for times in side] for side in collected.compile_ms)
        one, other = collected.measured
        return [
            *self._speed_changes(),
            value_change("compile_ms", before, after, margin),
            value_change("peak_rss_mb", collected.peak_mb[0], collected.peak_mb[1], margin),
            *accuracy_changes(one.regions, other.regions, self._measuring.expected, scoring),
        ]

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
                    shares = ", ".join(f"{kind} {share:.0%}" for kind, share in network["executed"].items())
                    lines.append(f"{side.label}: {role} {network['precision']} executed {shares}")
        return lines
