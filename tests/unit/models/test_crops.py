"""Which crops share a batch, and how wide it is."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrbench.config.composing import load
from ocrbench.errors import ConfigError
from ocrbench.models import check_options
from ocrbench.models.crops import WidthOptions

OPTIONS = WidthOptions(width_step=32, min_width=64, max_width=320, batch_size=2)


def batches(naturals: list[int], **changes: object) -> list[tuple[int, list[int]]]:
    return list(replace(OPTIONS, **changes).batches(naturals))


def test_crops_of_one_width_share_batches() -> None:
    assert batches([60, 200, 50, 40]) == [(64, [0, 2]), (64, [3]), (224, [1])]


def test_buckets_may_be_chosen_and_steps_go_on_beyond_them() -> None:
    assert batches([60, 65, 150, 170, 170, 161], widths=[64, 160]) == [
        (64, [0]),
        (160, [1, 2]),
        (192, [3, 4]),
        (192, [5]),
    ]


def test_a_static_batch_has_one_width_whatever_the_crops() -> None:
    assert batches([900, 60, 71], shapes="static", widths=[160]) == [(160, [0, 1]), (160, [2])]


@given(
    naturals=st.lists(st.integers(1, 500)),
    changes=st.sampled_from([{}, {"widths": [96, 200]}, {"shapes": "static", "widths": [160]}, {"batch_size": 1}]),
)
def test_every_crop_is_in_one_batch_that_it_fits_in(naturals: list[int], changes: dict[str, object]) -> None:
    options = replace(OPTIONS, **changes)
    seen = []
    widest = 160 if options.shapes == "static" else options.max_width
    for width, members in options.batches(naturals):
        assert 1 <= len(members) <= options.batch_size
        assert options.min_width <= width <= widest
        assert all(min(naturals[member], widest) <= width for member in members)
        seen += members
    assert sorted(seen) == list(range(len(naturals)))


def test_only_static_batches_are_filled_up() -> None:
    rows = [np.ones((48, 160, 3), dtype=np.uint8)]
    assert OPTIONS.stacked(rows).shape == (1, 48, 160, 3)
    assert OPTIONS.static_shape(48, 3) == ()
    static = replace(OPTIONS, shapes="static", widths=[160])
    assert static.stacked(rows).shape == static.static_shape(48, 3) == (2, 48, 160, 3)
    assert static.stacked(rows)[1].max() == 0


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["recognizer.shapes=static"], "recognizer.widths=[320]"),
        (["recognizer.shapes=static", "recognizer.widths=[64,96]"], "takes one width"),
        (["recognizer.widths=[96,64]"], "ascending"),
        (["recognizer.widths=[64,9999]"], "from 64 to 3200"),
        (["recognizer.shapes=square"], "recognizer.shapes"),
    ],
)
def test_what_does_not_go_together_is_refused(words: list[str], part: str) -> None:
    cell = load(words)
    with pytest.raises(ConfigError) as caught:
        check_options(cell)
    assert part in str(caught.value)
