"""Whether the latency of few images predicts that of a stream of others that were never read before.

    python tests/benchmarks/stream.py --images 100 --stream 500 --precisions FP32,BF16,INT8 > stream.csv

Images are generated. For each precision a run times the first ones; another run, with processes of its own, times the
others, each once, as they would arrive. A row holds the median of both with the interval of the first, and the median
that repeats of the first images would have promised. ``docs/measurements`` has the figures.
"""

import argparse
import csv
import shutil
import sys
import tempfile
from pathlib import Path

import ocrbench
from ocrbench.data.synthetic import generate

SEED = 2029
METRICS = ("latency_p50_ms", "latency_mean_ms")


def split(folder: Path, images: int, stream: int) -> tuple[Path, Path]:
    """Generate images, and put the first ones into a folder of their own."""
    generate(folder / "stream", count=images + stream, seed=SEED, hard=True)
    (folder / "few").mkdir()
    for number in range(1, images + 1):
        for name in (f"img_{number}.jpg", f"gt_img_{number}.txt"):
            shutil.move(folder / "stream" / name, folder / "few" / name)
    return folder / "few", folder / "stream"


def main() -> None:
    """Measure each precision, and write a row as soon as there is one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--stream", type=int, default=500)
    parser.add_argument("--precisions", default="FP32,BF16,INT8")
    parser.add_argument("words", nargs="*", help="overrides, after --")
    given = parser.parse_args()
    writer = csv.writer(sys.stdout)
    writer.writerow(["precision", "images", "metric", "few", "low", "high", "stream", "read_again", "noisy"])
    with tempfile.TemporaryDirectory() as name:
        few, stream = split(Path(name), given.images, given.stream)
        for precision in given.precisions.split(","):
            words = [f"precision={precision}", f"reports_dir={name}/reports", "attest=off", *given.words]
            one = ocrbench.run([*words, f"dataset.root={few}", "dataset.name=few"])
            other = ocrbench.run([*words, f"dataset.root={stream}", "dataset.name=stream", "scenario.min_seconds=0"])
            noisy = "; ".join([*one.noisy, *other.noisy])
            for metric in METRICS:
                interval = one.intervals.get(metric)
                bounds = [round(interval.low, 1), round(interval.high, 1)] if interval else ["", ""]
                values = [round(run.scores[key], 1) for run, key in ((other, metric), (one, one.read_again(metric)))]
                noisy = "; ".join([*one.noisy, *other.noisy])
                writer.writerow(
                    [precision, given.images, metric, round(one.scores[metric], 1), *bounds, *values, noisy]
                )
            sys.stdout.flush()


if __name__ == "__main__":
    main()
