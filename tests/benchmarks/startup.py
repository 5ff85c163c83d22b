"""How fast the command line starts: one version of ocrbench against another, in turns.

    python tests/benchmarks/startup.py OLD NEW --rounds 10 > startup.csv

OLD and NEW are checkouts, which this interpreter runs, or interpreters of environments with ocrbench in them. Each has
its own cache and converts the models before the first round. A line of the output is one call of a command. The ratios
of the medians, NEW / OLD, go to standard error. ``cpu_seconds`` includes the processes that a command starts.
"""

import argparse
import csv
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

IMAGE = Path(__file__).parents[2] / "datasets" / "sample" / "img_1.jpg"
# Each command and the status that it ends with.
CASES: Mapping[str, tuple[tuple[str, ...], int]] = {
    "--help": (("--help",), 0),
    "list models": (("list", "models"), 0),
    "read MISSING": (("read", "missing.jpg"), 2),
    "read IMAGE": (("read", str(IMAGE)), 0),
}
MEASURED = ("seconds", "cpu_seconds")


class Side:
    """One of the two versions, with a folder of its own to run in."""

    def __init__(self, path: Path, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        self._interpreter = str(path) if path.is_file() else sys.executable
        self._variables = {**os.environ, "OCRBENCH_CACHE": str(folder / "cache")}
        if path.is_dir():
            self._variables["PYTHONPATH"] = str(path.resolve())

    def time(self, case: str) -> dict[str, float]:
        """Run a command and return its seconds, those of the clock and those of the processor."""
        words, status = CASES[case]
        command = [self._interpreter, "-m", "ocrbench", *words]
        before, start = _cpu_seconds(), perf_counter()
        # From a folder that holds no package, so that the current one does not count.
        done = subprocess.run(
            command, cwd=self._folder, env=self._variables, capture_output=True, text=True, check=False
        )
        seconds = perf_counter() - start
        if done.returncode != status:
            sys.exit(f"{self._variables.get('PYTHONPATH', self._interpreter)}: {case}: {done.stderr}")
        return {"seconds": seconds, "cpu_seconds": _cpu_seconds() - before}


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Take turns, and sum up on standard error."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--rounds", type=int, default=10)
    given = parser.parse_args()
    writer = csv.DictWriter(sys.stdout, ["case", "round", "side", *MEASURED])
    writer.writeheader()
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        sides = {name: Side(getattr(given, name), Path(folder) / name) for name in ("old", "new")}
        for side in sides.values():
            for case in CASES:
                side.time(case)
        for number in range(given.rounds):
            for case in CASES:
                # Who comes first changes from round to round.
                for name in sorted(sides, reverse=bool(number % 2)):
                    found.append({"case": case, "round": number, "side": name, **sides[name].time(case)})
                    writer.writerow({**found[-1], **{key: round(found[-1][key], 3) for key in MEASURED}})
                    sys.stdout.flush()
    for case in CASES:
        for key in MEASURED:
            old, new = (
                median(each[key] for each in found if (each["case"], each["side"]) == (case, name)) for name in sides
            )
            print(f"{case:14} {key:12} {old:6.3f} s → {new:6.3f} s: {new / old:.3f}", file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    main()
