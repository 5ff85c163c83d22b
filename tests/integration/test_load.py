"""The scenarios with many images in flight, on real networks: same results, none lost, flat memory."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import psutil
import pytest

from doubles import Silent
from ocrbench.api import run
from ocrbench.config.composing import load
from ocrbench.config.schema import Cell, Dataset
from ocrbench.data import read
from ocrbench.environment import allowed_cores
from ocrbench.errors import CellError, WorkerError
from ocrbench.measure.pool import WorkerPool, workers_for
from ocrbench.measure.preparing import prepare
from ocrbench.measure.processes import Worker
from ocrbench.records import Artifacts
from ocrbench.runs.store import Store
from ocrbench.scenarios.interface import Feed, Measurement
from ocrbench.scenarios.server import ServerSetup
from ocrbench.worker.protocol import Attest, Load, Run
from ocrbench.worker.session import Session

Command = Callable[..., CompletedProcess[str]]
Latest = Callable[[Path], list[dict[str, Any]]]

pytestmark = pytest.mark.slow

MODEL = "model=ppocrv4_mobile"
QUICK_INT8 = tuple(f"{stage}.quantization.subset_size=8" for stage in ("detector", "recognizer"))
# Words in them are still read.
SMALLER = ("detector.limit_type=max", "detector.limit_side=480")
IMAGES = 12
LIMIT_SECONDS = 100
# How much a confidence may depend on the size of the batch.
CONFIDENCE = {"FP32": 1e-4, "INT8": 1e-2}
SHORT = ("dataset.limit=4", "scenario.min_seconds=0", "attest=off", MODEL)


def cell_of(cache_dir: Path, *words: str) -> Cell:
    return load([MODEL, *QUICK_INT8, *SMALLER, f"cache_dir={cache_dir}", *words])


@pytest.fixture(scope="module")
def artifacts(cache_dir: Path) -> dict[str, Artifacts]:
    # Calibrated on images as large as elsewhere, so that other tests use the same networks.
    words = (MODEL, *QUICK_INT8, f"cache_dir={cache_dir}")
    return {precision: prepare(load([*words, f"precision={precision}"]), Silent()) for precision in ("FP32", "INT8")}


@pytest.fixture(scope="module")
def feed(signs: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Feed:
    """Images, one of them repeated, and among them one that is damaged and one that is not there."""
    folder = tmp_path_factory.mktemp("images")
    names = [f"img_{number}.jpg" for number in range(1, IMAGES + 1)]
    for name in names:
        shutil.copy(Path(signs.root) / name, folder)
    whole = (folder / names[3]).read_bytes()
    (folder / names[3]).write_bytes(whole[: len(whole) // 2])
    (folder / names[7]).unlink()
    return [(name, folder / name) for name in [*names, names[0]]]


def loaded(cell: Cell, artifacts: Artifacts) -> Session:
    session = Session(lambda _: None)
    session.load(Load(cell=cell, artifacts=artifacts))
    return session


def measurements(session: Session, feed: Feed) -> Sequence[Measurement]:
    answer = session.run(Run(samples=feed))
    assert answer.wall_ns > 0
    return answer.measurements


def found(measured: Sequence[Measurement]) -> list[tuple[str, str, Any]]:
    return [(each.sample_id, each.skipped, each.regions) for each in measured]


@pytest.fixture(scope="module", params=["FP32", "INT8"])
def alone(
    request: pytest.FixtureRequest, cache_dir: Path, artifacts: dict[str, Artifacts], feed: Feed
) -> tuple[str, Sequence[Measurement]]:
    """What the scenario ``latency`` reads at a precision."""
    precision = request.param
    read = measurements(loaded(cell_of(cache_dir, f"precision={precision}"), artifacts[precision]), feed)
    assert sum(len(each.regions) for each in read) > 50
    return precision, read


@pytest.mark.parametrize("requests", [1, 3])
def test_throughput_reads_exactly_what_latency_reads(
    requests: int,
    alone: tuple[str, Sequence[Measurement]],
    cache_dir: Path,
    artifacts: dict[str, Artifacts],
    feed: Feed,
) -> None:
    precision, expected = alone
    words = (f"precision={precision}", "scenario=throughput", f"scenario.requests={requests}")
    session = loaded(cell_of(cache_dir, *words), artifacts[precision])
    assert sum(bool(each.skipped) for each in expected) == 2
    for _ in range(2):
        assert found(measurements(session, feed)) == found(expected)


@pytest.fixture
def pool(
    two_cores: None, alone: tuple[str, Sequence[Measurement]], cache_dir: Path, artifacts: dict[str, Artifacts]
) -> Iterator[tuple[WorkerPool, list[psutil.Process]]]:
    """Two processes that have loaded what ``alone`` has."""
    precision, _ = alone
    cell = cell_of(cache_dir, f"precision={precision}", "scenario=throughput", "scenario.processes=2")
    before = set(psutil.Process().children())
    with workers_for(cell) as workers:
        assert isinstance(workers, WorkerPool)
        compile_ms = workers.ask(Load(cell=cell, artifacts=artifacts[precision]), Silent(), LIMIT_SECONDS)
        assert set(compile_ms) == {"detector", "recognizer"}
        yield workers, [each for each in psutil.Process().children() if each not in before]


def test_processes_share_images_and_cores(
    pool: tuple[WorkerPool, list[psutil.Process]], alone: tuple[str, Sequence[Measurement]], feed: Feed
) -> None:
    workers, members = pool
    parts = [set(member.cpu_affinity()) for member in members]
    assert len(parts) == 2
    assert not parts[0] & parts[1]
    assert parts[0] | parts[1] == set(allowed_cores())
    expected = found(alone[1])
    used = []
    for changes in ({"processes": 1}, {}, {}):
        answer = workers.ask(Run(samples=feed, changes=changes), Silent(), LIMIT_SECONDS)
        assert found(answer.measurements) == expected
        used.append([member.cpu_times().user for member in members])
    # In the warm-up each read all; after it both went on working.
    warm_up, _, last = np.array(used)
    assert (last > warm_up).all()
    assert answer.wall_ns > max(each.times.latency_ns for each in answer.measurements if each.times)
    resident = [member.memory_info().rss for member in members]
    assert answer.peak_memory_bytes > sum(resident) > 1.5 * max(resident)
    assert workers.ask(Attest(samples=feed[:1]), Silent(), LIMIT_SECONDS)["detector"]["network"]["replayed"] == 1


def test_a_process_that_dies_fails_the_block(pool: tuple[WorkerPool, list[psutil.Process]], feed: Feed) -> None:
    workers, (_, member) = pool
    member.kill()
    with pytest.raises(WorkerError, match="killed by SIGKILL during 'run'"):
        workers.ask(Run(samples=feed), Silent(), LIMIT_SECONDS)


def test_crops_of_several_images_in_one_batch_give_the_same_texts(
    alone: tuple[str, Sequence[Measurement]], cache_dir: Path, artifacts: dict[str, Artifacts], feed: Feed
) -> None:
    """A batch of another size may add up in another order: the confidence can differ in its last digits."""
    precision, expected = alone
    words = (f"precision={precision}", "scenario=throughput", "scenario.requests=2", "scenario.together=4")
    measured = measurements(loaded(cell_of(cache_dir, *words), artifacts[precision]), feed)
    assert [each.sample_id for each in measured] == [sample_id for sample_id, _ in feed]
    for one, other in zip(measured, expected, strict=True):
        assert bool(one.skipped) == bool(other.skipped)
        for region, same in zip(one.regions, other.regions, strict=True):
            assert (region.text, region.polygon) == (same.text, same.polygon)
            assert region.confidence == pytest.approx(same.confidence, abs=CONFIDENCE[precision])


def test_a_server_reads_what_latency_reads(
    alone: tuple[str, Sequence[Measurement]], cache_dir: Path, artifacts: dict[str, Artifacts], feed: Feed
) -> None:
    precision, expected = alone
    session = loaded(cell_of(cache_dir, f"precision={precision}", "scenario=server"), artifacts[precision])
    answer = session.run(Run(samples=feed, changes={"rate": 20.0}))
    reasons = [(sample_id, bool(skipped), regions) for sample_id, skipped, regions in found(answer.measurements)]
    assert reasons == [(sample_id, bool(skipped), regions) for sample_id, skipped, regions in found(expected)]


def test_compile_times_include_those_of_shapes_met(
    cache_dir: Path, artifacts: dict[str, Artifacts], feed: Feed
) -> None:
    for shapes in (0, 2):
        session = loaded(
            cell_of(
                cache_dir,
                "precision=FP32",
                f"folding.detector_networks={shapes}",
                f"folding.recognizer_networks={shapes}",
            ),
            artifacts["FP32"],
        )
        before = session._engine.compile_ms()
        after = session.run(Run(samples=feed)).compile_ms
        assert all((after[role] > before[role]) is (shapes > 0) for role in ("detector", "recognizer"))
        assert session.run(Run(samples=feed)).compile_ms == after


def test_memory_stays_flat_over_many_blocks_of_images(
    signs: Dataset, cache_dir: Path, artifacts: dict[str, Artifacts]
) -> None:
    """Many, since each could leave something; ``tests/benchmarks/memory.py`` does it with thousands of images."""
    feed = [(each.id, each.image_path) for each in read(signs)]
    words = ("scenario=throughput", "detector.limit_type=max", "detector.limit_side=160", "precision=FP32")
    resident, regions = [], []
    with Worker() as worker:
        worker.ask(Load(cell=cell_of(cache_dir, *words), artifacts=artifacts["FP32"]), Silent(), LIMIT_SECONDS)
        for _ in range(24):
            answer = worker.ask(Run(samples=feed), Silent(), LIMIT_SECONDS)
            assert [each.sample_id for each in answer.measurements] == [sample_id for sample_id, _ in feed]
            regions.append([each.regions for each in answer.measurements])
            resident.append(psutil.Process(worker.pid).memory_info().rss)
    assert sum(map(bool, regions[0])) > 15
    assert all(each == regions[0] for each in regions)
    assert resident[-1] - resident[5] < 20e6, resident


def test_a_throughput_run_has_a_row_and_is_compared_by_its_rate(
    ocrbench: Command, latest: Latest, tmp_path: Path
) -> None:
    # Each block has 128 images.
    words = (*SHORT, "scenario=throughput", *SMALLER, f"reports_dir={tmp_path}")
    for more in ("scenario.requests=1", "scenario.requests=2"):
        done = ocrbench(*words, more)
        assert done.returncode == 0, done.stderr
    (row,) = latest(tmp_path)
    assert (row["status"], row["scenario"], row["images"]) == ("ok", "throughput", 4)
    assert row["throughput_ips"] > 0
    assert row["latency_p50_ms"] > 0
    # Another number of requests is another cell.
    one, two = Store(tmp_path).runs()
    assert one.cell_id != two.cell_id
    assert one.series != two.series
    done = ocrbench("compare", tmp_path / "runs" / one.run_id, tmp_path / "runs" / two.run_id)
    assert "throughput_ips" in done.stdout
    assert "no verdict on speed: the scenario differs" in done.stdout


def test_ab_says_that_it_compares_latencies(here: Command) -> None:
    done = here("ab", "", "scenario=throughput", MODEL)
    assert done.returncode == 2
    line = done.stderr.splitlines()[-1]
    assert "scenario=throughput" in line
    assert "ocrbench compare" in line


def test_a_server_search_ends_with_a_rate(cache_dir: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(ServerSetup, "block_queries", 16)
    monkeypatch.setattr(ServerSetup, "tolerance", 0.5)
    search = ("scenario=server", "scenario.search=true", "scenario.bound_ms=3000")
    done = run([*SHORT, *search, f"cache_dir={cache_dir}", f"reports_dir={tmp_path}"])
    row = done.row
    assert row["server_rate_ips"] > 0
    assert 0.98 < row["server_within_bound"] <= 1
    steps = done.conditions["facts"]["rate_steps"]
    assert {step["queries"] for step in steps} == {16}
    confirmed = steps[-2:]
    assert [step["kept"] for step in confirmed] == [True, True]
    assert {step["rate"] for step in confirmed} == {row["server_rate_ips"]}


def test_a_bound_that_cannot_be_kept_fails_the_cell(
    cache_dir: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(ServerSetup, "block_queries", 4)
    search = ("scenario=server", "scenario.search=true", "scenario.bound_ms=1")
    with pytest.raises(CellError, match=r"failed: scenario\.bound_ms=1"):
        run([*SHORT, *search, f"cache_dir={cache_dir}", f"reports_dir={tmp_path}"])


def test_keys_of_a_scenario_are_checked(here: Command) -> None:
    for word, part in {
        "scenario.request=3": "did you mean requests?",
        "scenario.requests=0": "scenario.requests=0",
        "+scenario.nonsense=1": "scenario.nonsense",
    }.items():
        done = here("scenario=throughput", word)
        assert done.returncode == 2
        (line,) = done.stderr.splitlines()
        assert part in line
