"""Plans for costs made by hand, against trying out every choice of widths."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, combinations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ocrbench.models.crops import WidthOptions
from ocrbench.planning import BATCH_SIZES, Costs, best_dynamic, best_widths, buckets, expected
from ocrbench.planning.costs import measure_costs, widths_to_measure
from ocrbench.planning.measuring import compare

PRESENT = WidthOptions(width_step=32, min_width=16, max_width=640, batch_size=8)
WIDTHS, COUNTS = [16, 640], [1, 16]


def costs(call: float = 0.0, column: float = 0.01, first: float = 0.0) -> Costs:
    """Each batch costs so much, each of its columns so much, and each shape so much once."""
    widths, counts = np.array(WIDTHS)[:, np.newaxis], np.array(COUNTS)
    repeated = call + column * widths * counts
    return Costs(widths=WIDTHS, counts=COUNTS, repeated_ms=repeated, first_ms=np.full((2, 2), first))


def test_costs_are_interpolated_and_no_crops_cost_nothing() -> None:
    repeated, first = costs(call=1.0, first=5.0).table([100, 800], most=3)
    assert repeated == pytest.approx(np.array([[0, 2, 3, 4], [0, 9, 17, 25]]))
    assert first == pytest.approx(np.array([[0, 5, 5, 5], [0, 5, 5, 5]]))


def test_expected_costs_are_those_of_the_batches() -> None:
    groups = [[30, 60, 64], [200]]
    found = expected(PRESENT, groups, costs(call=1.0, first=5.0), spread_over=4)
    # Batches of width 32, 64 (two crops) and 224.
    repeated = 3 * 1.0 + 0.01 * (32 + 2 * 64 + 224)
    assert (found.shapes, found.first_ms, found.repeated_ms) == (3, 15.0, pytest.approx(repeated / 4))
    assert found.spread_ms == pytest.approx((repeated + 15.0 * 2 / 4) / 4)


def test_empty_places_of_a_static_batch_cost_too() -> None:
    static = replace(PRESENT, shapes="static", widths=[320], batch_size=4)
    found = expected(static, [[30, 60], [200]], costs(), spread_over=1000)
    assert (found.shapes, found.repeated_ms) == (1, pytest.approx(2 * 0.01 * 4 * 320 / 3))


def test_where_only_columns_cost_nothing_is_padded() -> None:
    groups = [[40, 80, 300], [80, 160]]
    assert best_widths(PRESENT, groups, costs(), 1000).widths == (40, 80, 160, 304)


def test_where_only_calls_cost_all_crops_share_a_batch() -> None:
    groups = [[40, 80, 300], [80, 160]]
    planned = best_widths(PRESENT, groups, costs(call=1.0, column=0.0), 1000)
    assert planned.widths == (304,)
    assert planned.batch_size >= 4
    assert best_dynamic(PRESENT, groups, costs(call=1.0, column=0.0), 1000).batch_size >= 4


def test_shapes_that_cost_much_are_few_unless_many_images_share_them() -> None:
    groups, dear = [[40, 80, 300], [80, 160]], costs(call=0.1, first=1000.0)
    assert len(best_widths(PRESENT, groups, dear, 2).widths) == 1
    assert len(best_widths(PRESENT, groups, dear, 10**9).widths) == 4


@settings(deadline=None, max_examples=30)
@example(groups=[[20] * 18 + [40] + [90] * 8], call=0.0, first=0.0)
@given(
    groups=st.lists(st.lists(st.sampled_from([20, 40, 90, 160, 300, 700]), min_size=1), min_size=1, max_size=4),
    call=st.floats(0, 5),
    first=st.floats(0, 50),
)
def test_no_choice_of_widths_is_cheaper(groups: Sequence[Sequence[int]], call: float, first: float) -> None:
    cost = costs(call=call, first=first)
    candidates = sorted({min(-(-width // 8) * 8, PRESENT.max_width) for group in groups for width in group})
    subsets = chain.from_iterable(combinations(candidates[:-1], size) for size in range(len(candidates)))
    cheapest = min(
        expected(replace(PRESENT, widths=(*chosen, candidates[-1]), batch_size=size), groups, cost, 10).spread_ms
        for chosen in subsets
        for size in BATCH_SIZES
    )
    planned = best_widths(PRESENT, groups, cost, 10)
    assert expected(planned, groups, cost, 10).spread_ms == pytest.approx(cheapest)


def test_rows_by_width_add_up() -> None:
    groups = [[30, 60, 64], [200, 900]]
    cost = costs(call=1.0)
    rows = buckets(PRESENT, groups, cost)
    assert [(row.width, row.crops, row.batch) for row in rows] == [
        (32, 0.2, 1),
        (64, 0.4, 2),
        (224, 0.2, 1),
        (640, 0.2, 1),
    ]
    assert [row.filled for row in rows] == pytest.approx([30 / 32, 124 / 128, 200 / 224, 1])
    total = sum(row.crops * row.ms_per_crop for row in rows)
    assert total == pytest.approx(expected(PRESENT, groups, cost, 1000).repeated_ms)


def test_the_present_setting_is_compared_with_the_best_of_each_kind() -> None:
    present = replace(PRESENT, shapes="static", widths=[640])
    first, *others = compare(present, [[40, 80], [90]], costs(), 1000)
    assert (first.name, first.options) == ("present", present)
    assert [each.changes["shapes"] for each in others] == ["dynamic", "bucketed"]
    assert all(each.expected.repeated_ms < first.expected.repeated_ms for each in others)


class Silent:
    def say(self, text: str) -> None:
        pass

    def advance(self, phase: str, done: float, total: float) -> None:
        pass


def test_every_shape_is_timed_in_every_round() -> None:
    shapes = []

    def network(batch: np.ndarray) -> tuple[np.ndarray]:
        shapes.append(batch.shape)
        return (batch,)

    found = measure_costs(network, np.zeros((1, 48, 64, 3), dtype=np.uint8), [64, 128], [1, 4], Silent())
    assert shapes[:4] == [(1, 48, 64, 3), (4, 48, 64, 3), (1, 48, 128, 3), (4, 48, 128, 3)] == shapes[-4:]
    assert found.repeated_ms.shape == found.first_ms.shape == (2, 2)
    assert (found.repeated_ms > 0).all()
    assert (found.first_ms >= 0).all()


def test_equally_wide_crops_can_be_measured_too() -> None:
    assert widths_to_measure(replace(PRESENT, width_step=8), [[104], [104]]) == [104, 112]


def test_no_batch_is_wider_than_what_is_measured() -> None:
    measured = widths_to_measure(replace(PRESENT, width_step=1024, max_width=2048), [[100, 200], [40]])
    assert (measured[0], measured[-1]) == (40, 1024)
