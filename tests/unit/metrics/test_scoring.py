"""The metrics together: one matching per image, tallies summed over images, divided once."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrbench.config.schema import Scoring
from ocrbench.geometry import rectangle
from ocrbench.metrics.scoring import METRICS, tallies, to_scores, total, value
from ocrbench.records import Region

RULE = Scoring()
DETECTION = ["det_precision", "det_recall", "det_hmean"]


def word(row, text="", ignore=False):
    return Region(polygon=rectangle(0, 20 * row, 40, 10), text=text, ignore=ignore)


def score(images):
    return to_scores(total(tallies(*image, RULE) for image in images))


def values(images):
    return {s.metric: s.value for s in score(images)}


regions = st.builds(word, st.integers(0, 4), st.sampled_from(["", "AB", "abc"]), st.booleans())
images = st.lists(st.tuples(st.lists(regions, max_size=4), st.lists(regions, max_size=4)), max_size=5)


def test_every_metric_by_hand():
    first = (
        [word(0, "way"), word(1, "0ut"), word(5, "x")],
        [word(0, "WAY"), word(1, "OUT"), word(2, "EXIT")],
    )
    second = ([], [word(0, "TO")])
    scores = {s.metric: (s.value, s.n) for s in score([first, second])}
    assert scores == {
        "det_precision": (2 / 3, 3),
        "det_recall": (2 / 4, 4),
        "det_hmean": (pytest.approx(4 / 7), 7),
        "rec_word_accuracy": (1 / 2, 2),
        "rec_cer": (1 / 6, 6),
        "rec_1_ned": (pytest.approx((1 + 2 / 3) / 2), 2),
        "e2e_precision": (1 / 3, 3),
        "e2e_recall": (1 / 4, 4),
        "e2e_hmean": (pytest.approx(2 / 7), 7),
    }
    assert list(scores) == list(METRICS)


def test_a_perfect_prediction():
    truth = [word(0, "WAY"), word(1, "OUT")]
    assert values([(truth, truth)]) == dict.fromkeys(METRICS, 1.0) | {"rec_cer": 0.0}


@pytest.mark.parametrize(
    "dataset",
    [[], [([], [])], [([word(0, "noise")], [])], [([word(0, "noise")], [word(1, "###", ignore=True)])]],
)
def test_without_ground_truth_there_are_no_scores(dataset):
    assert score(dataset) == []


def test_without_transcriptions_only_detection_is_scored():
    assert list(values([([word(0, "way"), word(3, "noise")], [word(0), word(1)])])) == DETECTION


def test_finding_nothing_scores_zero_and_leaves_reading_undefined():
    expected = dict.fromkeys([*DETECTION, "e2e_precision", "e2e_recall", "e2e_hmean"], 0.0)
    assert values([([], [word(0, "WAY")])]) == expected


def test_an_image_without_text_counts_its_false_alarms():
    assert values([([word(0, "a")], [word(0, "A")]), ([word(0, "b")], [])])["det_precision"] == 0.5


@settings(max_examples=30, deadline=None)
@given(images, images)
def test_shards_of_a_dataset_add_up(some, others):
    merged = total([total(tallies(*image, RULE) for image in shard) for shard in (some, others)])
    assert {s.metric: s.value for s in to_scores(merged)} == pytest.approx(values(some + others))


@settings(max_examples=30, deadline=None)
@given(images)
def test_the_order_of_images_does_not_matter(dataset):
    assert values(dataset[::-1]) == pytest.approx(values(dataset))


@settings(max_examples=30, deadline=None)
@given(images)
def test_end_to_end_never_beats_detection_where_every_text_is_known(dataset):
    known = [(p, [word(0, "A") if not e.text else e for e in expected]) for p, expected in dataset]
    totals = total(tallies(*image, RULE) for image in known)
    for name in ("precision", "recall", "hmean"):
        assert (value(f"e2e_{name}", totals) or 0) <= (value(f"det_{name}", totals) or 0)


def test_metrics_are_described():
    for name, metric in METRICS.items():
        assert name == metric.name
        assert metric.meaning
        assert metric.recall is None or metric.recall in METRICS
