"""What tells the runs of one table apart."""

from dataclasses import asdict

import pytest

from ocrbench.config.composing import load
from ocrbench.runs import table
from ocrbench.runs.run import Run
from ocrbench.runs.settings import differing_settings


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
