"""A cell's checks before anything runs, the verdict on what ran, and what names a run."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ocrbench.cell import Finished, check, honoured, run_cell
from ocrbench.config import Cell, load
from ocrbench.errors import ConfigError, DatasetError
from ocrbench.store import Store


class Silent:
    """A listener that does not care."""

    def say(self, text: str) -> None:
        pass

    def advance(self, phase: str, done: float, total: float) -> None:
        pass


@pytest.fixture(scope="module")
def loaded() -> Cell:
    return load()


@pytest.fixture
def cell(loaded: Cell, tmp_path: Path) -> Cell:
    """A cell that fails before anything is converted, since its dataset is empty."""
    (tmp_path / "empty").mkdir()
    dataset = replace(loaded.dataset, root=str(tmp_path / "empty"))
    return replace(loaded, dataset=dataset, reports_dir=str(tmp_path / "reports"))


def run(cell: Cell) -> Finished:
    return run_cell(cell, Silent())


@pytest.mark.parametrize(
    ("precision", "executed", "fine"),
    [
        ("FP32", {"f32": 1.0}, True),
        ("FP32", {"f32": 0.9, "other": 0.1}, True),
        ("FP32", {"bf16": 0.9, "f32": 0.1}, False),
        ("FP32", {"f32": 0.99, "f16": 0.01}, False),
        ("FP32", {"f32": 0.9, "i8": 0.1}, False),
        ("FP16", {"f16": 1.0}, True),
        ("FP16", {"f16": 0.6, "f32": 0.4}, True),
        ("FP16", {"f32": 1.0}, False),
        ("FP16", {"bf16": 0.8, "f32": 0.2}, False),
        ("FP16", {"f16": 0.8, "bf16": 0.2}, False),
        ("BF16", {"bf16": 0.8, "f32": 0.1, "other": 0.1}, True),
        ("BF16", {"f16": 1.0}, False),
        ("BF16", {"f32": 1.0}, False),
        ("INT8", {"i8": 0.3, "bf16": 0.4, "f32": 0.3}, True),
        ("INT8", {"bf16": 0.8, "f32": 0.2}, False),
        ("AUTO", {"bf16": 1.0}, True),
        ("AUTO", {"f32": 1.0}, True),
        # Nothing was looked up, so nothing can be said against it.
        ("FP32", {}, True),
    ],
)
def test_honoured(precision: str, executed: dict[str, float], fine: bool) -> None:
    assert honoured(precision, executed) is fine


class TestCheck:
    def test_the_default_cell_is_fine(self, loaded: Cell) -> None:
        check(loaded)

    @pytest.mark.parametrize(
        ("changes", "parts"),
        [
            ({"family": "pporc"}, ["detector.family=pporc", "did you mean ppocr?"]),
            ({"options": {}}, ["detector.limit_side", "field required"]),
            ({"options": {"limit_sde": 1}}, ["detector.limit_sde: no such key", "did you mean limit_side?"]),
        ],
    )
    def test_a_models_options_are_checked_by_its_family(
        self, loaded: Cell, changes: dict[str, Any], parts: list[str]
    ) -> None:
        with pytest.raises(ConfigError) as caught:
            check(replace(loaded, detector=replace(loaded.detector, **changes)))
        assert [part for part in parts if part not in str(caught.value)] == []

    def test_unknown_formats_and_scenarios(self, loaded: Cell) -> None:
        with pytest.raises(ConfigError, match=r"dataset.format=icdar2105.*did you mean icdar2015\?"):
            check(replace(loaded, dataset=replace(loaded.dataset, format="icdar2105")))
        with pytest.raises(ConfigError, match=r"scenario.name=latent.*latency"):
            check(replace(loaded, scenario=replace(loaded.scenario, name="latent")))

    def test_a_missing_dataset_folder(self, loaded: Cell) -> None:
        with pytest.raises(DatasetError, match=r"dataset.root=/nowhere: no such folder"):
            check(replace(loaded, dataset=replace(loaded.dataset, root="/nowhere")))


def test_a_failure_becomes_a_record_with_the_reason(cell: Cell) -> None:
    finished = run(cell)
    assert not finished.reused
    assert finished.record.status == "failed"
    assert cell.dataset.root in finished.record.error
    assert finished.folder.is_dir()
    (saved,) = Store(Path(cell.reports_dir)).records()
    assert (saved.run_id, saved.status, saved.error) == (finished.record.run_id, "failed", finished.record.error)
    assert saved.config["detector"]["name"] == cell.detector.name


class TestRunId:
    def test_it_is_readable_and_repeatable(self, cell: Cell) -> None:
        run_id = run(cell).record.run_id
        assert run_id.startswith("ppocrv6_small-FP16-CPU-sample-")
        assert run(cell).record.run_id == run_id

    def test_it_follows_what_is_measured(self, cell: Cell) -> None:
        variants = [
            cell,
            replace(cell, precision="FP32"),
            replace(cell, device="AUTO"),
            replace(cell, model_cache=True),
            replace(cell, detector=replace(cell.detector, device="AUTO")),
            replace(cell, detector=replace(cell.detector, options={**cell.detector.options, "limit_side": 640})),
            replace(cell, recognizer=replace(cell.recognizer, precision="INT8")),
            replace(cell, recognizer=replace(cell.recognizer, properties={"NUM_STREAMS": 2})),
            replace(cell, dataset=replace(cell.dataset, limit=3)),
            replace(cell, dataset=replace(cell.dataset, seed=1)),
            replace(cell, scenario=replace(cell.scenario, min_seconds=1)),
            replace(cell, scoring=replace(cell.scoring, case_sensitive=True)),
        ]
        assert len({run(variant).record.run_id for variant in variants}) == len(variants)

    def test_it_does_not_follow_where_things_are_kept(self, cell: Cell, tmp_path: Path) -> None:
        elsewhere = replace(
            cell, reports_dir=str(tmp_path / "other"), cache_dir="/other", force=True, timeout_seconds=1
        )
        assert run(elsewhere).record.run_id == run(cell).record.run_id

    @pytest.mark.parametrize("name", ["../../etc/passwd", "a/b\\c:d*e?", "\x00", "-rf", "x" * 500, "文字", ""])
    def test_hostile_names_make_safe_folders(self, cell: Cell, name: str) -> None:
        finished = run(replace(cell, dataset=replace(cell.dataset, name=name)))
        run_id = finished.record.run_id
        assert finished.folder == Path(cell.reports_dir) / "runs" / run_id
        assert set(run_id) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
        assert len(run_id) < 150
        assert finished.record.config["dataset"]["name"] == name
