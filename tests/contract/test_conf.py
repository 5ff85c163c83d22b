"""Every YAML file composes, parses and says what people need to know."""

import contextlib
import functools
import re
from dataclasses import asdict
from pathlib import Path

import pytest

from ocrbench import reading
from ocrbench.architectures import SUFFIXES
from ocrbench.config.composing import compose_config, load, load_matrix
from ocrbench.config.parsing import shipped_cell, shipped_choice
from ocrbench.config.schema import Cell, Dataset
from ocrbench.config.stage import Source, Stage
from ocrbench.data.formats import FORMATS
from ocrbench.errors import DatasetError
from ocrbench.files import choices
from ocrbench.measure.preparing import check
from ocrbench.models import FAMILIES, check_options
from ocrbench.scenarios import setup_of
from ocrbench.scenarios.throughput import ThroughputSetup

MODELS = [(role, name) for role in ("detector", "recognizer") for name in choices(role)]


@functools.cache
def cell_of(group: str, name: str) -> Cell:
    return load([f"{group}={name}"])


@pytest.mark.parametrize(("role", "name"), MODELS)
def test_models_are_described_and_their_family_takes_their_options(role: str, name: str) -> None:
    cell = cell_of(role, name)
    stage = cell.stages[role]
    check_options(cell)
    assert stage.name == name
    assert getattr(FAMILIES[stage.family], role) is not None
    assert stage.licence.strip()
    assert stage.languages.strip()
    assert stage.homepage.startswith("https://")
    assert re.fullmatch(r"20\d\d\.\d", stage.min_openvino)
    for source in (stage.source, *stage.more_sources.values()):
        check_source(source)


def check_source(source: Source) -> None:
    if source.kind in ("wheel", "url"):
        assert re.fullmatch(r"[0-9a-f]{64}", source.sha256)
    if source.kind == "wheel":
        assert source.package
        assert source.version
    if source.kind == "url":
        assert source.url.startswith("https://")
    if source.kind == "none":
        assert asdict(source) == asdict(Source(kind="none"))
    if source.kind == "file":
        assert source.path
    assert Path(source.path).suffix in (SUFFIXES if source.architecture else ("", ".onnx", ".xml"))


def test_what_is_read_without_hydra_is_what_hydra_composes() -> None:
    default = load()
    assert shipped_cell() == default
    assert reading.compose((), None) == load(reading.DEFAULTS)
    for role, name in MODELS:
        common = {key: getattr(getattr(default, role), key) for key in ("device", "precision", "properties")}
        assert shipped_choice(Stage, role, name, **common) == cell_of(role, name).stages[role]
    for name in choices("dataset"):
        assert shipped_choice(Dataset, "dataset", name) == cell_of("dataset", name).dataset


@pytest.mark.parametrize("name", choices("model"))
def test_pairs_compose(name: str) -> None:
    cell = cell_of("model", name)
    check_options(cell)


@pytest.mark.parametrize("name", choices("dataset"))
def test_datasets_name_a_known_format(name: str) -> None:
    cell = cell_of("dataset", name)
    assert cell.dataset.name == name
    assert cell.dataset.format in FORMATS
    # Where the data have to be fetched first, the message says what to do.
    there = Path(cell.dataset.root).is_dir()
    with contextlib.nullcontext() if there else pytest.raises(DatasetError, match=r"dataset\.root=PATH"):
        check(cell)


@pytest.mark.parametrize("name", choices("dataset"))
def test_datasets_say_whether_they_are_in_words_or_lines(name: str) -> None:
    cell = cell_of("dataset", name)
    assert "granularity" in compose_config([f"dataset={name}"]).dataset
    assert cell.granularity == cell.dataset.granularity
    for wanted in ("word", "line"):
        assert load([f"dataset={name}", f"granularity={wanted}"]).granularity == wanted


@pytest.mark.parametrize("name", sorted({*choices("experiment")} - {"max_throughput"}))
def test_experiments_are_matrices(name: str) -> None:
    cells = load_matrix([f"experiment={name}"], sweep=False)
    assert len(cells) > 1
    for cell in cells:
        check(cell)


def test_an_experiment_is_several_settings_and_the_command_line_has_the_last_word() -> None:
    cell = load(["experiment=max_throughput", "scenario.together=4"])
    setup = setup_of(cell.scenario)
    assert isinstance(setup, ThroughputSetup)
    assert (setup.processes, setup.together, cell.folding.recognizer_networks) == (2, 4, 48)
    check_options(cell)
