"""Tables for programs: what is read back is what was there."""

import io
from collections.abc import Callable

import pandas as pd
import pytest

from ocrbench.report.tables import to_csv, to_parquet
from ocrbench.runs import table
from ocrbench.runs.columns import NAMES, NUMBERS
from ocrbench.runs.run import Run

READERS = {"csv": (to_csv, pd.read_csv), "parquet": (to_parquet, pd.read_parquet)}


@pytest.mark.parametrize(("write", "read"), READERS.values(), ids=READERS)
def test_round_trip(
    write: Callable[[pd.DataFrame], bytes],
    read: Callable[[io.BytesIO], pd.DataFrame],
    make_run: Callable[..., Run],
) -> None:
    hostile = 'quote", comma, newline\nGröße 文字 <b>'
    frame = table.wide([make_run(), make_run(error=hostile, dataset="ü,ö")])
    back = read(io.BytesIO(write(frame)))
    assert tuple(back.columns) == NAMES
    assert back["error"].tolist()[1] == hostile
    assert back["dataset"].tolist() == ["sample", "ü,ö"]
    numbers = list(NUMBERS)
    # In full, not rounded.
    pd.testing.assert_frame_equal(back[numbers], frame[numbers], check_exact=True)


def test_parquet_keeps_types_where_every_run_failed(make_run: Callable[..., Run]) -> None:
    frame = table.wide([make_run(error="x")])
    back = pd.read_parquet(io.BytesIO(to_parquet(frame)))
    assert str(back["det_hmean"].dtype) == "float64"
