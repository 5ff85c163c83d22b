"""Every dataset format, on folders that are not of that format, and its configuration."""

from pathlib import Path

import pytest

from ocrbench.config.composing import load
from ocrbench.config.packaged import choices
from ocrbench.config.schema import Dataset
from ocrbench.data import check_format, read
from ocrbench.data.formats import FORMATS, format_named
from ocrbench.errors import ConfigError, DatasetError


def dataset(name: str, root: Path, **options: object) -> Dataset:
    return Dataset(name="mine", format=name, root=str(root), options=options)


@pytest.mark.parametrize("name", FORMATS)
def test_missing_and_empty_folders_are_named_with_what_was_expected(name: str, tmp_path: Path) -> None:
    for root in (tmp_path / "absent", tmp_path):
        with pytest.raises(DatasetError, match="expected") as caught:
            read(dataset(name, root))
        assert str(root) in str(caught.value)


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_is_not_a_dataset(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("neither a list nor a folder")
    with pytest.raises(DatasetError, match="expected"):
        read(dataset(name, tmp_path / "file"))


@pytest.mark.parametrize("name", FORMATS)
def test_unknown_options_are_refused_with_the_valid_ones(name: str, tmp_path: Path) -> None:
    valid = sorted(format_named(name).options.__dataclass_fields__)
    with pytest.raises(ConfigError, match=r"^dataset\.no_such: no such key; .*Valid: .*limit") as caught:
        check_format(dataset(name, tmp_path, no_such=1))
    assert [option for option in valid if option not in str(caught.value)] == []


@pytest.mark.parametrize("name", choices("dataset"))
def test_a_configuration_names_every_option_of_its_format(name: str) -> None:
    for where in ("dataset", "calibration"):
        if name in choices(where):
            given = getattr(load([f"{where}={name}"]), where)
            check_format(given, where)
            assert set(given.options) == set(format_named(given.format).options.__dataclass_fields__)
