"""Check that a table holds one finished run with real numbers: ``python .ci/check_table.py latest.parquet``."""

import math
import sys
from pathlib import Path

import pandas as pd

NUMBERS = ("det_hmean", "e2e_hmean", "latency_p50_ms", "throughput_ips")
TEXTS = ("detector_executed", "recognizer_executed")


def problems(frame: pd.DataFrame) -> list[str]:
    """Say what is wrong with the table; nothing, if it is as it should be."""
    if len(frame) != 1:
        return [f"expected one row, found {len(frame)}"]
    row = frame.iloc[0]
    if row["status"] != "ok":
        return [f"status is {row['status']}: {row['error']}"]
    found = [f"{name} is {row[name]}, expected a number above 0" for name in NUMBERS if not is_positive(row[name])]
    return found + [f"{name} is {row[name]!r}, expected what ran" for name in TEXTS if not is_filled(row[name])]


def is_positive(value: object) -> bool:
    """Tell whether a value is a finite number above 0."""
    return isinstance(value, float) and math.isfinite(value) and value > 0


def is_filled(value: object) -> bool:
    """Tell whether a value is a text with something in it."""
    return isinstance(value, str) and bool(value.strip())


def main() -> None:
    """Print the checked values, or exit with what is wrong."""
    frame = pd.read_parquet(Path(sys.argv[1]))
    wrong = problems(frame)
    if wrong:
        sys.exit("\n".join(wrong))
    values = frame.iloc[0][["status", *NUMBERS, *TEXTS]].to_dict()
    sys.stdout.write("".join(f"{name}: {value}\n" for name, value in values.items()))


if __name__ == "__main__":
    main()
