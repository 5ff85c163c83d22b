"""The artifact cache: each model is made once, and never taken on trust."""

import logging
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from doubles import Silent
from ocrbench.config.composing import load
from ocrbench.convert.cache import ArtifactCache, Made
from ocrbench.convert.converter import convert_recognizer
from ocrbench.convert.lookup import find_artifacts
from ocrbench.measure.processes import Worker
from ocrbench.records import Artifact
from ocrbench.worker.protocol import Convert

KEY = {"source": "00", "stored": "f16"}


class Maker:
    """Writes a model and counts how often it was asked to."""

    def __init__(self, content: str = "model") -> None:
        self.content = content
        self.count = 0

    def __call__(self, folder: Path) -> Made:
        self.count += 1
        (folder / "model.xml").write_text(self.content)
        (folder / "model.bin").write_bytes(b"weights")
        return Made(metadata={"character": "a\nü"})


def get(root: Path, make: Callable[[Path], Made], key: dict[str, str] = KEY) -> Artifact:
    return ArtifactCache(root).get(key, make, precision="FP16", source="a package")


def test_made_once_and_reused(tmp_path: Path) -> None:
    make = Maker()
    first, second = get(tmp_path, make), get(tmp_path, make)
    assert make.count == 1
    assert first == second
    assert first.path.read_text() == "model"
    assert (first.precision, first.source, first.metadata) == ("FP16", "a package", {"character": "a\nü"})
    assert first.size_bytes == len("model") + len("weights")
    assert len(first.sha256) == 64


def test_every_part_of_the_key_counts(tmp_path: Path) -> None:
    make = Maker()
    keys = [KEY, {**KEY, "stored": "f32"}, {**KEY, "source": "01"}, {**KEY, "openvino": "2030.1"}]
    assert len({get(tmp_path, make, key).path for key in keys}) == make.count == 4


def test_the_checksum_covers_model_and_weights(tmp_path: Path) -> None:
    def other(folder: Path) -> Made:
        Maker()(folder)
        (folder / "model.bin").write_bytes(b"other weights")
        return Made(metadata={})

    assert get(tmp_path, Maker()).sha256 == get(tmp_path, Maker(), {"another": "key"}).sha256
    assert get(tmp_path, Maker()).sha256 != get(tmp_path, other, {"a third": "key"}).sha256


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:3])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("name", ["model.xml", "model.bin", "artifact.json"])
@pytest.mark.parametrize("damage", [truncate, flip, Path.unlink])
def test_what_is_damaged_is_made_again_with_a_warning(
    name: str, damage: Callable[[Path], None], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make = Maker()
    whole = get(tmp_path, make)
    damage(whole.path.parent / name)
    with caplog.at_level(logging.WARNING):
        assert get(tmp_path, make) == whole
    assert make.count == 2
    assert str(whole.path.parent) in caplog.text
    assert whole.path.read_text() == "model"
    caplog.clear()
    get(tmp_path, make)
    assert (make.count, caplog.text) == (2, "")


def test_who_lets_a_worker_convert_hears_of_the_damage(
    zoo_folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    words = ["recognizer=text_recognition_0012", "precision=FP32", f"omz.root={zoo_folder}", f"cache_dir={tmp_path}"]
    request = Convert(cell=load(words), roles=["recognizer"])
    with Worker() as worker:
        path = worker.ask(request, Silent(), 60)["recognizer"]["network"].path
        assert caplog.records == []
        flip(path)
        worker.ask(request, Silent(), 60)
        (warning,) = [each.message for each in caplog.records if each.levelno == logging.WARNING]
    assert str(path.parent) in warning


@pytest.mark.parametrize("words", [["precision=FP32"], ["precision=INT8", "recognizer.quantization.subset_size=2"]])
def test_what_was_converted_is_found_without_a_worker(words: Sequence[str], zoo_folder: Path, tmp_path: Path) -> None:
    cell = load([*words, "recognizer=text_recognition_0012", f"omz.root={zoo_folder}", f"cache_dir={tmp_path}"])
    assert find_artifacts(cell, ["recognizer"]) is None
    made = convert_recognizer(cell, lambda _: None)
    assert find_artifacts(cell, ["recognizer"]) == {"recognizer": made}
    flip(made["network"].path)
    assert find_artifacts(cell, ["recognizer"]) is None


def test_a_conversion_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    def fail(folder: Path) -> Made:
        (folder / "model.xml").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        get(tmp_path, fail)
    assert [path for path in tmp_path.iterdir() if path.suffix != ".lock"] == []
    make = Maker()
    assert get(tmp_path, make).path.read_text() == "model"
    assert make.count == 1


def test_what_a_killed_conversion_left_is_removed(tmp_path: Path) -> None:
    program = f"""
import os, pathlib, signal, sys
from ocrbench.convert.converter import convert_recognizer
from ocrbench.convert.lookup import find_artifacts
from ocrbench.convert.cache import ArtifactCache
def make(folder):
    (folder / "model.xml").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
ArtifactCache(pathlib.Path(sys.argv[1])).get({KEY}, make, precision="FP16", source="a package")
"""
    killed = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    made = get(tmp_path, Maker())
    assert [path for path in tmp_path.iterdir() if path.suffix != ".lock"] == [made.path.parent]


def test_threads_at_once_make_it_once(tmp_path: Path) -> None:
    make, found = Maker(), []
    together = threading.Barrier(4)

    def slow(folder: Path) -> Made:
        time.sleep(0.1)
        return make(folder)

    def fetch() -> None:
        together.wait()
        found.append(get(tmp_path, slow))

    threads = [threading.Thread(target=fetch) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert make.count == 1
    assert len(found) == 4
    assert len({artifact.sha256 for artifact in found}) == 1


def test_processes_at_once_make_it_once(tmp_path: Path) -> None:
    program = """
import pathlib, sys, time
from ocrbench.convert.converter import convert_recognizer
from ocrbench.convert.lookup import find_artifacts
from ocrbench.convert.cache import ArtifactCache, Made
root = pathlib.Path(sys.argv[1])
def make(folder):
    with (root / "made").open("a") as log:
        log.write("x")
    time.sleep(0.5)
    for name in ("model.xml", "model.bin"):
        (folder / name).write_text(name)
    return Made(metadata={})
print("ready", flush=True)
sys.stdin.readline()
print(ArtifactCache(root).get({"k": 1}, make, precision="FP16", source="s").sha256)
"""
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    answers = [worker.communicate(timeout=60)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0]
    assert answers[0] == answers[1] != ""
    assert (tmp_path / "made").read_text() == "x"
