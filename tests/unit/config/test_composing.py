"""Composition, checking, and the one clear line that each mistake gets."""

import itertools
from pathlib import Path
from typing import Any

import pytest
import yaml
from omegaconf import DictConfig, OmegaConf

from ocrbench.config.checking import closest
from ocrbench.config.composing import compose_config, load, load_matrix, parse
from ocrbench.config.schema import Cell, Cutting, Words
from ocrbench.errors import ConfigError
from ocrbench.files import choices, default_cache_dir, packaged


@pytest.fixture(scope="module")
def composed() -> DictConfig:
    return compose_config([])


@pytest.fixture(scope="module")
def cell(composed: DictConfig) -> Cell:
    return parse(composed)


def test_the_default_cell(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (cell.device, cell.precision) == ("CPU", "FP16")
    assert cell.detector.name == cell.recognizer.name == "ppocrv6_small"
    assert cell.dataset.name == "sample"
    assert Path(cell.dataset.root, "gt_img_1.txt").is_file()
    assert cell.detector.options["limit_side"] == 736
    assert "limit_side" not in cell.recognizer.options
    monkeypatch.delenv("OCRBENCH_CACHE", raising=False)
    assert load().cache_dir == default_cache_dir()
    monkeypatch.setenv("OCRBENCH_CACHE", "/elsewhere")
    assert load().cache_dir == "/elsewhere"


def test_a_model_pair_chooses_both_stages_and_each_can_still_be_chosen() -> None:
    pair = load(["model=ppocrv4_mobile"])
    assert (pair.detector.name, pair.recognizer.name) == ("ppocrv4_mobile", "ppocrv4_mobile")
    mixed = load(["detector=ppocrv4_mobile"])
    assert (mixed.detector.name, mixed.recognizer.name) == ("ppocrv4_mobile", "ppocrv6_small")


def test_stages_follow_device_and_precision_unless_given_their_own() -> None:
    cell = load(["device=AUTO", "precision=FP32", "detector.device=CPU", "recognizer.precision=INT8"])
    assert (cell.detector.device, cell.recognizer.device) == ("CPU", "AUTO")
    assert (cell.detector.precision, cell.recognizer.precision) == ("FP32", "INT8")


def test_properties_reach_both_stages_and_device_lists_survive_quoting() -> None:
    cell = load(["device='AUTO:GPU,CPU'", "+properties.INFERENCE_NUM_THREADS=4"])
    assert cell.device == cell.recognizer.device == "AUTO:GPU,CPU"
    assert cell.detector.properties == cell.recognizer.properties == {"INFERENCE_NUM_THREADS": 4}


def test_a_cell_is_frozen(cell: Cell) -> None:
    with pytest.raises(AttributeError):
        cell.device = "GPU"  # type: ignore[misc]


# What Hydra finds while it composes.
MISTAKEN_WORDS = [
    ("dataset=nope", ["dataset=nope", "icdar2015", "sample"]),
    ("detector=ppocrv6", ["detector=ppocrv6", "did you mean ppocrv6_small?"]),
    ("experiment=precision", ["experiment=precision", "did you mean precisions?"]),
    ("detector.limit_sde=3", ["detector.limit_sde", "did you mean limit_side?", "box_threshold"]),
    ("presicion=FP32", ["presicion", "did you mean precision?", "device"]),
    ("detector=null", ["Config group", "NoneType"]),
    ("device=AUTO:GPU,CPU", ["device=AUTO:GPU,CPU", "quote"]),
    ("device=[CPU", ["device=[CPU", "key=value"]),
    ("precision=FP32,FP16", ["precision=FP32,FP16", "--multirun"]),
]
# What is found in the composed values.
MISTAKEN_VALUES = [
    ("precision=FP61", ["precision=FP61", "'FP32', 'FP16', 'BF16', 'INT8' or 'AUTO'"]),
    ("detector.precision=FP8", ["detector.precision=FP8", "'FP32'"]),
    ("detector.quantization.prest=mixed", ["detector.quantization.prest", "did you mean preset?"]),
    ("detector.quantization.ignored_patterns=['(']", ["ignored_patterns.0=(: not a regular expression", "position 0"]),
    ("detector.source.sha=1", ["detector.source.sha", "Valid:", "sha256"]),
    ("detector.source.kind=ftp", ["detector.source.kind=ftp", "'wheel'", "'url'"]),
    ("dataset.limit=0", ["dataset.limit=0", "greater than or equal to 1"]),
    ("dataset.limit=some", ["dataset.limit=some", "valid integer"]),
    ("scenario.min_seconds=-1", ["scenario.min_seconds=-1", "greater than or equal to 0"]),
    ("scoring.iou_threshold=1", ["scoring.iou_threshold=1", "less than 1"]),
    ("attest=maybe", ["attest=maybe", "'warn', 'strict' or 'off'"]),
    ("force=perhaps", ["force=perhaps", "boolean"]),
    ("device=null", ["device", "valid string"]),
    ("dataset.root=???", ["root"]),
    ("device=${nope}", ["nope"]),
    ("detector={}", ["detector.name", "field required"]),
    (
        "detector.more_sources={decoder: {kind: file, pth: x}}",
        ["detector.more_sources.decoder.pth: no such key", "did you mean path?"],
    ),
]


def check_message(message: str, parts: list[str]) -> None:
    assert "\n" not in message
    assert [part for part in parts if part not in message] == [], message


@pytest.mark.parametrize(("word", "parts"), MISTAKEN_WORDS, ids=[word for word, _ in MISTAKEN_WORDS])
def test_a_mistaken_word_is_answered_in_one_line_with_the_choices(word: str, parts: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        load([word])
    check_message(str(caught.value), parts)


@pytest.mark.parametrize(("change", "parts"), MISTAKEN_VALUES, ids=[word for word, _ in MISTAKEN_VALUES])
def test_a_mistaken_value_is_answered_in_one_line_with_its_path(
    change: str, parts: list[str], composed: DictConfig
) -> None:
    key, _, value = change.partition("=")
    changed = composed.copy()
    OmegaConf.update(changed, key, yaml.safe_load(value), merge=False, force_add=True)
    with pytest.raises(ConfigError) as caught:
        parse(changed)
    check_message(str(caught.value), parts)


def test_keys_of_the_schema_need_no_plus() -> None:
    cell = load(["properties.NUM_STREAMS=4", "detector.quantization.bias_correction=off"])
    assert cell.recognizer.properties == {"NUM_STREAMS": 4}
    assert cell.detector.quantization.bias_correction == "off"
    sweep = ["detector.quantization.bias_correction=off,full"]
    assert [each.detector.quantization.bias_correction for each in load_matrix(sweep, sweep=True)] == ["off", "full"]


def test_a_value_that_both_stages_inherit_is_reported_once() -> None:
    with pytest.raises(ConfigError) as caught:
        load(["precision=FP61"])
    assert str(caught.value).count("FP61") == 1


def test_several_mistakes_are_reported_together() -> None:
    with pytest.raises(ConfigError, match=r"limit=0.*attest=x|attest=x.*limit=0"):
        load(["dataset.limit=0", "attest=x"])


class TestMatrix:
    @staticmethod
    def axes(*overrides: str, sweep: bool = True) -> list[tuple[Any, ...]]:
        return [(cell.precision, cell.device) for cell in load_matrix(overrides, sweep=sweep)]

    def test_without_a_sweep_there_is_one_cell(self) -> None:
        assert self.axes("precision=INT8", sweep=False) == [("INT8", "CPU")]
        assert self.axes("precision=INT8") == [("INT8", "CPU")]

    def test_every_combination_once_the_last_axis_fastest(self) -> None:
        expected = list(itertools.product(["FP32", "BF16"], ["CPU", "AUTO:GPU,CPU"]))
        assert self.axes("precision=FP32,BF16", "device=CPU,'AUTO:GPU,CPU'") == expected

    def test_ranges_and_globs(self) -> None:
        cells = load_matrix(["dataset.limit=range(1,3)"], sweep=True)
        assert [cell.dataset.limit for cell in cells] == [1, 2]
        cells = load_matrix(["detector=glob(ppocr*)"], sweep=True)
        assert [cell.detector.name for cell in cells] == ["ppocrv4_mobile", "ppocrv6_small"]

    def test_an_experiment_is_a_matrix_by_itself(self) -> None:
        precisions = ["FP32", "FP16", "BF16", "INT8", "AUTO"]
        assert self.axes("experiment=precisions", sweep=False) == [(each, "CPU") for each in precisions]

    @pytest.mark.parametrize("word", ["experiment=precisions", "hydra.mode=MULTIRUN"])
    def test_where_one_cell_is_expected_a_matrix_is_refused(self, word: str) -> None:
        with pytest.raises(ConfigError, match=f"^{word}: expected one cell, but this is a matrix of cells"):
            load([word])

    def test_what_the_user_names_replaces_the_experiments_axis(self) -> None:
        assert self.axes("experiment=precisions", "precision=BF16", sweep=False) == [("BF16", "CPU")]

    @pytest.mark.parametrize(
        ("override", "part"),
        [
            ("dataset=sample,nope", "dataset=nope"),
            ("device=[CPU", "device=[CPU"),
            ("dataset=glob(nope*)", "glob(nope*)"),
            ("scenario.min_seconds=interval(0,1)", "INTERVAL"),
        ],
    )
    def test_a_mistake_in_any_cell_is_found_before_the_first_runs(self, override: str, part: str) -> None:
        with pytest.raises(ConfigError) as caught:
            load_matrix([override], sweep=True)
        assert part in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_leading_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    words = ["reports_dir='~/bench'", "cache_dir='~/cache'"]
    cell = load(words)
    assert (cell.reports_dir, cell.cache_dir) == (str(tmp_path / "bench"), str(tmp_path / "cache"))
    # Hydra makes that folder itself.
    assert compose_config(words, hydra=True).hydra.sweep.dir == str(tmp_path / "bench")
    with pytest.raises(ConfigError, match="~no-such-user/bench: no such home folder"):
        load(["reports_dir='~no-such-user/bench'"])


def test_a_folder_of_ones_own_adds_choices(tmp_path: Path) -> None:
    (tmp_path / "dataset").mkdir()
    (tmp_path / "dataset" / "mine.yaml").write_text("name: mine\nformat: folder\nroot: /pictures\n")
    cell = load(["dataset=mine"], config_dir=str(tmp_path))
    assert (cell.dataset.name, cell.dataset.root, cell.dataset.limit) == ("mine", "/pictures", None)


def test_a_mistake_about_ones_own_choice_is_answered_with_its_keys(tmp_path: Path) -> None:
    (tmp_path / "detector").mkdir()
    there = Path(packaged("conf/detector/ppocrv6_small.yaml")).read_text(encoding="utf-8")
    (tmp_path / "detector" / "mine.yaml").write_text(there.replace("name: ppocrv6_small", "name: mine"))
    assert "mine" in choices("detector", str(tmp_path))
    assert "mine" not in choices("detector")
    for word, part in {
        "detector.limit_sidee=1": "did you mean limit_side",
        "recognizer=mine": "recognizer=mine",
    }.items():
        with pytest.raises(ConfigError, match=part):
            load(["detector=mine", word], str(tmp_path))


def test_the_granularity_is_that_of_the_dataset_unless_given(tmp_path: Path) -> None:
    assert load(["dataset=icdar2015"]).granularity == "word"
    assert load(["dataset=sroie"]).granularity == "line"
    assert load(["dataset=sroie", "granularity=word"]).granularity == "word"
    # The last one counts: that is how a command gives it a default of its own.
    assert load(["granularity=line", "granularity=word"]).granularity == "word"
    (tmp_path / "dataset").mkdir()
    (tmp_path / "dataset" / "mine.yaml").write_text("name: mine\nformat: folder\nroot: /pictures\n")
    assert load(["dataset=mine"], config_dir=str(tmp_path)).granularity == "word"
    with pytest.raises(ConfigError, match=r"granularity=page.*word"):
        load(["granularity=page"])


def test_words_are_cut_as_close_as_the_detector_needs() -> None:
    cell = load()
    assert 0 < cell.detector.line_slack < cell.detector.slack
    assert cell.cutting("word") == Cutting(trim=cell.detector.slack, words=Words(gap=3.0))
    assert cell.cutting("line") == Cutting(trim=cell.detector.line_slack)
    changed = load(["detector.slack=0.1", "detector.line_slack=0.2", "words.gap=null"])
    assert changed.cutting("word") == Cutting(trim=0.1, words=Words(gap=None))
    assert changed.cutting("line") == Cutting(trim=0.2)


def test_only_lines_are_cut() -> None:
    words = load(["detector=text_detection_0004"])
    assert words.cutting("word") == words.cutting("line") == Cutting()


def test_packaged_folders_are_absolute_and_there() -> None:
    assert Path(packaged("conf"), "config.yaml").is_file()
    assert Path(packaged("datasets/sample")).is_absolute()


def test_closest_lists_all_and_guesses_only_what_is_near() -> None:
    assert closest("sampel", ["sample", "funsd"]) == "did you mean sample? Valid: funsd, sample"
    assert closest("zzz", ["sample", "funsd"]) == "Valid: funsd, sample"


@pytest.mark.parametrize("word", ["detector=../recognizer/ppocrv6_small", "dataset=../../etc/passwd", "gate=a/b"])
def test_a_choice_is_a_name_and_not_a_path(word: str) -> None:
    with pytest.raises(ConfigError, match=f"^{word}: no such {word.partition('=')[0]}; .*Valid: ") as caught:
        load([word])
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("gate", "message"),
    [
        ("limits: [{metric: e2e_hmean, max_wors: 1}]", "gate.limits.0.max_wors: no such key; did you mean max_worse?"),
        ("limits: [{metric: e2e_hmean}]", "the limit of e2e_hmean needs max_worse, at_most or at_least"),
        ("limits: [", "a configuration file is not YAML"),
    ],
)
def test_a_mistake_in_a_gate_of_ones_own_is_one_line(gate: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "gate").mkdir()
    (tmp_path / "gate" / "own.yaml").write_text(f"name: own\n{gate}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(["gate=own"], str(tmp_path))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("group", ["dataset", "scenario", "detector"])
def test_options_have_no_section_of_their_own(group: str) -> None:
    with pytest.raises(ConfigError, match=rf"^{group}\.options: no such key; .*: {group}\.delimiter=…$"):
        load([f"+{group}.options.delimiter=1"])


def test_an_unreadable_value_is_shown_as_it_was_given() -> None:
    with pytest.raises(ConfigError, match=r"^cannot read 'dataset\.separator=;': .*semicolons"):
        load(["dataset.separator=;"])


@pytest.mark.parametrize(
    ("words", "devices", "precisions"),
    [
        (["device=cpu", "precision=fp16"], "CPU", "FP16"),
        (["device='auto:cpu'", "precision=bf16"], "AUTO:CPU", "BF16"),
        (["recognizer.device=auto", "detector.precision=int8"], "CPU+AUTO", "INT8+FP16"),
    ],
)
def test_devices_and_precisions_are_known_in_any_case(words: list[str], devices: str, precisions: str) -> None:
    cell = load(words)
    assert (cell.devices, cell.precisions) == (devices, precisions)
