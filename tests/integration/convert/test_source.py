"""Where models come from: packages, addresses, paths; nothing is used that is not what was promised."""

import hashlib
import http.server
import os
import signal
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest

from ocrbench.config.composing import load
from ocrbench.config.schema import Cell
from ocrbench.config.stage import Source
from ocrbench.convert.converter import convert_detector
from ocrbench.convert.source import Fetched, check_version, fetch
from ocrbench.errors import ModelError
from ocrbench.files import choices

CONTENT = b"not really a model"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PACKAGE = "ocrbench_test_model"
# A download that is killed midway.
KILLED = """
import os, pathlib, signal, sys
from ocrbench.convert.download import write_checked
def chunks():
    yield b"half"
    os.kill(os.getpid(), signal.SIGKILL)
write_checked(chunks(), pathlib.Path(sys.argv[1]), "0" * 64, "an address")
"""


@pytest.fixture(scope="module")
def loaded() -> Cell:
    return load()


class Fetch:
    """Fetches sources into a cache of its own, and remembers what was said."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self.said: list[str] = []

    def __call__(self, **source: Any) -> Fetched:
        stage = replace(self.cell.detector, source=Source(**source))
        return fetch(stage.source, stage, self.cell, self.said.append)

    def refused(self, **source: Any) -> str:
        """Return the reason why a source is refused; nothing of it may stay in the cache."""
        with pytest.raises(ModelError) as caught:
            self(**source)
        files = [path for path in Path(self.cell.cache_dir).rglob("*") if path.is_file()]
        assert [path for path in files if path.suffix != ".lock"] == []
        assert "\n" not in str(caught.value)
        return str(caught.value)


@pytest.fixture
def fetched(loaded: Cell, tmp_path: Path) -> Fetch:
    return Fetch(replace(loaded, cache_dir=str(tmp_path / "cache")))


class TestFile:
    def test_a_path_is_used_where_it_lies(self, fetched: Fetch, tmp_path: Path) -> None:
        path = tmp_path / "model.onnx"
        path.write_bytes(CONTENT)
        assert fetched(kind="file", path=str(path)) == Fetched(path=path, sha256=SHA256, label=str(path))
        assert fetched(kind="file", path=str(path), sha256=SHA256).path == path

    def test_the_weights_beside_an_ir_count(self, fetched: Fetch, tmp_path: Path) -> None:
        path = tmp_path / "model.xml"
        path.write_bytes(CONTENT)
        digests = [fetched(kind="file", path=str(path)).sha256]
        for weights in (b"some", b"others"):
            path.with_suffix(".bin").write_bytes(weights)
            digests.append(fetched(kind="file", path=str(path)).sha256)
        assert len(set(digests)) == 3

    def test_a_missing_file_is_named(self, fetched: Fetch, tmp_path: Path) -> None:
        path = tmp_path / "absent.onnx"
        assert f"source.path={path}: no such file" in fetched.refused(kind="file", path=str(path))

    def test_a_wrong_checksum_is_refused(self, fetched: Fetch, tmp_path: Path) -> None:
        path = tmp_path / "model.onnx"
        path.write_bytes(b"edited")
        reason = fetched.refused(kind="file", path=str(path), sha256=SHA256)
        assert str(path) in reason
        assert SHA256[:16] in reason

    def test_formats_that_cannot_be_read_are_named(self, fetched: Fetch, tmp_path: Path) -> None:
        path = tmp_path / "model.safetensors"
        path.write_bytes(CONTENT)
        assert ".onnx, .xml" in fetched.refused(kind="file", path=str(path))


def message(*fields: tuple[int, int | bytes]) -> bytes:
    """Write a protobuf message, of whole numbers and of what has a length."""
    return b"".join(
        varint(number << 3) + varint(value)
        if isinstance(value, int)
        else varint(number << 3 | 2) + varint(len(value)) + value
        for number, value in fields
    )


def varint(value: int) -> bytes:
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])


def adding(weights_file: str) -> bytes:
    """Write an ONNX model that adds three weights, which are kept in another file."""
    location = message((1, b"location"), (2, weights_file.encode()))
    weights = message((1, 3), (2, 1), (8, b"weights"), (13, location), (14, 1))
    node = message((1, b"image"), (1, b"weights"), (2, b"sum"), (4, b"Add"))
    tensor = message((1, message((1, 1), (2, message((1, message((1, 3))))))))
    ends = [(11, message((1, b"image"), (2, tensor))), (12, message((1, b"sum"), (2, tensor)))]
    graph = message((1, node), (2, b"adding"), (5, weights), *ends)
    return message((1, 8), (7, graph), (8, message((1, b""), (2, 13))))


class TestWeightsInOtherFiles:
    """ONNX's external data, as PyTorch's exporter writes it."""

    @pytest.mark.parametrize("name", ["model.onnx.data", "parts/" + "w" * 200])
    def test_they_may_change_while_the_graph_stays(self, name: str, fetched: Fetch, tmp_path: Path) -> None:
        path = tmp_path / "model.onnx"
        path.write_bytes(adding(name))
        (tmp_path / name).parent.mkdir(exist_ok=True)
        source = Source(kind="file", path=str(path))
        cell = replace(fetched.cell, detector=replace(fetched.cell.detector, precision="FP32", source=source))
        for trained in ([1, 2, 3], [4, 5, 6]):
            np.array(trained, dtype=np.float32).tofile(tmp_path / name)
            network = ov.Core().compile_model(convert_detector(cell, fetched.said.append)["network"].path, "CPU")
            (answer,) = network([np.zeros(3, dtype=np.float32)]).values()
            assert answer.tolist() == trained

    def test_a_model_without_them_is_incomplete(self, fetched: Fetch, tmp_path: Path) -> None:
        path = tmp_path / "model.onnx"
        path.write_bytes(adding("model.onnx.data"))
        reason = fetched.refused(kind="file", path=str(path))
        assert f"{path} keeps weights in 'model.onnx.data', which is missing" in reason

    @pytest.mark.parametrize("name", ["/etc/passwd", "../weights", "parts/../../weights"])
    def test_they_lie_in_the_models_folder(self, name: str, fetched: Fetch, tmp_path: Path) -> None:
        folder = tmp_path / "model"
        (folder / "parts").mkdir(parents=True)
        (tmp_path / "weights").write_bytes(bytes(12))
        (folder / "model.onnx").write_bytes(adding(name))
        assert f"names {name!r}" in fetched.refused(kind="file", path=str(folder / "model.onnx"))


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves the content below any ``good`` path, something else elsewhere, and counts."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if "missing" in self.path:
            self.send_error(404)
            return
        content = CONTENT if "good" in self.path else b"something else"
        self.send_response(200)
        # A connection that breaks off promises more than it sends.
        self.send_header("Content-Length", str(len(content) + (100 if "short" in self.path else 0)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, list[str]]]:
    monkeypatch.setenv("no_proxy", "*")
    asked: list[str] = []
    handler = type("Counting", (Handler,), {"asked": asked})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{serving.server_port}", asked
        serving.shutdown()
        thread.join()


class TestUrl:
    @pytest.mark.parametrize(
        "url",
        [
            "http://example.org/model.onnx",
            "ftp://example.org/model.onnx",
            "file:///etc/passwd",
            "http://127.0.0.1.example.org/model.onnx",
            "http://localhost@example.org/model.onnx",
            "/model.onnx",
        ],
    )
    def test_only_https_is_fetched(self, url: str, fetched: Fetch) -> None:
        assert "only https" in fetched.refused(kind="url", url=url, sha256=SHA256)
        assert fetched.said == []

    def test_loopback_is_allowed_fetched_once_and_kept(self, fetched: Fetch, server: tuple[str, list[str]]) -> None:
        address, asked = server
        url = f"{address}/good/model.onnx?download=true"
        first = fetched(kind="url", url=url, sha256=SHA256)
        assert first.path.name == "model.onnx"
        assert first.path.read_bytes() == CONTENT
        assert (first.sha256, first.label) == (SHA256, url)
        assert fetched(kind="url", url=url, sha256=SHA256) == first
        assert len(asked) == 1
        assert fetched.said == [f"fetching {url}"]

    def test_at_once_it_is_fetched_once(self, fetched: Fetch, server: tuple[str, list[str]]) -> None:
        address, asked = server
        source = {"kind": "url", "url": f"{address}/good/model.onnx", "sha256": SHA256}
        with ThreadPoolExecutor(4) as threads:
            found = list(threads.map(lambda _: fetched(**source).path, range(4)))
        assert len(set(found)) == len(asked) == 1

    def test_what_a_killed_download_left_is_removed(self, fetched: Fetch, server: tuple[str, list[str]]) -> None:
        source = {"kind": "url", "url": f"{server[0]}/good/model.onnx", "sha256": SHA256}
        path = fetched(**source).path
        path.unlink()
        killed = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
        assert killed.returncode == -signal.SIGKILL
        assert len(list(path.parent.iterdir())) == 1
        assert fetched(**source).path == path
        assert list(path.parent.iterdir()) == [path]

    def test_a_damaged_download_is_fetched_again(self, fetched: Fetch, server: tuple[str, list[str]]) -> None:
        address, asked = server
        url = f"{address}/good/model.onnx"
        fetched(kind="url", url=url, sha256=SHA256).path.write_bytes(CONTENT[:5])
        assert fetched(kind="url", url=url, sha256=SHA256).path.read_bytes() == CONTENT
        assert len(asked) == 2

    def test_it_needs_a_checksum(self, fetched: Fetch, server: tuple[str, list[str]]) -> None:
        address, asked = server
        assert "sha256" in fetched.refused(kind="url", url=f"{address}/good/model.onnx")
        assert asked == []

    def test_another_content_is_refused(self, fetched: Fetch, server: tuple[str, list[str]]) -> None:
        url = f"{server[0]}/other/model.onnx"
        reason = fetched.refused(kind="url", url=url, sha256=SHA256)
        assert url in reason
        assert SHA256[:16] in reason

    @pytest.mark.parametrize("path", ["missing/model.onnx", "good/short/model.onnx"])
    def test_a_failed_download_is_explained(self, path: str, fetched: Fetch, server: tuple[str, list[str]]) -> None:
        url = f"{server[0]}/{path}"
        assert f"Cannot fetch {url}" in fetched.refused(kind="url", url=url, sha256=SHA256)


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place where pip looks for packages: a folder with one wheel."""
    folder = tmp_path / "packages"
    folder.mkdir()
    information = f"{PACKAGE}-1.0.dist-info"
    members = {
        f"{PACKAGE}/model.onnx": CONTENT,
        f"{PACKAGE}/other.onnx": b"something else",
        f"{information}/METADATA": f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: 1.0\n".encode(),
        f"{information}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{information}/RECORD": b"",
    }
    with zipfile.ZipFile(folder / f"{PACKAGE}-1.0-py3-none-any.whl", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    for name, value in {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(folder),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }.items():
        monkeypatch.setenv(name, value)
    return folder


class TestWheel:
    def test_an_installed_package_is_used_where_it_lies(self, fetched: Fetch, loaded: Cell) -> None:
        source = loaded.detector.source
        assert source.kind == "wheel"
        found = fetch(source, loaded.detector, fetched.cell, fetched.said.append)
        assert "site-packages" in found.path.parts or "dist-packages" in found.path.parts
        assert found.sha256 == source.sha256
        assert fetched.said == []

    @pytest.mark.usefixtures("packages")
    def test_a_missing_package_is_fetched_once_and_not_installed(self, fetched: Fetch) -> None:
        source = {
            "kind": "wheel",
            "package": PACKAGE,
            "version": "1.0",
            "path": f"{PACKAGE}/model.onnx",
            "sha256": SHA256,
        }
        found = fetched(**source)
        assert found.path.read_bytes() == CONTENT
        assert found.path.is_relative_to(fetched.cell.cache_dir)
        assert found.label == f"{PACKAGE} 1.0"
        assert len(fetched.said) == 1
        assert fetched(**source) == found
        assert len(fetched.said) == 1

    @pytest.mark.usefixtures("packages")
    @pytest.mark.parametrize(
        ("changes", "part"),
        [
            ({"path": f"{PACKAGE}/absent.onnx"}, "absent.onnx; a file of your own takes source.kind=file"),
            ({"path": f"{PACKAGE}/other.onnx"}, SHA256[:16]),
            ({"version": "2.0"}, f"pip install --no-deps {PACKAGE}==2.0"),
        ],
    )
    def test_a_package_without_the_file_is_refused(self, changes: dict[str, str], part: str, fetched: Fetch) -> None:
        source = {"package": PACKAGE, "version": "1.0", "path": f"{PACKAGE}/model.onnx", "sha256": SHA256}
        assert part in fetched.refused(kind="wheel", **source | changes)


NEW = tuple(int(part) for part in ov.get_version().split(".")[:2]) >= (2025, 4)


class TestVersion:
    @pytest.mark.parametrize("role", ["detector", "recognizer"])
    def test_a_model_for_a_newer_openvino_names_those_that_work(self, role: str, loaded: Cell) -> None:
        stage = replace(loaded.detector, name="future", min_openvino="2999.1")
        with pytest.raises(ModelError) as caught:
            check_version(stage, role)
        message = str(caught.value)
        assert f"{role} future needs OpenVINO 2999.1" in message
        assert ov.get_version().split("-")[0] in message
        # The default recognizer needs a newer OpenVINO than ocrbench does.
        fitting = [name for name in choices(role) if (role, name) != ("recognizer", "ppocrv6_small") or NEW]
        assert message.endswith("these work: " + ", ".join(fitting))

    def test_the_running_release_and_older_ones_are_enough(self, loaded: Cell) -> None:
        running = ".".join(ov.get_version().split(".")[:2])
        for least in (running, "2024.6", "2022.10"):
            check_version(replace(loaded.detector, min_openvino=least), "detector")
