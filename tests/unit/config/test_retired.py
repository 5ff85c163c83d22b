"""Retired keys: users learn what to use instead, and stored runs that have them keep their meaning."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from ocrbench.config.composing import load, load_matrix
from ocrbench.config.retired import RETIRED, RETIRED_VALUES, modernised
from ocrbench.errors import ConfigError
from ocrbench.models import check_options
from ocrbench.report.history import history
from ocrbench.report.html.command import command
from ocrbench.runs.match import differing_settings, match_runs
from ocrbench.runs.run import Run
from ocrbench.runs.store import Store, find_runs

WriteRun = Callable[..., Run]
ALL_FORMER = json.loads((Path(__file__).parents[2] / "data" / "former-configuration.json").read_text(encoding="utf-8"))
# As the last version that had all these keys stored it.
FORMER = {
    "enlarge_last": True,
    "split_concatenations": True,
    "simplify_gates": True,
    "preprocess": True,
    "argmax": True,
    "detector_shapes": 2,
    "shapes": 0,
}

# Keys of one section are treated alike.
ONE_OF_EACH_SECTION = list({key.rpartition(".")[0]: key for key in RETIRED}.values())


def former(changes: dict[str, Any], source: str = "old") -> Callable[[Run], Run]:
    """Make a run one of the last version that had all these keys."""

    def change(record: Run) -> Run:
        config = {**record.config, "folding": {**FORMER, **changes}}
        return replace(record, config=config, environment={**record.environment, "source": source})

    return change


def of_today(record: Run) -> Run:
    return replace(record, environment={**record.environment, "source": "new"})


@pytest.mark.parametrize("key", ONE_OF_EACH_SECTION)
@pytest.mark.parametrize("prefix", ["+", "++"])
def test_where_it_is_added_it_gets_one_line_that_names_what_to_use(key: str, prefix: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load([f"{prefix}{key}=1"])
    assert str(caught.value) == f"{key}: {RETIRED[key].instead}"


@pytest.mark.parametrize("key", ONE_OF_EACH_SECTION)
def test_so_it_does_in_a_matrix(key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_matrix([f"{key}=1", "precision=FP32,BF16"], sweep=True)
    assert str(caught.value) == f"{key}: {RETIRED[key].instead}"


@pytest.mark.parametrize("key", ONE_OF_EACH_SECTION)
def test_so_it_does_in_a_file_of_your_own(key: str, tmp_path: Path) -> None:
    (tmp_path / "experiment").mkdir()
    nested = OmegaConf.to_yaml(OmegaConf.from_dotlist([f"{key}=1"]))
    (tmp_path / "experiment" / "mine.yaml").write_text(f"# @package _global_\n{nested}", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(["experiment=mine"], str(tmp_path))
    assert str(caught.value) == f"{key}: {RETIRED[key].instead}"


@pytest.mark.parametrize("word", RETIRED_VALUES)
def test_a_value_gets_one_too(word: str) -> None:
    cell = load([word])
    with pytest.raises(ConfigError) as caught:
        check_options(cell)
    assert str(caught.value) == f"{word}: {RETIRED_VALUES[word]}"


def test_the_exit_status_is_2(here: Callable[..., Any]) -> None:
    done = here("folding.shapes=48")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == ["ocrbench: folding.shapes: renamed; use folding.recognizer_networks"]


@pytest.mark.parametrize("config", [{}, {"folding": {}}, {"folding": {"recognizer_networks": 3}}, {"folding": None}])
def test_todays_configurations_stay_as_they_are(config: dict[str, Any]) -> None:
    assert modernised(config) == config


def test_what_did_not_decide_what_was_measured_is_dropped_whatever_it_was() -> None:
    assert [modernised({"max_drop": value, "device": "CPU"}) for value in (None, 0.01)] == [{"device": "CPU"}] * 2


FIXED = [key for key, each in RETIRED.items() if each.defaults and key.startswith(("detector.", "quantization."))]


@pytest.mark.parametrize("key", FIXED)
def test_a_former_default_is_dropped_wherever_it_is_and_another_value_stays(key: str) -> None:
    former = RETIRED[key].defaults
    assert former
    for value, stays in ((former[0], False), (0.123, True)):
        stored: Any = OmegaConf.to_container(OmegaConf.from_dotlist([f"{key}={value}"]))
        assert (modernised(stored) == stored) == stays


@pytest.mark.parametrize("scenario", ALL_FORMER["scenarios"])
def test_the_former_defaults_have_no_key_that_is_unknown_today(scenario: str) -> None:
    """The file has the defaults of the last version that had all these keys."""
    stored = {**ALL_FORMER["configuration"], "scenario": ALL_FORMER["scenarios"][scenario]}
    assert leaves(stored) & RETIRED.keys()
    assert leaves(modernised(stored)) - leaves(asdict(load([f"scenario={scenario}"]))) == set()


def leaves(config: Mapping[str, Any], path: tuple[str, ...] = ()) -> set[str]:
    found = set()
    for key, value in config.items():
        inside = path if key == "options" else (*path, key)
        if key == "options" and not value:
            continue
        found |= leaves(value, inside) if isinstance(value, Mapping) and value else {".".join(inside)}
    return found


def test_a_default_of_another_scenario_stays() -> None:
    stored = {"scenario": {"name": "latency", "performance_hint": "THROUGHPUT"}}
    assert modernised(stored) == stored


def test_a_renamed_key_moves_to_its_section() -> None:
    stored = {"lines": {"trim": 0.1}, "detector": {"slack": 0.2, "line_slack": 0.0}}
    assert modernised(stored) == {"detector": {"slack": 0.2, "line_slack": 0.1}}


class TestARunOfAnEarlierVersion:
    @pytest.mark.parametrize(
        ("changes", "overrides"),
        [
            ({}, ()),
            ({"shapes": 48, "detector_shapes": 0}, ("folding.recognizer_networks=48", "folding.detector_networks=0")),
        ],
        ids=["defaults", "networks for shapes"],
    )
    def test_is_of_the_same_cell_as_todays(
        self, changes: dict[str, Any], overrides: tuple[str, ...], write_run: WriteRun, tmp_path: Path
    ) -> None:
        write_run(tmp_path / "old", *overrides, change=former(changes))
        # A second cell, so that the two are not compared as the only ones.
        write_run(tmp_path / "old", "precision=INT8", change=former({}))
        for words in (overrides, ("folding.recognizer_networks=7",)):
            write_run(tmp_path / "new", *words, change=of_today)
        first, second = match_runs(*(find_runs([str(tmp_path / name)]) for name in ("old", "new")))
        assert len(first.after) == 1
        assert not second.after
        assert differing_settings([first.before[0], first.after[0]]) == ["", ""]
        assert first.known_to_one == ()

    @pytest.mark.parametrize(
        ("changes", "overrides"),
        [
            ({"shapes": 48}, ()),
            ({}, ("folding.rewrites=none",)),
            ({"enlarge_last": False}, ()),
            ({"enlarge_last": False}, ("folding.rewrites=none",)),
            ({"argmax": False}, ()),
        ],
        ids=str,
    )
    def test_is_not_of_the_same_cell_with_another_value(
        self, changes: dict[str, Any], overrides: tuple[str, ...], write_run: WriteRun, tmp_path: Path
    ) -> None:
        for precision in ("precision=FP32", "precision=INT8"):
            write_run(tmp_path / "old", precision, change=former(changes))
            write_run(tmp_path / "new", precision, *overrides, change=of_today)
        matched = match_runs(*(find_runs([str(tmp_path / name)]) for name in ("old", "new")))
        assert [each.after for each in matched] == [[], []]

    def test_has_a_command_of_today(self, write_run: WriteRun, tmp_path: Path) -> None:
        write_run(tmp_path, change=former({"shapes": 48}))
        (record,) = Store(tmp_path).runs()
        words = command(record).split()[3:]
        assert sorted(words) == sorted(
            ["device=CPU", "precision=FP16", "folding.recognizer_networks=48", "dataset.limit=6"]
        )

    def test_has_no_command_where_it_asked_for_what_is_gone(self, write_run: WriteRun, tmp_path: Path) -> None:
        write_run(tmp_path, *RETIRED_VALUES)
        (record,) = Store(tmp_path).runs()
        assert command(record) == ""

    def test_has_no_command_if_it_did_what_ocrbench_no_longer_does(self, write_run: WriteRun, tmp_path: Path) -> None:
        write_run(tmp_path, change=former({"argmax": False}))
        (record,) = Store(tmp_path).runs()
        assert command(record) == ""

    def test_is_followed_by_todays_in_a_history(self, write_run: WriteRun, tmp_path: Path) -> None:
        write_run(tmp_path, change=lambda record: replace(former({})(record), series="old"))
        write_run(tmp_path, change=lambda record: replace(of_today(record), series="new"))
        assert history(Store(tmp_path).runs(), "latency_p50_ms")["series"].tolist() == ["new", "new"]
