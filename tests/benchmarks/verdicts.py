"""How often ``ocrbench ab`` is right: one configuration against itself, and against itself slowed by a known share.

    python tests/benchmarks/verdicts.py --slowdown 0.03 --repetitions 20 > verdicts.csv

Each repetition is a whole ``ocrbench ab`` with processes of its own and another seed. It appends a line to the output,
so that an interrupted series is of use too. ``docs/measurements`` has the figures of such series.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import monotonic
from typing import Any

# Small images, so that many are compared in little time; a core is left to the rest of the system. Accuracy, and what
# was executed, are not the question here.
CELL = (
    "dataset.limit=8",
    "detector.limit_type=max",
    "detector.limit_side=480",
    "properties.INFERENCE_NUM_THREADS=1",
    "attest=off",
)
METRIC = "latency_p50_ms"
SLOWED = os.pathsep.join(map(str, (Path(__file__).parents[1] / "slowed", Path(__file__).parents[2])))


def repeat(slowdown: float, seed: int, words: list[str]) -> dict[str, Any]:
    """Compare once; return the latency's change with its verdict, and how long the whole command took."""
    other = f"env.PYTHONPATH={SLOWED} env.SLOWDOWN={slowdown}" if slowdown else ""
    start = monotonic()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ab.json"
        command = [sys.executable, "-m", "ocrbench", "ab", "", other, *CELL, *words]
        subprocess.run([*command, "--seed", str(seed), "--json", str(file)], capture_output=True, check=False)
        (comparison,) = json.loads(file.read_text())["comparisons"]
    change = next(each for each in comparison["changes"] if each["metric"] == METRIC)
    interval = {key: round(change[key], 4) for key in ("estimate", "low", "high")}
    return {"seed": seed, **interval, "verdict": change["direction"], "seconds": round(monotonic() - start, 1)}


def main() -> None:
    """Repeat, and sum up on standard error."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slowdown", type=float, default=0.0, help="of B, as a share of its time (default: none)")
    parser.add_argument("--repetitions", type=int, default=20)
    parser.add_argument("words", nargs="*", help="further options and overrides of ocrbench ab, after --")
    given = parser.parse_args()
    found: list[dict[str, Any]] = []
    for seed in range(given.repetitions):
        found.append(repeat(given.slowdown, seed, given.words))
        writer = csv.DictWriter(sys.stdout, list(found[-1]))
        if not seed:
            writer.writeheader()
        writer.writerow(found[-1])
        sys.stdout.flush()
    verdicts = [each["verdict"] for each in found]
    counts = ", ".join(f"{verdict} {verdicts.count(verdict)}" for verdict in dict.fromkeys(verdicts))
    mean = sum(each["estimate"] for each in found) / len(found)
    longest = max(each["seconds"] for each in found)
    sys.stderr.write(f"{len(found)} repetitions: {counts}; mean ratio {mean:.4f}; longest {longest:.0f} s\n")


if __name__ == "__main__":
    main()
