"""A cell's checks before anything runs, and what names a run."""

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from doubles import Silent
from ocrbench import environment
from ocrbench.config.composing import load
from ocrbench.config.schema import Cell
from ocrbench.environment.noise import Usage
from ocrbench.errors import ConfigError, DatasetError, WorkerError
from ocrbench.measure import cell as cell_module
from ocrbench.measure.cell import run_cell
from ocrbench.measure.locks import alone
from ocrbench.measure.measured import Measured, Timing
from ocrbench.measure.preparing import check
from ocrbench.records import Artifact, Sample, StageTimes, Tally
from ocrbench.report.history import history
from ocrbench.runs.run import Run
from ocrbench.runs.score import score_run
from ocrbench.runs.store import Store

ARTIFACT = Artifact(path=Path("model.xml"), precision="FP16", sha256="00", size_bytes=1, source="test")


@pytest.fixture
def cell(loaded: Cell, tmp_path: Path) -> Cell:
    """A cell that fails before anything is converted, since its dataset is empty."""
    (tmp_path / "empty").mkdir()
    dataset = replace(loaded.dataset, root=str(tmp_path / "empty"))
    return replace(loaded, dataset=dataset, reports_dir=str(tmp_path / "reports"))


def run(cell: Cell) -> Run:
    return run_cell(cell, Silent())


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

    def test_unknown_architectures(self, loaded: Cell) -> None:
        source = replace(loaded.detector.source, architecture="crat")
        for changes in ({"source": source}, {"more_sources": {"second": source}}):
            with pytest.raises(ConfigError, match=r"source.architecture=crat: .*did you mean craft\?"):
                check(replace(loaded, detector=replace(loaded.detector, **changes)))

    def test_a_datasets_options_are_checked_by_its_format(self) -> None:
        cell = load(["+dataset.limt=3", "+calibration.separator=x"])
        with pytest.raises(ConfigError, match=r"^dataset.limt: no such key; did you mean limit\? .*granularity"):
            check(cell)
        cell = replace(cell, dataset=load().dataset)
        for name in ("synthetic", "folder"):
            with pytest.raises(ConfigError, match=r"^calibration.separator: no such key"):
                check(replace(cell, calibration=replace(cell.calibration, format=name)))

    def test_unknown_formats_and_scenarios(self, loaded: Cell) -> None:
        with pytest.raises(ConfigError, match=r"dataset.format=icdar2105.*did you mean icdar2015\?"):
            check(replace(loaded, dataset=replace(loaded.dataset, format="icdar2105")))
        with pytest.raises(ConfigError, match=r"scenario.name=latent.*latency"):
            check(replace(loaded, scenario=replace(loaded.scenario, name="latent")))

    def test_a_missing_model_file(self) -> None:
        cell = load(["recognizer.source.kind=file", "recognizer.source.path=/nowhere/model.onnx"])
        with pytest.raises(ConfigError, match=r"^recognizer\.source\.path=/nowhere/model\.onnx: no such file$"):
            check(cell)

    def test_a_missing_dataset_folder(self, loaded: Cell) -> None:
        with pytest.raises(DatasetError, match=r"dataset.root=/nowhere: no such folder"):
            check(replace(loaded, dataset=replace(loaded.dataset, root="/nowhere")))


def test_a_failure_becomes_a_record_with_the_reason(cell: Cell) -> None:
    finished = run(cell)
    assert finished.status == "failed"
    assert cell.dataset.root in finished.error
    assert finished.folder.is_dir()
    (saved,) = Store(Path(cell.reports_dir)).runs()
    assert (saved.run_id, saved.status, saved.error) == (finished.run_id, "failed", finished.error)
    assert saved.config["detector"]["name"] == cell.detector.name


def test_a_file_of_characters_that_is_gone_fails_its_cell_only(cell: Cell) -> None:
    options = {**cell.recognizer.options, "alphabet": "/gone.txt"}
    record = run(replace(cell, recognizer=replace(cell.recognizer, options=options)))
    assert record.status == "failed"
    assert "/gone.txt: cannot be read" in record.error


class TestRunId:
    def test_it_is_readable_and_repeatable(self, cell: Cell) -> None:
        run_id = run(cell).run_id
        assert run_id.startswith("ppocrv6_small-FP16-CPU-sample-")
        assert run(cell).run_id == run_id

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
            replace(cell, granularity="line"),
            replace(cell, words=replace(cell.words, gap=None)),
            replace(
                cell, recognizer=replace(cell.recognizer, options={**cell.recognizer.options, "alphabet": "ascii"})
            ),
        ]
        assert len({run(variant).run_id for variant in variants}) == len(variants)

    def test_it_does_not_follow_where_things_are_kept(self, cell: Cell, tmp_path: Path) -> None:
        elsewhere = replace(
            cell, reports_dir=str(tmp_path / "other"), cache_dir="/other", force=True, timeout_seconds=1, profile=True
        )
        assert run(elsewhere).run_id == run(cell).run_id

    @pytest.mark.parametrize("name", ["../../etc/passwd", "a/b\\c:d*e?", "\x00", "-rf", "x" * 500, "文字", ""])
    def test_hostile_names_make_safe_folders(self, cell: Cell, name: str) -> None:
        finished = run(replace(cell, dataset=replace(cell.dataset, name=name)))
        run_id = finished.run_id
        assert finished.folder == Path(cell.reports_dir) / "runs" / run_id
        assert set(run_id) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
        assert len(run_id) < 150
        assert finished.config["dataset"]["name"] == name


class TestMeasured:
    """Cells that get through, with what their worker would say."""

    @pytest.fixture
    def cell(self, loaded: Cell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cell:
        host = {"name": "bench", "cpu": "fast", "cores": 4, "os": "system 1", "memory_bytes": 10**9}
        self.environment = {"versions": {"openvino": "2030.1"}, "host": host, "source": "one"}
        self.durations = [100, 100, 110, 102]
        self.usage = Usage(capacity_s=10, busy_s=8, own_s=8)
        self.read_ns = 1
        monkeypatch.setattr(cell_module, "prepare", lambda *_, **__: {"detector": {"network": ARTIFACT}})
        monkeypatch.setattr(environment, "describe", lambda: self.environment)
        monkeypatch.setattr(cell_module, "measure", lambda *_: self.measured())
        monkeypatch.setattr(cell_module, "WATCH_SECONDS", 0)
        monkeypatch.setattr(environment, "host", lambda: host)
        dataset = replace(loaded.dataset, limit=2)
        return replace(
            loaded, dataset=dataset, reports_dir=str(tmp_path / "reports"), cache_dir=str(tmp_path / "cache")
        )

    def measured(self) -> Measured:
        timings = [
            Timing(
                sample_id=sample_id,
                warmup=False,
                repeat=True,
                first_seen=False,
                new_shapes=0,
                regions=0,
                times=StageTimes(
                    read_ns=self.read_ns,
                    detect_ns=duration_ns - 2,
                    detect_infer_ns=1,
                    crop_ns=1,
                    recognize_ns=1,
                    recognize_infer_ns=1,
                    # What an image waits for its turn is no disturbance.
                    latency_ns=duration_ns + 100 * number,
                ),
            )
            for number, (sample_id, duration_ns) in enumerate(zip("abab", self.durations, strict=True))
        ]
        regions = {"a": ()}
        return Measured(timings=timings, regions=regions, images=4, wall_ns=9, usage=self.usage)

    def test_reading_has_no_times_where_images_are_decoded_beforehand(self, cell: Cell) -> None:
        found = []
        for read_ns in (1, 0):
            self.read_ns = read_ns
            scores = run(replace(cell, force=True)).score_list
            found.append({score.metric for score in scores if score.metric.endswith("_p50_ms")})
        timed, untimed = found
        assert timed - untimed == {"read_p50_ms"}
        assert {"latency_p50_ms", "detect_p50_ms"} < untimed

    def test_another_rule_of_scoring_measures_nothing(self, cell: Cell) -> None:
        first = run(cell)
        again = run(replace(cell, scoring=replace(cell.scoring, case_sensitive=True)))
        assert (again.run_id, again.started) == (first.run_id, first.started)
        assert again.config["scoring"]["case_sensitive"] is True
        assert len(Store(Path(cell.reports_dir)).runs()) == 1

    def test_the_same_data_in_another_folder_are_the_same_cell(self, cell: Cell, tmp_path: Path) -> None:
        shutil.copytree(cell.dataset.root, tmp_path / "copy")
        first = run(cell)
        again = run(replace(cell, dataset=replace(cell.dataset, root=str(tmp_path / "copy"))))
        assert (again.run_id, again.started) == (first.run_id, first.started)

    def test_a_file_of_characters_in_another_folder_is_the_same_cell(self, cell: Cell, tmp_path: Path) -> None:
        ids = []
        for name, characters in (("one", "abc"), ("two", "abc"), ("three", "abcd")):
            (tmp_path / name).mkdir()
            path = tmp_path / name / "characters.txt"
            path.write_text(characters, encoding="utf-8")
            options = {**cell.recognizer.options, "alphabet": str(path)}
            ids.append(run(replace(cell, recognizer=replace(cell.recognizer, options=options))).run_id)
        assert ids[0] == ids[1] != ids[2]

    def test_a_scorer_that_fails_loses_no_measurement(self, cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: object) -> Mapping[str, Tally]:
            message = "cannot count"
            raise OverflowError(message)

        def measure(_cell: Cell, _artifacts: object, samples: Sequence[Sample], *_: object) -> Measured:
            return replace(self.measured(), regions={sample.id: () for sample in samples})

        monkeypatch.setattr(cell_module, "measure", measure)
        with monkeypatch.context() as patch:
            patch.setattr(cell_module, "tallies", fail)
            failed = run(cell)
        assert failed.status == "failed"
        assert re.match(r"not scored: img_\d+.jpg: OverflowError: cannot count; the readings are kept", failed.error)
        assert len(failed.timings) == 4
        scored = score_run(failed, cell.scoring)
        assert (scored.status, scored.error) == ("ok", "")
        (stored,) = Store(Path(cell.reports_dir)).runs()
        assert stored.ok
        assert stored.scores.keys() >= scored.scores.keys()

    def test_an_image_that_changes_meanwhile_is_left_out(
        self, cell: Cell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shutil.copytree(cell.dataset.root, tmp_path / "copy")

        def measure(_cell: Cell, _artifacts: object, samples: Sequence[Sample], *_: object) -> Measured:
            samples[0].image_path.write_bytes(b"another")
            return replace(self.measured(), regions={sample.id: () for sample in samples}, skipped={})

        monkeypatch.setattr(cell_module, "measure", measure)
        changed = run(replace(cell, dataset=replace(cell.dataset, root=str(tmp_path / "copy"))))
        ((_, reason),) = changed.skipped.items()
        assert reason.endswith("changed while it was measured")
        assert (changed.status, changed.scores["images"]) == ("ok", 1)

    def test_measuring_again_keeps_the_earlier_run(self, cell: Cell) -> None:
        first, second, third = run(cell), run(replace(cell, force=True)), run(replace(cell, force=True))
        cell_id = first.run_id
        assert [each.run_id for each in (first, second, third)] == [cell_id, f"{cell_id}-2", f"{cell_id}-3"]
        assert {each.cell_id for each in (first, second, third)} == {cell_id}
        store = Store(Path(cell.reports_dir))
        assert [record.run_id for record in store.runs()] == [cell_id, f"{cell_id}-2", f"{cell_id}-3"]
        again = run(cell)
        assert again.run_id == third.run_id
        assert again.folder == third.folder == store.root / f"{cell_id}-3"

    def test_what_was_measured_before_needs_no_lock(self, cell: Cell) -> None:
        first = run(cell)
        with alone(cell, Silent()):
            assert run(replace(cell, wait=0)).run_id == first.run_id
            busy = run(replace(cell, wait=0, force=True))
        assert busy.status == "failed"
        assert "another session measures on this machine" in busy.error

    def test_a_failed_repeat_is_kept_beside_the_finished_run(self, cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
        first = run(cell)

        def fail(*_: object) -> Measured:
            message = "The worker died"
            raise WorkerError(message)

        monkeypatch.setattr(cell_module, "measure", fail)
        failed = run(replace(cell, force=True))
        assert (failed.status, failed.run_id) == ("failed", f"{first.run_id}-2")
        assert failed.series == first.series
        assert run(cell).run_id == first.run_id

    def test_versions_and_source_make_another_cell_of_the_same_series(self, cell: Cell) -> None:
        records = [run(cell)]
        for change in (
            {"versions": {"openvino": "2031.0"}},
            {"source": "two"},
            {"host": {**self.environment["host"], "os": "system 2"}},
        ):
            self.environment = {**self.environment, **change}
            records.append(run(cell))
        assert len({record.cell_id for record in records}) == 4
        assert len({record.series for record in records}) == 1
        assert records[0].series.startswith("ppocrv6_small-FP16-CPU-sample-")

    def test_another_driver_makes_another_cell_of_the_same_series(
        self, cell: Cell, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stages = {role: replace(stage, device="NPU") for role, stage in cell.stages.items()}
        found = []
        for version in ("1", "2"):
            known = {"NPU": {"NPU_DRIVER_VERSION": version}}
            monkeypatch.setattr("ocrbench.runtime.devices.identities", lambda _, known=known: known)
            found.append(run(replace(cell, **stages)))
        assert found[0].environment["devices"] == {"NPU": {"NPU_DRIVER_VERSION": "1"}}
        assert found[0].cell_id != found[1].cell_id
        assert found[0].series == found[1].series
        lines = history(found, "images")["devices"].tolist()
        assert lines == ["NPU 1", "NPU 2"]

    def test_another_configuration_or_host_is_another_series(self, cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
        variants = [
            cell,
            replace(cell, device="AUTO"),
            replace(cell, dataset=replace(cell.dataset, limit=3)),
            replace(cell, scenario=replace(cell.scenario, min_seconds=1)),
        ]
        series = {run(variant).series for variant in variants}
        other = {**self.environment["host"], "name": "other"}
        self.environment = {**self.environment, "host": other}
        monkeypatch.setattr(environment, "host", lambda: other)
        assert len(series | {run(cell).series}) == 5

    def test_what_stands_in_a_file_of_characters_decides_not_where_it_lies(self, cell: Cell, tmp_path: Path) -> None:
        records = []
        for content in ("abc", "abcd", "abc"):
            path = tmp_path / "allowed.txt"
            path.write_text(content, encoding="utf-8")
            options = {**cell.recognizer.options, "alphabet": str(path)}
            records.append(run(replace(cell, recognizer=replace(cell.recognizer, options=options))))
        one, other, again = records
        assert one.cell_id != other.cell_id
        assert one.series != other.series
        assert again.run_id == one.run_id

    def test_where_a_checkout_lies_does_not_matter_to_the_series(self, cell: Cell, tmp_path: Path) -> None:
        shutil.copytree(cell.dataset.root, tmp_path / "copy")
        moved = replace(cell, dataset=replace(cell.dataset, root=str(tmp_path / "copy")))
        assert run(moved).series == run(cell).series

    def test_conditions_are_recorded_but_do_not_decide_the_run(self, cell: Cell) -> None:
        record = run(cell)
        assert set(record.conditions) == {
            *(
                "load_before",
                "load_after",
                "governor",
                "turbo",
                "huge_pages",
                "container",
                "memory_available_bytes",
                "git",
                "busy",
            ),
            *("steal_share", "other_cpu_share", "involuntary_switches", "voluntary_switches", "drift"),
        }
        assert record.conditions["drift"] == pytest.approx(1.06)
        assert record.noisy == ()
        assert len(record.dataset_sha256) == 64
        self.usage = Usage(capacity_s=10, busy_s=8, own_s=4)
        assert run(cell).cell_id == record.cell_id

    def test_a_disturbed_run_is_marked(self, cell: Cell) -> None:
        self.usage = Usage(capacity_s=10, busy_s=8, own_s=4)
        self.durations = [100, 100, 150, 150]
        record = run(cell)
        assert [reason.partition(" (")[0] for reason in record.noisy] == [
            "other processes used 40.0% of the CPU",
            "an image's time drifted by +50.0% from first to last repeat",
        ]
        tolerant = replace(cell, force=True, noise=replace(cell.noise, other_cpu_share=0.5, drift=0.6))
        again = run(tolerant)
        assert (again.noisy, again.cell_id) == ((), record.cell_id)
