"""``ocrbench parity`` with the real benchmark_app, and what it is given."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import openvino as ov
import pandas as pd
import pytest

from ocrbench.config.composing import load
from ocrbench.engines.native import settings_of
from ocrbench.errors import ConfigError, WorkerError
from ocrbench.graphs.nodes import ops
from ocrbench.records import Artifact, Graph
from ocrbench.runtime.network import CompiledNetwork, Settings
from ocrbench.scenarios import setup_of
from ocrbench.studies.parity.targets import Target, save_folded, targets_of
from ocrbench.studies.parity.turns import arguments, run_application

Run = Callable[..., CompletedProcess[str]]
GRAPH = Graph(mean=(127.5, 127.5, 127.5), scale=(2.0, 4.0, 8.0))

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """The mean of each channel, of images of any size."""
    path = tmp_path_factory.mktemp("models") / "mean.xml"
    image = ops.parameter([-1, 3, -1, -1], np.float32, name="image")
    mean = ops.reduce_mean(image, ops.constant(np.array([2, 3])), keep_dims=False)
    ov.save_model(ov.Model([mean], [image], "mean"), path, compress_to_fp16=True)
    return Artifact(path=path, precision="FP32", sha256="", size_bytes=1, source="")


def target_of(artifact: Artifact, folder: Path, *words: str) -> Target:
    (target,) = targets_of(load(words), "detector", artifact, folder, [(2, 32, 48, 3)])
    return target


def test_the_folded_model_on_disk_computes_what_ours_does(artifact: Artifact, tmp_path: Path) -> None:
    entry = save_folded(artifact, GRAPH, tmp_path / "folded.xml")
    assert (entry.kind, entry.shape) == ("u8", (None, None, None, 3))
    settings = Settings(device="CPU", precision="FP32", properties={})
    compiled = CompiledNetwork(artifact, GRAPH, settings)
    image = compiled.random_input((2, 32, 48, 3))
    assert (image.dtype, image.shape) == (np.uint8, (2, 32, 48, 3))
    (ours,) = compiled.network()(image)
    theirs = ov.Core().compile_model(tmp_path / "folded.xml", "CPU", settings.all_properties)(image)[0]
    np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_allclose(ours, (image.mean(axis=(1, 2)) - 127.5) / (2, 4, 8), rtol=1e-3)


@pytest.mark.parametrize(("shapes", "option"), [(0, "-data_shape"), (4, "-shape")])
def test_benchmark_app_gets_every_property(shapes: int, option: str, artifact: Artifact, tmp_path: Path) -> None:
    words = (
        "precision=BF16",
        "properties.INFERENCE_NUM_THREADS=1",
        "scenario=throughput",
        "properties.NUM_STREAMS=1",
        f"folding.detector_networks={shapes}",
    )
    target, cell = target_of(artifact, tmp_path, *words), load(words)
    given = arguments(
        target, settings_of(cell, target.role, setup_of(cell.scenario).properties), ("-niter", "7"), tmp_path
    )
    assert json.loads((tmp_path / "properties.json").read_text())["CPU"] == {
        "PERFORMANCE_HINT": "THROUGHPUT",
        "INFERENCE_PRECISION_HINT": "bf16",
        "INFERENCE_NUM_THREADS": 1,
        "NUM_STREAMS": 1,
        "ENABLE_CPU_PINNING": False,
    }
    options = dict(zip(given[::2], given[1::2], strict=True))
    assert options[option] == "[2,32,48,3]"
    assert (options["-ip"], options["-niter"], options["-d"]) == ("u8", "7", "CPU")


def test_benchmark_app_times_the_model(artifact: Artifact, tmp_path: Path) -> None:
    target = target_of(artifact, tmp_path)
    settings = Settings(device="CPU", precision="FP32", properties={"INFERENCE_NUM_THREADS": 1})
    turn = run_application(target, settings, 20, 100)
    assert 0 <= turn.fastest_ms <= turn.median_ms < 1000


def test_it_times_what_is_compiled(artifact: Artifact, tmp_path: Path) -> None:
    target, cell = target_of(artifact, tmp_path), load([])
    assert (target.entry.kind, target.shape) == ("u8", (2, 32, 48, 3))
    turn = run_application(target, settings_of(cell, target.role, setup_of(cell.scenario).properties), 5, 100)
    assert 0 <= turn.fastest_ms <= turn.median_ms < 1000


def test_its_failure_is_told(artifact: Artifact, tmp_path: Path) -> None:
    settings = Settings(device="CPU", precision="FP32", properties={"NO_SUCH_PROPERTY": 1})
    with pytest.raises(WorkerError, match=r"benchmark_app failed for the detector: .*NO_SUCH_PROPERTY"):
        run_application(target_of(artifact, tmp_path), settings, 5, 100)


def test_both_stages_are_timed_in_turns(ocrbench: Run, model: str, tmp_path: Path) -> None:
    words = (
        "precision=FP32",
        "properties.INFERENCE_NUM_THREADS=1",
        "detector.limit_type=max",
        "detector.limit_side=320",
        model,
    )
    options = ("--seconds", "0.3", "--rounds", "2", "--batch", "4", "--csv", tmp_path / "parity.csv")
    done = ocrbench("parity", *words, *options)
    assert done.returncode == 0, done.stderr
    found = pd.read_csv(tmp_path / "parity.csv")
    assert found["stage"].tolist() == ["detector", "recognizer"]
    assert [shape.split("×")[0] for shape in found["shape"]] == ["1", "4"]
    assert (found["rounds"] == 2).all()
    assert (found["calls"] >= 5).all()
    # Only that both timed the same work; how close they are is for a quiet machine to say.
    assert found["fastest_ratio"].between(0.5, 2).all()
    # Two rounds are too few for an interval.
    assert found["ratio_low"].isna().all()
    assert "–" in done.stdout
    for shape in found["shape"]:
        assert shape in done.stdout


def test_a_finished_run_names_its_cell(
    sample_run: tuple[Path, CompletedProcess[str]], ocrbench: Run, cache_dir: Path
) -> None:
    (run,) = (sample_run[0] / "runs").glob("*/")
    options = ("--stage", "recognizer", "--shape", "1,48,96,3", "--seconds", "0.1", "--rounds", "2")
    done = ocrbench("parity", run, *options)
    assert done.returncode == 0, done.stderr
    assert "1×48×96×3" in done.stdout
    assert "FP16" in done.stdout


def test_mistakes_take_one_line(ocrbench: Run, model: str, tmp_path: Path) -> None:
    for words, part in {
        ("--stage", "reader"): "no such stage",
        ("--shape", "1,48,96,3"): "together with --stage",
        ("--stage", "recognizer", "--shape", "1,48,96,4"): "it takes ?,48,?,3",
        (str(tmp_path / "none"),): "none",
    }.items():
        named = [] if words[0].startswith(str(tmp_path)) else [model]
        done = ocrbench("parity", *words, *named)
        assert done.returncode == 2, done.stderr
        assert part in done.stderr.splitlines()[-1]
        assert "Traceback" not in done.stderr


def test_of_the_usual_batch_sizes_those_are_timed_that_the_network_takes(tmp_path: Path) -> None:
    image = ops.parameter([8, 3, 32, 48], np.float32, name="image")
    ov.save_model(ov.Model([ops.relu(image)], [image], "eight"), tmp_path / "eight.xml", compress_to_fp16=False)
    eight = Artifact(path=tmp_path / "eight.xml", precision="FP32", sha256="", size_bytes=1, source="")
    shapes = [(each, 32, 48, 3) for each in (1, 8)]
    targets = targets_of(load(["detector.mean=[0,0,0]"]), "detector", eight, tmp_path, shapes, some=True)
    assert [each.shape for each in targets] == [(8, 32, 48, 3)]
    with pytest.raises(ConfigError, match="its input cannot be 1,32,48,3; it takes 8,32,48,3"):
        targets_of(load(["detector.mean=[0,0,0]"]), "detector", eight, tmp_path, shapes[:1], some=True)


def test_a_detector_without_a_network_has_nothing_to_be_timed(here: Run) -> None:
    done = here("parity", "detector=whole_image", "--stage", "detector")
    assert done.returncode == 2, done.stderr
    assert "detector=whole_image: it has no network to be timed" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_network_of_one_shape_refuses_others(artifact: Artifact, tmp_path: Path) -> None:
    cell = load(["detector.mean=[0,0,0]"])
    with pytest.raises(ConfigError, match=r"its input cannot be 1,32,48,4; it takes \?,\?,\?,3"):
        targets_of(cell, "detector", artifact, tmp_path, [(1, 32, 48, 4)])
