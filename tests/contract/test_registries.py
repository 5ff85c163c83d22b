"""Every entry of every registry: named like its module, described, configured and documented.

And no module is forgotten. What the YAML files and the columns say of themselves is in ``test_conf.py`` and
``test_tables.py``.
"""

import functools
import pkgutil
import re
from dataclasses import is_dataclass
from importlib import import_module
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pytest

from ocrbench import architectures, cli, data, graphs, models, scenarios, studies
from ocrbench.architectures import ARCHITECTURES
from ocrbench.cli import COMMANDS
from ocrbench.config.composing import load
from ocrbench.config.parsing import shipped_choice
from ocrbench.config.retired import RETIRED
from ocrbench.config.schema import Dataset, Scenario, Scoring
from ocrbench.config.stage import ROLES, Stage
from ocrbench.convert.converter import REWRITES
from ocrbench.data import check_format, formats
from ocrbench.data.formats import FORMATS, format_named
from ocrbench.data.synthetic.signs import FONTS
from ocrbench.errors import ConfigError, DatasetError
from ocrbench.files import choices, packaged
from ocrbench.geometry import rectangle
from ocrbench.metrics import scorers
from ocrbench.metrics.scoring import METRICS, SCORERS
from ocrbench.models import FAMILIES
from ocrbench.models.interface import Family
from ocrbench.precisions import PRECISIONS, Precision, honoured
from ocrbench.records import Region
from ocrbench.report import html
from ocrbench.report.html.sections import SECTIONS
from ocrbench.runs.columns import BY_NAME, NUMBERS
from ocrbench.scenarios import SCENARIOS, setup_of
from ocrbench.scenarios.interface import Setup

REPOSITORY = Path(__file__).parents[2]
LICENCES = (REPOSITORY / "docs" / "reference" / "licences.md").read_text(encoding="utf-8")
MODELS = [(role, name) for role in ROLES for name in choices(role)]


@functools.cache
def stage_of(role: str, name: str) -> Stage:
    return shipped_choice(Stage, role, name, device="CPU", precision="FP32", properties={})


@functools.cache
def scenario_of(name: str) -> Scenario:
    return load([f"scenario={name}"]).scenario


def modules(package: ModuleType) -> list[str]:
    return [each.name for each in pkgutil.iter_modules(package.__path__)]


def with_constant(package: ModuleType, constant: str) -> dict[str, Any]:
    """Find the modules of a package that have a constant: name → its value."""
    imported = {name: import_module(f"{package.__name__}.{name}") for name in modules(package)}
    return {name: getattr(module, constant) for name, module in imported.items() if hasattr(module, constant)}


class TestFamilies:
    def test_each_is_named_like_its_module_and_none_is_forgotten(self) -> None:
        assert with_constant(models, "FAMILY") == FAMILIES

    @pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
    def test_each_has_a_role(self, family: Family) -> None:
        assert any(getattr(family, role) for role in ROLES)

    def test_each_has_a_model(self) -> None:
        assert {stage_of(*model).family for model in MODELS} == set(FAMILIES)


class TestModels:
    @pytest.mark.parametrize(("role", "name"), MODELS)
    def test_the_licence_of_each_is_documented(self, role: str, name: str) -> None:
        source = stage_of(role, name).source
        if source.kind != "none":
            # The Open Model Zoo's names are those in its documentation.
            assert (source.model or f"conf/{role}/{name}.yaml") in LICENCES


class TestArchitectures:
    @pytest.mark.parametrize("name", ARCHITECTURES)
    def test_each_is_named_like_its_module(self, name: str) -> None:
        assert find_spec(f"ocrbench.architectures.{name}") is not None

    @pytest.mark.parametrize("name", ARCHITECTURES)
    def test_the_example_has_the_shape(self, name: str) -> None:
        architecture = ARCHITECTURES[name]
        pairs = zip(architecture.shape, architecture.example, strict=True)
        assert all(wanted in (-1, given) and given > 0 for wanted, given in pairs)

    def test_none_is_forgotten_and_each_has_a_model(self) -> None:
        stages = [stage_of(*model) for model in MODELS]
        sources = [source for stage in stages for source in (stage.source, *stage.more_sources.values())]
        assert {source.architecture for source in sources} - {""} == set(ARCHITECTURES) == set(modules(architectures))


class TestFormats:
    @staticmethod
    def dataset(name: str, root: Path, **options: object) -> Dataset:
        return Dataset(name="mine", format=name, root=str(root), options=options)

    def test_each_is_named_like_its_module_and_none_is_forgotten(self) -> None:
        assert set(with_constant(formats, "FORMAT")) == set(FORMATS)

    def test_each_has_a_dataset(self) -> None:
        assert {shipped_choice(Dataset, "dataset", name).format for name in choices("dataset")} == set(FORMATS)

    @pytest.mark.parametrize("name", FORMATS)
    def test_missing_and_empty_folders_are_named_with_what_was_expected(self, name: str, tmp_path: Path) -> None:
        for root in (tmp_path / "absent", tmp_path):
            with pytest.raises(DatasetError, match="expected") as caught:
                data.read(self.dataset(name, root))
            assert str(root) in str(caught.value)

    @pytest.mark.parametrize("name", FORMATS)
    def test_a_file_is_not_a_dataset(self, name: str, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("neither a list nor a folder")
        with pytest.raises(DatasetError, match="expected"):
            data.read(self.dataset(name, tmp_path / "file"))

    @pytest.mark.parametrize("name", FORMATS)
    def test_unknown_options_are_refused_with_the_valid_ones(self, name: str, tmp_path: Path) -> None:
        valid = sorted(format_named(name).options.__dataclass_fields__)
        with pytest.raises(ConfigError, match=r"^dataset\.no_such: no such key; .*Valid: .*limit") as caught:
            check_format(self.dataset(name, tmp_path, no_such=1))
        assert [option for option in valid if option not in str(caught.value)] == []

    @pytest.mark.parametrize("name", choices("dataset"))
    def test_a_configuration_names_every_option_of_its_format(self, name: str) -> None:
        for where in ("dataset", "calibration"):
            if name in choices(where):
                given = getattr(load([f"{where}={name}"]), where)
                check_format(given, where)
                assert set(given.options) == set(format_named(given.format).options.__dataclass_fields__)


class TestScenarios:
    def test_each_is_named_like_its_module_and_none_is_forgotten(self) -> None:
        assert with_constant(scenarios, "KIND") == SCENARIOS

    def test_each_has_a_configuration_and_each_configuration_a_scenario(self) -> None:
        assert {scenario_of(name).name for name in choices("scenario")} == set(SCENARIOS)

    @pytest.mark.parametrize("name", SCENARIOS)
    def test_each_has_keys_and_a_decisive_column(self, name: str) -> None:
        kind, scenario = SCENARIOS[name], scenario_of(name)
        assert issubclass(kind.setup, Setup)
        assert is_dataclass(kind.setup)
        assert isinstance(setup_of(scenario), kind.setup)
        assert kind.decisive(scenario.options) in NUMBERS

    @pytest.mark.parametrize("name", SCENARIOS)
    def test_its_columns_are_columns_of_the_tables(self, name: str) -> None:
        assert {column.name: (name,) for column in SCENARIOS[name].columns} == {
            column.name: column.scenarios for column in BY_NAME.values() if name in column.scenarios
        }

    @pytest.mark.parametrize("name", SCENARIOS)
    def test_its_scores_have_columns(self, name: str) -> None:
        setup = setup_of(scenario_of(name))
        scores = SCENARIOS[name].scores(setup, [1_000_000, 2_000_000], {})
        assert {score.metric for score in scores} <= {column.name for column in SCENARIOS[name].columns}

    @pytest.mark.parametrize("name", SCENARIOS)
    def test_each_is_documented(self, name: str) -> None:
        pages = [*REPOSITORY.glob("README.md"), *(REPOSITORY / "docs").rglob("*.md")]
        written = any(f"scenario={name}" in page.read_text(encoding="utf-8") for page in pages)
        assert written, f"say in a page of docs/, for example docs/how-to/throughput.md, what scenario={name} is for"


class TestScorers:
    def test_none_is_forgotten(self) -> None:
        registered = [id(scorer) for scorer in SCORERS]
        forgotten = [name for name, scorer in with_constant(scorers, "SCORER").items() if id(scorer) not in registered]
        assert forgotten == [], "enter it in SCORERS of ocrbench/metrics/scoring.py"
        assert len(registered) == len(set(registered))

    def test_each_metric_belongs_to_one_scorer(self) -> None:
        assert sum(len(scorer.metrics) for scorer in SCORERS) == len(METRICS)

    @pytest.mark.parametrize("scorer", SCORERS)
    def test_each_counts_its_metrics_and_no_others_whatever_there_is(self, scorer: Any) -> None:
        word = (Region(polygon=rectangle(0, 0, 20, 10), text="word", confidence=0.5),)
        for predicted, expected in product([(), word], repeat=2):
            assert set(scorer.tally(predicted, expected, Scoring())) == {metric.name for metric in scorer.metrics}

    @pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
    def test_each_metric_is_described_and_a_column(self, metric: Any) -> None:
        assert metric.stage in ("detection", "recognition", "end_to_end")
        assert metric.recall in (None, *METRICS)
        assert BY_NAME[metric.name].meaning == metric.meaning


class TestPrecisions:
    def test_none_is_forgotten(self) -> None:
        script = (Path(html.__path__[0]) / "static" / "pareto.js").read_text(encoding="utf-8")
        (coloured,) = re.findall(r"const PRECISIONS = \[(.*)\];", script)
        assert [*PRECISIONS] == [*get_args(Precision)] == re.findall(r'"(\w+)"', coloured)

    @pytest.mark.parametrize(("name", "meaning"), PRECISIONS.items(), ids=PRECISIONS)
    def test_each_is_honoured_by_what_it_asks_for_and_documented(self, name: str, meaning: Any) -> None:
        assert honoured(name, {meaning.executed or "f32": 1.0})
        page = (REPOSITORY / "docs" / "explanation" / "precision.md").read_text(encoding="utf-8")
        assert f"| `{name}` |" in page


class TestRewrites:
    @pytest.mark.parametrize("name", REWRITES)
    def test_each_is_named_like_its_module(self, name: str) -> None:
        assert getattr(import_module(f"{graphs.__name__}.{name}"), name) is REWRITES[name]


class TestSections:
    @pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.id)
    def test_each_has_a_title_and_its_files(self, section: Any) -> None:
        folder = Path(html.__path__[0])
        assert section.title
        assert (folder / "templates" / f"{section.id}.html").is_file()
        assert (folder / "static" / f"{section.id}.js").is_file() == section.script

    def test_no_file_is_left_over(self) -> None:
        folder, named = Path(html.__path__[0]), {section.id for section in SECTIONS}
        assert {path.stem for path in folder.glob("templates/*.html")} - named == {"page", "texts"}
        assert {path.stem for path in folder.glob("static/*.js")} - named == {"page", "live"}


class TestCommands:
    def test_none_is_forgotten(self) -> None:
        assert set(with_constant(cli, "app")) == {command.module for command in COMMANDS.values()}

    @pytest.mark.parametrize("study", modules(studies))
    def test_each_study_has_a_command_of_the_same_name(self, study: str) -> None:
        assert study in COMMANDS

    @pytest.mark.parametrize("words", cli.RETIRED)
    @pytest.mark.parametrize("value", ["", " 4", "=4"])
    def test_a_retired_one_gets_one_line_and_status_2(
        self, words: str, value: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        command, *option = words.split()
        assert bool(option) == (command in COMMANDS)
        with pytest.raises(SystemExit) as caught:
            cli.main(f"{words}{value if option else ''} precision=FP32".split())
        assert caught.value.code == 2
        assert capsys.readouterr() == ("", f"ocrbench: ocrbench {words}: {cli.RETIRED[words]}\n")


class TestRetiredKeys:
    @pytest.mark.parametrize("key", RETIRED)
    def test_each_is_refused_with_what_to_use_instead(self, key: str) -> None:
        with pytest.raises(ConfigError) as caught:
            load([f"{key}=1"])
        assert str(caught.value) == f"{key}: {RETIRED[key].instead}"
        assert "\n" not in RETIRED[key].instead

    @pytest.mark.parametrize(("key", "retired"), RETIRED.items(), ids=RETIRED)
    def test_a_new_name_is_one_that_exists(self, key: str, retired: Any) -> None:
        assert retired.renamed != key
        if retired.renamed:
            load([f"{retired.renamed}=0.1" if retired.renamed.endswith("slack") else f"{retired.renamed}=1"])


class TestFonts:
    @pytest.mark.parametrize(("package", "file"), FONTS.values(), ids=FONTS)
    def test_each_is_installed_and_its_licence_documented(self, package: str, file: str) -> None:
        spec = find_spec(package)
        assert spec is not None
        assert spec.origin is not None
        assert list(Path(spec.origin).parent.rglob(file))
        assert package.replace("_", "-") in LICENCES


def test_unit_tests_are_named_like_what_they_test() -> None:
    """Each like a module, or like the package it is about."""
    tests, package = REPOSITORY / "tests" / "unit", REPOSITORY / "ocrbench"
    for path in tests.rglob("test_*.py"):
        room, name = package / path.parent.relative_to(tests), path.stem.removeprefix("test_")
        assert (room / f"{name}.py").is_file() or (room / name).is_dir() or room.name == name, path


def test_every_group_of_the_configuration_is_an_option_of_the_command_line() -> None:
    groups = [path.name for path in Path(packaged("conf")).iterdir() if path.is_dir()]
    assert {group: bool(choices(group)) for group in groups} == dict.fromkeys(groups, True)
