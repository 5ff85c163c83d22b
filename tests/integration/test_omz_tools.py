"""The real ``omz_downloader`` and ``omz_converter``, with a model root of their own and a server on loopback."""

import hashlib
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import cv2
import openvino as ov
import pytest
import yaml
from numpy.typing import NDArray

BESIDE = str(Path(sys.executable).parent)
TOOLS = ("omz_downloader", "omz_converter", "omz_info_dumper")
DOWNLOADER = shutil.which(TOOLS[0]) or shutil.which(TOOLS[0], path=BESIDE)

pytestmark = pytest.mark.skipif(
    DOWNLOADER is None, reason="omz_downloader is not installed: pip install 'ocrbench[omz]'"
)

DETECTOR = "horizontal-text-detection-0001"
RECOGNIZER = "text-recognition-resnet-fc"
FILES = [f"FP16/{DETECTOR}.xml", f"FP16/{DETECTOR}.bin"]

# Stands for the tool of its name, with another model root.
WRAPPER = """#!{python}
import sys
from pathlib import Path
from omz_tools import _common, {tool}
_common.MODEL_ROOT = Path({root!r})
sys.exit({tool}.main())
"""
# What the zoo keeps for a public model: how to build the network around the weights that are downloaded.
ARCHITECTURE = """
import torch

CHARACTERS = "~0123456789abcdefghijklmnopqrstuvwxyz"


class Network(torch.nn.Module):
    # 26 characters that depend on how light the crop is: from -1 for black to 1 for white.

    def __init__(self):
        super().__init__()
        self.head = torch.nn.Linear(1, 26 * len(CHARACTERS))

    def forward(self, crop):
        return self.head(crop.mean(dim=(1, 2, 3)).reshape(1, 1)).reshape(1, 26, len(CHARACTERS))


def get_model(weights):
    network = Network()
    network.load_state_dict(torch.load(weights))
    return network


def scores(text):
    classes = torch.tensor([CHARACTERS.index(character) for character in text.ljust(26, "~")])
    return 10 * torch.nn.functional.one_hot(classes, len(CHARACTERS)).float().flatten()


def save_weights(path):
    network = Network()
    dark, light = scores("dark22"), scores("light")
    network.head.weight.data = ((light - dark) / 2).unsqueeze(1)
    network.head.bias.data = (light + dark) / 2
    torch.save(network.state_dict(), path)
"""

Run = Callable[..., subprocess.CompletedProcess[str]]


class Server(Protocol):
    """What ``serve`` starts."""

    requests: list[str]
    folder: Path
    address: str

    def close(self) -> None: ...


@pytest.fixture
def server(zoo_folder: Path, serve: Callable[[Path], Server], tmp_path: Path) -> Server:
    """The zoo's server, with the stand-in for the tutorial's detector."""
    shutil.copytree(zoo_folder / "intel" / DETECTOR, tmp_path / "served" / DETECTOR)
    return serve(tmp_path / "served")


def describe(folder: Path, files: dict[str, Path], address: str, **more: object) -> None:
    """Write a model.yml as the zoo has them, into the folder of the model's name."""
    listed = [
        {
            "name": file,
            "size": path.stat().st_size,
            "checksum": hashlib.sha384(path.read_bytes()).hexdigest(),
            "source": f"{address}/{folder.name}/{file}",
        }
        for file, path in files.items()
    ]
    task = {"description": "made by a test", "task_type": "optical_character_recognition", "license": address}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.yml").write_text(yaml.safe_dump({**task, "files": listed, **more}), encoding="utf-8")


@pytest.fixture
def model_root(server: Server, tmp_path: Path) -> Path:
    root = tmp_path / "models"
    files = {name: server.folder / DETECTOR / name for name in FILES}
    describe(root / "intel" / DETECTOR, files, server.address, framework="dldt")
    return root


@pytest.fixture
def ocrbench(environment: dict[str, str], model_root: Path, tmp_path: Path) -> Run:
    """Run ``python -m ocrbench`` with the wrapped tools first on the path, and a cache of its own."""
    assert DOWNLOADER is not None
    python = Path(DOWNLOADER).parent / "python"
    for tool in TOOLS:
        path = tmp_path / "bin" / tool
        path.parent.mkdir(exist_ok=True)
        path.write_text(WRAPPER.format(python=python, tool=tool, root=str(model_root)), encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    # omz_converter looks for Model Optimizer on the path.
    path_list = os.pathsep.join([str(tmp_path / "bin"), str(Path(DOWNLOADER).parent), environment["PATH"]])

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "ocrbench", *map(str, words), f"cache_dir={tmp_path / 'cache'}"]
        env = {**environment, "PATH": path_list}
        return subprocess.run(
            command, cwd=tmp_path, env=env, capture_output=True, encoding="utf-8", timeout=300, check=False
        )

    return run


def downloaded(tmp_path: Path, name: str) -> Path:
    return tmp_path / "cache" / "omz" / "intel" / DETECTOR / name


def message_of(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line that says what went wrong; it comes last."""
    assert "Traceback" not in done.stderr
    *_, last = done.stderr.splitlines()
    assert done.stderr.count("ocrbench: ") == 1
    assert last.startswith("ocrbench: ")
    return last


def test_the_zoo_has_both_tutorial_models() -> None:
    assert DOWNLOADER is not None
    listed = subprocess.run([DOWNLOADER, "--print_all"], capture_output=True, encoding="utf-8", check=True)
    assert {DETECTOR, RECOGNIZER} <= set(listed.stdout.split())


def test_downloaded_checked_and_not_asked_for_again(ocrbench: Run, server: Server, tmp_path: Path) -> None:
    done = ocrbench("fetch", DETECTOR)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{DETECTOR} FP16: ")
    assert server.requests == [f"/{DETECTOR}/{name}" for name in FILES]
    for name in FILES:
        assert downloaded(tmp_path, name).read_bytes() == (server.folder / DETECTOR / name).read_bytes()
    assert ocrbench("fetch", DETECTOR).stdout == done.stdout
    assert len(server.requests) == 2


@pytest.mark.parametrize("name", FILES)
def test_an_edited_file_is_had_again_from_the_cache(ocrbench: Run, server: Server, tmp_path: Path, name: str) -> None:
    assert ocrbench("fetch", DETECTOR).returncode == 0
    original = downloaded(tmp_path, name).read_bytes()
    downloaded(tmp_path, name).write_bytes(original + b" ")
    again = ocrbench("fetch", DETECTOR)
    assert again.returncode == 0
    assert "incomplete or was edited, and is fetched again" in again.stderr
    assert downloaded(tmp_path, name).read_bytes() == original
    assert len(server.requests) == 2


def test_a_cache_of_files_serves_without_network(ocrbench: Run, server: Server, tmp_path: Path) -> None:
    files = f"omz.cache_dir={tmp_path / 'files'}"
    assert ocrbench("fetch", DETECTOR, files).returncode == 0
    shutil.rmtree(tmp_path / "cache")
    server.requests.clear()
    assert ocrbench("fetch", DETECTOR, files).returncode == 0
    assert server.requests == []


def test_a_corrupted_download_is_refused(ocrbench: Run, server: Server, tmp_path: Path) -> None:
    weights = server.folder / DETECTOR / FILES[1]
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    done = ocrbench("fetch", DETECTOR)
    assert done.returncode == 1
    address = f"{server.address}/{DETECTOR}/{FILES[1]}"
    start = f"ocrbench: Cannot download {downloaded(tmp_path, FILES[1])} from {address}: Hash mismatch. "
    assert message_of(done).startswith(start)
    assert not downloaded(tmp_path, FILES[1]).exists()
    # Nothing of it is kept: what is fetched when the server is well again is what it should be.
    content[-1] ^= 1
    weights.write_bytes(content)
    assert ocrbench("fetch", DETECTOR).returncode == 0


def test_a_file_that_the_server_lacks(ocrbench: Run, server: Server, tmp_path: Path) -> None:
    (server.folder / DETECTOR / FILES[0]).unlink()
    done = ocrbench("fetch", DETECTOR)
    assert done.returncode == 1
    message = message_of(done)
    assert f"{downloaded(tmp_path, FILES[0])} from {server.address}/{DETECTOR}/{FILES[0]}: 404 " in message
    for remedy in ("https_proxy", "omz.root=PATH", "omz.cache_dir=PATH"):
        assert remedy in message


def test_without_network(ocrbench: Run, server: Server, tmp_path: Path) -> None:
    server.close()
    done = ocrbench("fetch", DETECTOR)
    assert done.returncode == 1
    address = f"{server.address}/{DETECTOR}/{FILES[0]}"
    start = f"ocrbench: Cannot download {downloaded(tmp_path, FILES[0])} from {address}: Connection refused. "
    assert message_of(done).startswith(start)


@pytest.fixture
def pytorch_model(server: Server, model_root: Path) -> None:
    """A public model of the zoo: its architecture in the model root, its weights on the server."""
    assert DOWNLOADER is not None
    python = Path(DOWNLOADER).parent / "python"
    if subprocess.run([python, "-c", "import onnx, onnxscript, torch"], capture_output=True, check=False).returncode:
        pytest.skip("no PyTorch beside omz_converter")
    weights = server.folder / RECOGNIZER / "ckpt" / "small.pth"
    weights.parent.mkdir(parents=True)
    folder = model_root / "public" / RECOGNIZER
    folder.mkdir(parents=True)
    (folder / "model.py").write_text(ARCHITECTURE, encoding="utf-8")
    save = "import sys, model; model.save_weights(sys.argv[1])"
    subprocess.run([python, "-B", "-c", save, weights], cwd=folder, check=True)
    describe(
        folder,
        {"ckpt/small.pth": weights},
        server.address,
        framework="pytorch",
        conversion_to_onnx_args=[
            "--model-path=$config_dir",
            "--model-name=get_model",
            "--import-module=model",
            '--model-param=weights=r"$dl_dir/ckpt/small.pth"',
            "--input-shape=1,1,32,100",
            "--input-names=input",
            "--output-names=output",
            "--output-file=$conv_dir/small.onnx",
        ],
        input_info=[{"name": "input", "shape": [1, 1, 32, 100], "layout": "NCHW"}],
        model_optimizer_args=[
            "--mean_values=input[127.5]",
            "--scale_values=input[127.5]",
            "--output=output",
            "--input_model=$conv_dir/small.onnx",
        ],
    )


@pytest.mark.slow
@pytest.mark.usefixtures("pytorch_model")
def test_a_pytorch_model_is_converted_and_read_with(
    ocrbench: Run, server: Server, halves: NDArray[Any], tmp_path: Path
) -> None:
    picture = tmp_path / "halves.png"
    cv2.imwrite(str(picture), halves)
    done = ocrbench("read", picture, "model=omz_resnet_fc")
    assert (done.returncode, done.stdout.split()) == (0, ["dark22", "light"]), done.stderr
    ir = tmp_path / "cache" / "omz" / "public" / RECOGNIZER / "FP16" / f"{RECOGNIZER}.xml"
    model = ov.Core().read_model(ir)
    assert list(model.input("input").shape) == [1, 1, 32, 100]
    assert list(model.output("output").shape) == [1, 26, 37]
    constants = [node for node in model.get_ops() if node.get_type_name() == "Constant"]
    assert ov.Type.f16 in {node.get_element_type() for node in constants}
    # Neither downloaded nor converted a second time; an edited IR is converted again.
    count = len(server.requests)
    written = ir.stat().st_mtime_ns
    assert ocrbench("fetch", RECOGNIZER).returncode == 0
    assert ir.stat().st_mtime_ns == written
    ir.write_text(ir.read_text(encoding="utf-8") + " ", encoding="utf-8")
    assert "was edited" in ocrbench("fetch", RECOGNIZER).stderr
    assert not ir.read_text(encoding="utf-8").endswith(" ")
    assert len(server.requests) == count
