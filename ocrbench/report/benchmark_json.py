"""The JSON of pytest-benchmark, so that its ``compare`` and tools such as github-action-benchmark read our times.

Each kind of time becomes a benchmark, in seconds. Format and statistics are those of ``--benchmark-json`` in
pytest-benchmark 5: the sample standard deviation, quartiles by Hazen's rule, Tukey's fences.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocrbench import environment
from ocrbench.compare.verdict import Comparison
from ocrbench.runs.run import Run

# Version of pytest-benchmark with this format.
FORMAT = "5.0.0"
STAGES = ("latency", "read", "detect", "detect_infer", "crop", "recognize", "recognize_infer")
Seconds = NDArray[np.float64]


def runs_to_benchmark_json(runs: Iterable[Run]) -> bytes:
    """Write finished runs: the latency and every stage.

    A benchmark has the name of the run's series, which stays the same over commits and versions. Of several runs of a
    series only the newest has that name; the others have the name of their run.

    Args:
        runs: Finished runs.
    """
    newest_first = sorted(runs, key=lambda run: run.started, reverse=True)
    taken: set[str] = set()
    benchmarks = []
    for run in newest_first:
        series = run.series or run.run_id
        name = run.run_id if series in taken else series
        taken.add(series)
        facts = {"run_id": run.run_id, "started": run.started, **_versions(run.environment)}
        for stage in STAGES if len(run.timed) else ():
            seconds = run.timed[f"{stage}_ns"].to_numpy(dtype=np.float64) / 1e9
            # Scenarios that decode the images beforehand have no reading times.
            if stage == "read" and not seconds.any():
                continue
            benchmarks.append(_benchmark(stage, name, seconds, facts))
    described = newest_first[0].environment if newest_first else {}
    git = newest_first[0].conditions.get("git", {}) if newest_first else {}
    return _document(benchmarks, described, git)


def comparisons_to_benchmark_json(comparisons: Sequence[Comparison]) -> bytes:
    """Write the paired times of both sides of comparisons."""
    benchmarks = []
    for comparison in comparisons:
        labels = (f"A {comparison.before}", f"B {comparison.after}")
        for change in comparison.changes:
            if change.unit != "ms" or not all(change.values):
                continue
            stage = change.metric.partition("_p50_ms")[0]
            for label, values in zip(labels, change.values, strict=True):
                benchmarks.append(_benchmark(stage, label, np.array(values) / 1e3, {}))
    return _document(benchmarks, environment.describe(), {})


def _benchmark(stage: str, label: str, seconds: Seconds, facts: Mapping[str, object]) -> dict[str, Any]:
    name = f"{stage}[{' '.join(label.split())}]"
    return {
        "group": stage,
        "name": name,
        "fullname": f"ocrbench::{name}",
        "params": {"cell": label},
        "param": label,
        "extra_info": dict(facts),
        "options": {},
        "stats": _stats(seconds),
    }


def _stats(seconds: Seconds) -> dict[str, Any]:
    total, mean = float(seconds.sum()), float(seconds.mean())
    stddev = float(seconds.std(ddof=1)) if len(seconds) > 1 else 0.0
    q1, median, q3 = (float(value) for value in np.quantile(seconds, [0.25, 0.5, 0.75], method="hazen"))
    low, high = q1 - 1.5 * (q3 - q1), q3 + 1.5 * (q3 - q1)
    inside = seconds[(seconds >= low) & (seconds <= high)]
    stddev_outliers = int((np.abs(seconds - mean) > stddev).sum())
    iqr_outliers = len(seconds) - len(inside)
    return {
        "min": float(seconds.min()),
        "max": float(seconds.max()),
        "mean": mean,
        "stddev": stddev,
        "rounds": len(seconds),
        "median": median,
        "iqr": q3 - q1,
        "q1": q1,
        "q3": q3,
        "iqr_outliers": iqr_outliers,
        "stddev_outliers": stddev_outliers,
        "outliers": f"{stddev_outliers};{iqr_outliers}",
        "ld15iqr": float(inside.min()),
        "hd15iqr": float(inside.max()),
        "ops": len(seconds) / total if total else 0.0,
        "total": total,
        "data": seconds.tolist(),
        "iterations": 1,
    }


def _document(benchmarks: Sequence[Mapping[str, Any]], described: Mapping[str, Any], git: Mapping[str, Any]) -> bytes:
    host, versions = described.get("host", {}), described.get("versions", {})
    content = {
        "machine_info": {
            "node": host.get("name", ""),
            "system": str(host.get("os", "")).partition("-")[0],
            "release": host.get("os", ""),
            "python_implementation": "CPython",
            "python_version": versions.get("python", ""),
            "cpu": {"brand_raw": host.get("cpu", ""), "count": host.get("cores")},
        },
        "commit_info": {
            "id": git.get("commit", "unversioned"),
            "time": None,
            "dirty": git.get("dirty", False),
            "project": "ocrbench",
            "branch": "(unknown)",
        },
        "benchmarks": list(benchmarks),
        "datetime": datetime.now(UTC).isoformat(),
        "version": FORMAT,
    }
    return json.dumps(content, indent=1, ensure_ascii=True, allow_nan=False).encode()


def _versions(described: Mapping[str, Any]) -> dict[str, str]:
    return {f"{name}_version": str(version) for name, version in described.get("versions", {}).items()}
