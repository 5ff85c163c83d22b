"""Words in groups: none is lost, none counts twice."""

from hypothesis import given
from hypothesis import strategies as st

from ocrbench.geometry import rectangle
from ocrbench.metrics.breakdown import HEIGHTS_PX, LENGTHS, by_folder, by_height, by_length, label
from ocrbench.metrics.losses import KINDS, Kind
from ocrbench.records import Region

Word = tuple[str, Region, Kind]


def word(text: str = "A", height: float = 10, width: float = 100, kind: Kind = "right", name: str = "a.jpg") -> Word:
    return (name, Region(polygon=rectangle(0, 0, width, height), text=text), kind)


def totals(groups: dict[str, dict[Kind, int]]) -> dict[str, int]:
    return {name: sum(kinds.values()) for name, kinds in groups.items()}


def test_groups_of_heights_have_whole_pixels_as_bounds() -> None:
    assert totals(by_height([word(height=h) for h in (7, 8, 11, 12, 100)])) == {
        "1–7": 1, "8–11": 2, "12–15": 1, "64 and more": 1
    }  # fmt: skip


def test_text_from_the_top_down_is_as_high_as_it_is_wide() -> None:
    assert list(by_height([word(height=200, width=20)])) == ["16–23"]


def test_groups_of_lengths() -> None:
    words = [word(text="A" * length) for length in (1, 2, 5, 6, 30)]
    assert totals(by_length([*words, word(text="")])) == {"1": 1, "2": 1, "5–6": 2, "30 and more": 1}


def test_folders_are_told_apart_where_there_are_several() -> None:
    assert by_folder([word(name="a/1.jpg"), word(name="a/2.jpg")]) == {}
    assert totals(by_folder([word(name="b/1.jpg"), word(name="a/x/1.jpg"), word(name="b/2.jpg")])) == {"a/x": 1, "b": 2}


def test_kinds_are_counted_in_each_group() -> None:
    (kinds,) = by_length([word(kind="cut"), word(kind="cut"), word(kind="right")]).values()
    assert {kind: number for kind, number in kinds.items() if number} == {"right": 1, "cut": 2}


WORDS = st.lists(
    st.builds(
        word,
        text=st.text(max_size=40),
        height=st.floats(0.5, 200),
        width=st.floats(0.5, 200),
        kind=st.sampled_from(list(KINDS)),
        name=st.sampled_from(["a.jpg", "x/a.jpg", "y/z/a.jpg"]),
    )
)


@given(words=WORDS)
def test_every_word_is_in_one_group(words: list[Word]) -> None:
    assert sum(totals(by_height(words)).values()) == len(words)
    assert sum(totals(by_length(words)).values()) == sum(bool(region.text) for _, region, _ in words)
    assert sum(totals(by_folder(words)).values()) in (0, len(words))


def test_labels_leave_no_gap() -> None:
    for ends in (HEIGHTS_PX, LENGTHS):
        names = [label(group, ends) for group in range(len(ends) + 1)]
        firsts = [int(name.replace("–", " ").split()[0]) for name in names]
        assert firsts == [1, *(end + 1 for end in ends)]
