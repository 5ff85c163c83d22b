"""Images that are read more than once."""

import pytest

from ocrbench.metrics.repeatability import repeatability, unrepeatable


def reread(same: int, otherwise: int) -> dict[str, bool]:
    return {f"img_{number}.jpg": number < same for number in range(same + otherwise)}


@pytest.mark.parametrize(("same", "otherwise", "share"), [(3, 0, 1.0), (3, 1, 0.75), (0, 2, 0.0)])
def test_it_is_the_share_that_was_always_read_the_same(same: int, otherwise: int, share: float) -> None:
    (score,) = repeatability(reread(same, otherwise))
    assert (score.metric, score.value, score.n, score.higher_is_better) == (
        "repeatability",
        share,
        same + otherwise,
        True,
    )


def test_there_is_none_where_nothing_was_read_twice() -> None:
    assert repeatability({}) == []
    assert not unrepeatable([])


def test_a_few_images_may_be_rounded_otherwise() -> None:
    assert not unrepeatable(repeatability(reread(150, 0)))
    assert not unrepeatable(repeatability(reread(147, 3)))
    assert unrepeatable(repeatability(reread(140, 10))).startswith("10 of 150 images were read differently later")
