"""Which characters may be read, and the errors of files that name them."""

from pathlib import Path

import pytest

from ocrbench.errors import ConfigError, ModelError
from ocrbench.models.decoding import allowed_characters, kept_classes

ALPHABET = ["", "é", "a", "中", "A", "\uff21", "-", "€", "ж", " "]


@pytest.mark.parametrize(
    ("choice", "expected"), [("all", ""), ("ascii", "aA- "), ("latin", "éaA-€ ")], ids=["all", "ascii", "latin"]
)
def test_named_sets(choice: str, expected: str) -> None:
    kept = kept_classes(ALPHABET, choice)
    assert "".join(ALPHABET[index] for index in kept) == expected
    # The class that stands for no character stays.
    assert choice == "all" or kept[0] == 0


def test_a_file_of_characters_in_any_order_on_any_lines(tmp_path: Path) -> None:
    path = tmp_path / "allowed.txt"
    path.write_bytes("\ufeffж a\r\nAéa\n".encode())
    assert kept_classes(ALPHABET, str(path)) == (0, 1, 2, 4, 8, 9)


def test_the_latin_set_has_the_ascii_set_in_it() -> None:
    assert allowed_characters("ascii") < allowed_characters("latin")
    assert len(allowed_characters("ascii")) == 95


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file or directory; expected all, ascii, latin or a text file"),
        (b"\r\n\n", "no characters"),
        (b"\xff\xfea\x00", "not a UTF-8 text file"),
    ],
    ids=["missing", "empty", "UTF-16"],
)
def test_a_bad_file_is_named(content: bytes | None, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "allowed.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        allowed_characters(str(path))
    assert str(caught.value).startswith(f"recognizer.alphabet={path}: ")
    assert reason in str(caught.value)


def test_characters_that_the_model_does_not_know_are_named(tmp_path: Path) -> None:
    path = tmp_path / "allowed.txt"
    path.write_text("aþð", encoding="utf-8")
    with pytest.raises(ModelError, match=r"2 of its characters are not in the model's: 'ðþ'"):
        kept_classes(ALPHABET, str(path))


def test_a_set_of_which_the_model_knows_nothing_is_refused() -> None:
    with pytest.raises(ModelError, match=r"recognizer\.alphabet=ascii: 95 of its characters"):
        kept_classes(["", "中"], "ascii")
