"""PyTorch weights, of a network small enough to be made here: what is converted, and what is refused."""

import hashlib
import os
import pickle
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest

from ocrbench.architectures import ARCHITECTURES, build, fingerprint
from ocrbench.cli import main
from ocrbench.config.composing import load
from ocrbench.config.schema import Cell
from ocrbench.config.stage import Source
from ocrbench.convert.converter import convert_detector, convert_recognizer
from ocrbench.convert.ir import load_module, read_source, read_state_dict
from ocrbench.convert.source import locate
from ocrbench.errors import ModelError

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'ocrbench[torch]'")

CLASSES = 5


@pytest.fixture(scope="module")
def state() -> dict[str, Any]:
    """A CRNN with weights by chance."""
    torch.manual_seed(3)
    return dict(build("crnn_vgg", {"Prediction.weight": torch.zeros(CLASSES, 256)}).state_dict())


@pytest.fixture
def weights(state: dict[str, Any], tmp_path: Path) -> Path:
    """The same as a training on several devices saves it."""
    path = tmp_path / "weights.pth"
    torch.save(OrderedDict((f"module.{name}", value) for name, value in state.items()), path)
    return path


@pytest.fixture
def cell(tmp_path: Path) -> Cell:
    return load(["recognizer=easyocr_english_g2", "precision=FP32", f"cache_dir={tmp_path / 'cache'}"])


def with_source(cell: Cell, **source: str) -> Cell:
    return replace(cell, recognizer=replace(cell.recognizer, source=Source(**source)))


def refusal(path: Path, name: str = "crnn_vgg") -> str:
    with pytest.raises(ModelError) as caught:
        read_source(path, name)
    assert "\n" not in str(caught.value)
    assert path.name in str(caught.value)
    return str(caught.value)


class TestConversion:
    def test_a_file_is_converted_and_answers_as_torch_does(self, cell: Cell, weights: Path) -> None:
        artifact = convert_recognizer(
            with_source(cell, kind="file", path=str(weights), architecture="crnn_vgg"), print
        )["network"]
        compiled = ov.Core().compile_model(artifact.path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        module = load_module(weights, "crnn_vgg")
        generator = np.random.default_rng(1)
        # Neither the number of crops nor their width is that of the trace.
        for count, width in ((1, 64), (3, 200), (2, 128)):
            batch = generator.uniform(-1, 1, (count, 1, 64, width)).astype(np.float32)
            with torch.no_grad():
                expected = module(torch.from_numpy(batch)).numpy()
            assert expected.shape == (count, width // 4 - 1, CLASSES)
            assert np.abs(compiled(batch)[0] - expected).max() < 1e-3

    def test_an_address_serves_as_well(self, cell: Cell, weights: Path, serve: Callable[[Path], Any]) -> None:
        address = f"{serve(weights.parent).address}/{weights.name}"
        digest = hashlib.sha256(weights.read_bytes()).hexdigest()
        source = {"kind": "url", "url": address, "sha256": digest, "architecture": "crnn_vgg"}
        artifact = convert_recognizer(with_source(cell, **source), print)["network"]
        assert artifact.path.is_file()
        assert artifact.source == address

    def test_ir_files_are_read_without_an_architecture(self, cell: Cell, weights: Path, tmp_path: Path) -> None:
        model, _ = read_source(weights, "crnn_vgg")
        path = tmp_path / "model.xml"
        ov.save_model(model, path, compress_to_fp16=False)
        artifact = convert_recognizer(with_source(cell, kind="file", path=str(path)), print)["network"]
        assert ov.Core().read_model(artifact.path).output(0).partial_shape[2].get_length() == CLASSES

    def test_onnx_files_too(self, cell: Cell) -> None:
        path = locate(cell.detector.source, cell.detector, cell)
        assert path is not None
        assert path.suffix == ".onnx"
        detector = replace(cell.detector, source=Source(kind="file", path=str(path)))
        artifact = convert_detector(replace(cell, detector=detector), print)["network"]
        assert ov.Core().read_model(artifact.path).input(0).partial_shape[1].get_length() == 3

    def test_what_was_converted_needs_no_torch(
        self, cell: Cell, weights: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        given = with_source(cell, kind="file", path=str(weights), architecture="crnn_vgg")
        first = convert_recognizer(given, print)
        monkeypatch.setitem(sys.modules, "torch", None)
        assert convert_recognizer(given, print) == first

    @pytest.mark.parametrize(("name", "architecture"), [("weights.pth", ""), ("weights.onnx", "crnn_vgg")])
    def test_weights_need_an_architecture_and_only_they(
        self, name: str, architecture: str, cell: Cell, weights: Path
    ) -> None:
        path = weights.rename(weights.with_name(name))
        with pytest.raises(ModelError, match=r"\.onnx, \.xml, and \.pth, \.pt with source.architecture=craft"):
            convert_recognizer(with_source(cell, kind="file", path=str(path), architecture=architecture), print)


class TestRefusal:
    def test_pickled_objects_are_never_created(self, tmp_path: Path) -> None:
        trace = tmp_path / "executed"

        class Malicious:
            def __reduce__(self) -> tuple[object, tuple[str]]:
                return os.mkdir, (str(trace),)

        for name, save in (("zip.pth", torch.save), ("plain.pth", self.dump)):
            save({"Prediction.weight": Malicious()}, tmp_path / name)
            message = refusal(tmp_path / name)
            assert "not unpickled" in message
            assert "mkdir" in message
        assert not trace.exists()
        # The file is what it claims to be: whoever does unpickle it runs its code.
        pickle.loads((tmp_path / "plain.pth").read_bytes())
        assert trace.is_dir()

    @staticmethod
    def dump(content: object, path: Path) -> None:
        path.write_bytes(pickle.dumps(content, protocol=2))

    def test_a_whole_module_is_refused(self, tmp_path: Path) -> None:
        torch.save(torch.nn.Linear(2, 2), tmp_path / "module.pth")
        assert "Linear" in refusal(tmp_path / "module.pth")

    @pytest.mark.parametrize("content", [b"", b"not really a model", b"PK\x03\x04 broken archive"])
    def test_other_files_are_refused(self, content: bytes, tmp_path: Path) -> None:
        path = tmp_path / "weights.pth"
        path.write_bytes(content)
        refusal(path)

    @pytest.mark.parametrize("content", [{}, [1, 2], {"epoch": 3}, {"state_dict": {}}], ids=str)
    def test_what_holds_no_tensors_by_name_is_refused(self, content: object, tmp_path: Path) -> None:
        torch.save(content, tmp_path / "weights.pth")
        assert "expected tensors by name" in refusal(tmp_path / "weights.pth")

    def test_other_weights_are_refused(self, state: dict[str, Any], weights: Path, tmp_path: Path) -> None:
        assert "weights.pth does not fit architecture craft" in refusal(weights, "craft")
        incomplete = {name: value for name, value in state.items() if "linear" not in name}
        torch.save(incomplete, tmp_path / "incomplete.pth")
        assert "linear" in refusal(tmp_path / "incomplete.pth")
        torch.save({"weight": torch.zeros(1)}, tmp_path / "other.pth")
        assert "Prediction.weight" in refusal(tmp_path / "other.pth")
        torch.save({**state, "extra": torch.zeros(1)}, tmp_path / "more.pth")
        assert "extra" in refusal(tmp_path / "more.pth")


def test_the_prefix_of_parallel_training_is_left_out(state: dict[str, Any], weights: Path) -> None:
    assert read_state_dict(weights).keys() == state.keys()


def test_each_architecture_has_a_checksum_of_its_own() -> None:
    assert len({fingerprint(name) for name in ARCHITECTURES}) == len(ARCHITECTURES)


@pytest.mark.parametrize("reason", ["missing", "broken"])
def test_without_torch_the_extra_is_named(
    reason: str, weights: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    """As a user sees it: one line and the exit status of a cell that failed."""
    hiding = tmp_path / "hiding"
    hiding.mkdir()
    # Found before the real one.
    (hiding / "torch.py").write_text(f"raise {'ModuleNotFoundError' if reason == 'missing' else 'ImportError'}('no')")
    changed = {
        **environment,
        "PYTHONPATH": os.pathsep.join([str(hiding), environment["PYTHONPATH"]]),
        "OCRBENCH_CACHE": str(tmp_path / "cache"),
    }
    source = ["recognizer.source.kind=file", f"recognizer.source.path={weights}", "recognizer.source.sha256=''"]
    command = [sys.executable, "-m", "ocrbench", "fetch", "easyocr_english_g2", "precision=FP32", *source]
    done = subprocess.run(command, env=changed, capture_output=True, encoding="utf-8", timeout=300, check=False)
    assert done.returncode == 1
    assert "weights.pth: converting PyTorch weights needs torch: pip install 'ocrbench[torch]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_architecture_is_a_mistake_in_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["model=easyocr", "detector.source.architecture=crat"])
    assert ended.value.code == 2
    assert "did you mean craft?" in capsys.readouterr().err
