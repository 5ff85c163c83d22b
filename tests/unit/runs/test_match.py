"""Which runs are held against each other, and what becomes of those without a counterpart."""

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from ocrbench.compare.stored import compare_matched, compare_stored
from ocrbench.compare.verdict import Comparison, check_gate
from ocrbench.config.composing import load
from ocrbench.config.schema import Gate, Limit
from ocrbench.errors import ConfigError
from ocrbench.metrics.recognition import repeatability
from ocrbench.runs import table
from ocrbench.runs.match import Matched, differing_settings, match_runs, pairs_by
from ocrbench.runs.run import Run
from ocrbench.runs.store import find_runs

WriteRun = Callable[..., Run]
RunCommand = Callable[..., CompletedProcess[str]]
GATE = Gate(name="slower", limits=(Limit(metric="latency_p50_ms", max_worse=0.03),))


def matched(one: Path, other: Path) -> list[Matched]:
    return match_runs(*(find_runs([str(folder)], failed=True) for folder in (one, other)))


def unchanged(record: Run) -> Run:
    return record


def busy(record: Run) -> Run:
    return replace(record, noisy=("other processes used 40% of the CPU (limit 10%)",))


def other_data(record: Run) -> Run:
    return replace(record, dataset_sha256="e" * 64)


def from_source(record: Run, source: str) -> Run:
    return replace(record, environment={**record.environment, "source": source})


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "one", tmp_path / "other"


class TestACellThatFailedOnSideB:
    @pytest.fixture
    @staticmethod
    def failed(folders: tuple[Path, Path], write_run: WriteRun) -> tuple[Path, Path]:
        for precision in ("FP32", "INT8"):
            write_run(folders[0], f"precision={precision}")
            write_run(folders[1], f"precision={precision}", error="out of memory" if precision == "INT8" else "")
        return folders

    def test_is_a_regression(self, failed: tuple[Path, Path]) -> None:
        fine, broken = (compare_matched(each, 0.03) for each in matched(*failed))
        assert (fine.failed, broken.verdict) == ("", "regressed")
        (checked,) = check_gate(GATE, broken)
        assert (checked.outcome, checked.reason) == ("fail", "the cell failed: out of memory")

    def test_fails_the_command(self, failed: tuple[Path, Path], here: RunCommand, tmp_path: Path) -> None:
        done = here("compare", *failed, "gate=accuracy", "--junit", tmp_path / "junit.xml")
        assert done.returncode == 1
        assert "B is worse (regressed): the cell failed: out of memory" in done.stdout
        assert 'failures="0"' not in (tmp_path / "junit.xml").read_text(encoding="utf-8").splitlines()[1]

    def test_is_not_replaced_by_another_one(self, folders: tuple[Path, Path], write_run: WriteRun) -> None:
        write_run(folders[0], "precision=FP32")
        write_run(folders[1], "precision=FP32", error="out of memory")
        write_run(folders[1], "precision=INT8")
        (found,) = matched(*folders)
        assert found.failed

    @pytest.mark.parametrize("errors", [("", "out of memory"), ("out of memory", "")])
    def test_is_judged_by_its_newest_run(
        self, errors: tuple[str, str], folders: tuple[Path, Path], write_run: WriteRun
    ) -> None:
        write_run(folders[0], "precision=FP32")
        for error in errors:
            write_run(folders[1], "precision=FP32", error=error)
        (found,) = matched(*folders)
        assert (found.failed, len(found.after)) == ((True, 0) if errors[-1] else (False, 1))


class TestAnotherVersionOfOcrbench:
    """A version that gets a new key still has the cells of the version before."""

    KEY = "folding.detector_networks"

    @pytest.fixture
    @staticmethod
    def baseline(folders: tuple[Path, Path], write_run: WriteRun) -> list[Run]:
        def without_key(record: Run) -> Run:
            folding = {key: value for key, value in record.config["folding"].items() if key != "detector_networks"}
            return from_source(replace(record, config={**record.config, "folding": folding}), "old")

        return [write_run(folders[0], f"precision={each}", change=without_key) for each in ("FP32", "INT8")]

    @staticmethod
    def pairs(folders: tuple[Path, Path]) -> list[tuple[str, list[str]]]:
        return [
            (each.before[0].config["precision"], [run.config["precision"] for run in each.after])
            for each in matched(*folders)
        ]

    @pytest.mark.usefixtures("baseline")
    def test_has_the_same_cells(self, folders: tuple[Path, Path], write_run: WriteRun) -> None:
        for precision in ("INT8", "FP32"):
            write_run(folders[1], f"precision={precision}", change=lambda record: from_source(record, "new"))
        assert self.pairs(folders) == [("FP32", ["FP32"]), ("INT8", ["INT8"])]
        warnings = [compare_matched(each, 0.03).warnings for each in matched(*folders)]
        assert all(f"of different versions of ocrbench, of which only one has {self.KEY}" in each for each in warnings)

    @pytest.mark.usefixtures("baseline")
    def test_does_not_guess_which_of_two_cells_is_meant(self, folders: tuple[Path, Path], write_run: WriteRun) -> None:
        for shapes in (0, 2):
            words = (f"{self.KEY}={shapes}", "precision=FP32")
            write_run(folders[1], *words, change=lambda record: from_source(record, "new"))
        assert self.pairs(folders) == [("FP32", []), ("INT8", [])]

    @pytest.mark.usefixtures("baseline")
    @pytest.mark.parametrize("word", ["folding.recognizer_networks=3", "detector.properties.NUM_STREAMS=2"])
    def test_knows_other_cells_as_well(self, word: str, folders: tuple[Path, Path], write_run: WriteRun) -> None:
        """Of a key that both have, or that OpenVINO named, another value is another cell."""
        for precision in ("FP32", "INT8"):
            words = (word.replace("detector.", "+detector."), f"precision={precision}")
            write_run(folders[1], *words, change=lambda record: from_source(record, "new"))
        assert self.pairs(folders) == [("FP32", []), ("INT8", [])]

    def test_of_one_version_a_key_that_one_run_lacks_is_another_cell(
        self, baseline: list[Run], folders: tuple[Path, Path], write_run: WriteRun
    ) -> None:
        assert {record.environment["source"] for record in baseline} == {"old"}
        for precision in ("FP32", "INT8"):
            write_run(folders[1], f"precision={precision}", change=lambda record: from_source(record, "old"))
        assert self.pairs(folders) == [("FP32", []), ("INT8", [])]


def test_new_evidence_for_a_recipe_makes_no_other_cell(folders: tuple[Path, Path], write_run: WriteRun) -> None:
    def with_evidence(record: Run) -> Run:
        detector = record.config["detector"]
        recipe = {**detector["quantization"], "measured": [{"dataset": "another"}]}
        return replace(record, config={**record.config, "detector": {**detector, "quantization": recipe}})

    for precision in ("FP32", "INT8"):
        write_run(folders[0], f"precision={precision}")
        write_run(folders[1], f"precision={precision}", change=with_evidence)
    assert all(each.after for each in matched(*folders))


def test_a_cell_that_failed_on_side_a_is_no_baseline(folders: tuple[Path, Path], write_run: WriteRun) -> None:
    """So each side has one cell, and they are compared whatever differs."""
    write_run(folders[0], "precision=FP32")
    write_run(folders[0], "precision=BF16", error="out of memory")
    write_run(folders[1], "precision=INT8")
    (found,) = matched(*folders)
    assert [run.config["precision"] for run in (*found.before, *found.after)] == ["FP32", "INT8"]


def test_a_cell_that_b_lacks_is_named_and_left_out(
    folders: tuple[Path, Path], write_run: WriteRun, here: RunCommand
) -> None:
    write_run(folders[0], "precision=FP32")
    lonely = write_run(folders[0], "precision=INT8")
    write_run(folders[1], "precision=FP32")
    done = here("compare", *folders)
    assert f"left out: {lonely.run_id}: there is no run of this cell" in done.stderr
    assert done.stdout.count("A: ") == 1


def test_runs_on_the_same_data_are_preferred(folders: tuple[Path, Path], write_run: WriteRun) -> None:
    old = write_run(folders[0], ms=900, change=other_data)
    new = write_run(folders[0])
    same = write_run(folders[1])
    write_run(folders[1], ms=900, change=other_data)
    (found,) = matched(*folders)
    assert old.run_id not in [run.run_id for run in found.before]
    assert [[run.run_id for run in side] for side in (found.before, found.after)] == [
        [new.run_id],
        [same.run_id],
    ]


def test_other_images_with_the_same_names_have_no_verdict_on_speed(
    folders: tuple[Path, Path], write_run: WriteRun
) -> None:
    write_run(folders[0])
    write_run(folders[1], ms=900, change=other_data)
    comparison = compare_matched(matched(*folders)[0], 0.03)
    assert comparison.warnings == ("no verdict on speed: the images, or their ground truth, are not the same files",)
    assert comparison.verdict == "undecided"


def test_a_run_that_is_not_repeatable_is_told(folders: tuple[Path, Path], write_run: WriteRun) -> None:
    def unrepeatable(record: Run) -> Run:
        return replace(record, score_list=(*record.score_list, *repeatability({"img_0.jpg": False})))

    write_run(folders[0])
    write_run(folders[1], change=unrepeatable)
    (warning,) = compare_matched(matched(*folders)[0], 0.03).warnings
    assert warning.endswith("1 of 1 images were read differently later; the accuracy is that of the first time")


def test_images_with_another_ground_truth_are_left_out(folders: tuple[Path, Path], write_run: WriteRun) -> None:
    """The first image has the first text alone."""
    write_run(folders[0], "dataset.root=train")
    write_run(folders[1], "dataset.root=test", texts=("Exit", "Other", "words"), change=other_data)
    comparison = compare_matched(matched(*folders)[0], 0.03)
    assert "4 images are left out of the accuracy: their ground truth differs" in comparison.warnings
    write_run(folders[1], "dataset.root=test", texts=("Other", "words"), change=other_data)
    with pytest.raises(ConfigError, match="no image in common with the same ground truth"):
        compare_matched(matched(*folders)[0], 0.03)


def test_other_rules_of_scoring_are_told(folders: tuple[Path, Path], write_run: WriteRun) -> None:
    write_run(folders[0])
    write_run(folders[1], "scoring.case_sensitive=true")
    warnings = compare_matched(matched(*folders)[0], 0.03).warnings
    assert "B was scored by other rules than A; here both are scored by A's" in warnings


def test_single_runs_have_no_verdict_on_speed(folders: tuple[Path, Path], write_run: WriteRun) -> None:
    for folder in folders:
        write_run(folder)
    comparison = compare_matched(matched(*folders)[0], 0.03)
    latency, memory = (comparison.change(metric) for metric in ("latency_p50_ms", "peak_rss_mb"))
    assert latency is not None
    assert memory is not None
    assert latency.interval is memory.interval is None
    assert latency.lacking.startswith("a verdict needs repeated runs")
    assert comparison.verdict == "undecided"


def test_repeats_of_one_side_tell_how_much_runs_differ(folders: tuple[Path, Path], write_run: WriteRun) -> None:
    write_run(folders[0])
    for _ in range(3):
        write_run(folders[1])
    comparison = compare_matched(matched(*folders)[0], 0.03)
    latency = comparison.change("latency_p50_ms")
    assert latency is not None
    assert latency.interval is not None
    assert latency.interval.low <= 1 <= latency.interval.high


@pytest.mark.parametrize("noisy", [(True, False), (True, True)])
def test_noisy_runs_have_no_verdict_on_speed(
    folders: tuple[Path, Path], write_run: WriteRun, noisy: tuple[bool, bool]
) -> None:
    for folder, disturbed in zip(folders, noisy, strict=True):
        for _ in range(3):
            write_run(folder, change=busy if disturbed else unchanged)
    latency = compare_matched(matched(*folders)[0], 0.03).change("latency_p50_ms")
    assert latency is not None
    assert latency.interval is None
    assert latency.lacking == "no verdict from noisy runs"


class TestARunThatTimedOnlyImagesReadBefore:
    """An earlier version's, or one of a scenario where images come again."""

    @staticmethod
    def seen(record: Run) -> Run:
        return replace(record, pictures="seen")

    @pytest.fixture
    def comparison(self, folders: tuple[Path, Path], write_run: WriteRun) -> Comparison:
        write_run(folders[0], change=self.seen)
        write_run(folders[1])
        (found,) = matched(*folders)
        return compare_matched(found, 0.03)

    def test_is_held_against_the_repeats_of_another(self, comparison: Comparison) -> None:
        change = comparison.change("latency_p50_ms")
        assert change is not None
        # Its first readings are faster in this test, but are not what was compared.
        assert change.after == pytest.approx(change.before, rel=0.011)
        assert len(change.values[1]) == 6
        assert comparison.change("warm_latency_p50_ms") is None

    def test_is_named(self, comparison: Comparison) -> None:
        assert "the times compared are those of images read again" in " ".join(comparison.warnings)

    def test_is_held_against_its_like_without_a_word(self, folders: tuple[Path, Path], write_run: WriteRun) -> None:
        for folder in folders:
            write_run(folder, change=self.seen)
        (found,) = matched(*folders)
        assert "read again" not in " ".join(compare_matched(found, 0.03).warnings)


def test_first_readings_and_repeats_are_compared_apart(folders: tuple[Path, Path], write_run: WriteRun) -> None:
    write_run(folders[0])
    write_run(folders[1])
    (found,) = matched(*folders)
    comparison = compare_matched(found, 0.03)
    first, again = (comparison.change(f"{prefix}latency_p50_ms") for prefix in ("", "warm_"))
    assert first is not None
    assert again is not None
    assert first.before < again.before


def test_of_two_images_nothing_is_concluded(folders: tuple[Path, Path], write_run: WriteRun) -> None:
    for folder, wrong in zip(folders, (0, 1), strict=True):
        write_run(folder, images=2, wrong=wrong)
    accuracy = compare_stored(find_runs([str(folders[0])]), find_runs([str(folders[1])]), 0.03).change("e2e_hmean")
    assert accuracy is not None
    assert (accuracy.before > accuracy.after, accuracy.interval) == (True, None)


def test_runs_are_found_once_wherever_one_looks_from(
    folders: tuple[Path, Path], write_run: WriteRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [write_run(folders[1], started) for started in ("precision=FP32", "precision=INT8")]
    monkeypatch.chdir(folders[1] / "runs")
    names = [".", records[1].run_id, "..", str(folders[1])]
    assert [run.run_id for run in find_runs(names)] == [record.run_id for record in records]


def test_runs_of_different_datasets_are_not_paired(
    folders: tuple[Path, Path], write_run: WriteRun, here: RunCommand
) -> None:
    write_run(folders[0])
    done = here("compare", folders[0], "--by", "dataset")
    assert done.returncode == 2
    assert "--by dataset: no such factor" in done.stderr


def test_runs_that_differ_in_one_factor_are_paired(folders: tuple[Path, Path], write_run: WriteRun) -> None:
    runs = [write_run(folders[0], f"precision={each}") for each in ("FP32", "INT8", "BF16", "INT8")]
    # Of the same cell, however it is scored; and one that differs in another factor too.
    otherwise_scored = write_run(folders[0], "precision=INT8", "scoring.case_sensitive=true")
    write_run(folders[0], "precision=INT8", "granularity=line")
    paired = [
        [[run.run_id for run in side] for side in (each.before, each.after)]
        for each in pairs_by(find_runs([str(folders[0])]), "precision")
    ]
    first, *others = (run.run_id for run in runs)
    assert paired == [[[first], [others[0], others[2], otherwise_scored.run_id]], [[first], [others[1]]]]


def run(*overrides: str, dataset_sha256: str = "") -> Run:
    config = asdict(load(overrides))
    return Run(run_id="run", started="", status="ok", config=config, dataset_sha256=dataset_sha256)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (
            "folding.recognizer_networks=0",
            "folding.recognizer_networks=48",
            ["folding.recognizer_networks=0", "folding.recognizer_networks=48"],
        ),
        (
            "recognizer.alphabet=ascii",
            "recognizer.alphabet=all",
            ["recognizer.alphabet=ascii", "recognizer.alphabet=all"],
        ),
        # Both stages inherit it; it is said once.
        (
            "properties.NUM_STREAMS=1",
            "properties.NUM_STREAMS=2",
            ["properties.NUM_STREAMS=1", "properties.NUM_STREAMS=2"],
        ),
        ("precision=FP32", "precision=FP16", ["", ""]),
        ("device=CPU", "device=AUTO", ["", ""]),
        # Their names are columns, and their keys follow from their names.
        ("model=ppocrv6_small", "model=easyocr", ["", ""]),
        ("scenario=latency", "scenario=throughput", ["", ""]),
        ("dataset=sample", "dataset=icdar2015", ["", ""]),
        ("reports_dir=a", "reports_dir=b", ["", ""]),
        # A recipe that was not used.
        ("detector.quantization.subset_size=1", "detector.quantization.subset_size=2", ["", ""]),
    ],
)
def test_what_has_no_column_is_said(one: str, other: str, expected: list[str]) -> None:
    assert differing_settings([run(one), run(other)]) == expected


def test_a_recipe_that_was_used_is_said() -> None:
    runs = [run("precision=INT8", f"detector.quantization.subset_size={size}") for size in (1, 2)]
    assert differing_settings(runs) == [f"detector.quantization.subset_size={size}" for size in (1, 2)]


def test_where_a_dataset_lies_counts_only_if_it_has_other_images() -> None:
    roots = ("dataset.root=/a", "dataset.root=/b")
    assert differing_settings([run(root, dataset_sha256="same") for root in roots]) == ["", ""]
    assert differing_settings([run(root, dataset_sha256=root) for root in roots]) == list(roots)


def test_a_choice_is_compared_with_its_like_only() -> None:
    runs = [run("scenario=server", "scenario.rate=1"), run("scenario=server", "scenario.rate=2"), run()]
    assert differing_settings(runs) == ["scenario.rate=1", "scenario.rate=2", ""]


def test_it_is_a_column() -> None:
    frame = table.wide([run("folding.recognizer_networks=0"), run("folding.recognizer_networks=48")])
    assert frame["settings"].tolist() == ["folding.recognizer_networks=0", "folding.recognizer_networks=48"]
