"""Which types were executed: on every kind of device, cold and from OpenVINO's cache, with and without instructions."""

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest

from ocrbench import environment as our_environment
from ocrbench.graphs.nodes import ops
from ocrbench.records import Artifact, Graph
from ocrbench.runs.store import Store
from ocrbench.runtime.network import CompiledNetwork, Execution, Settings

Run = Callable[..., subprocess.CompletedProcess[str]]
Latest = Callable[[Path], list[dict[str, Any]]]

CAPABILITIES = set(ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"))
TYPES = {"FP32": "f32", "FP16": "f16", "BF16": "bf16", "INT8": "i8"}
SETTINGS = Settings(device="CPU", precision="FP32", properties={})
GRAPH = Graph()
RANDOM = np.random.default_rng(3)
IMAGE = RANDOM.standard_normal((1, 16, 48, 48)).astype(np.float32)


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """Two convolutions with enough to do for their times to be measured."""
    image = ops.parameter([1, 16, 48, 48], np.float32, name="image")
    answer = image
    for channels in (16, 64):
        kernel = ops.constant(RANDOM.standard_normal((64, channels, 3, 3)).astype(np.float32))
        answer = ops.relu(ops.convolution(answer, kernel, [1, 1], [1, 1], [1, 1], [1, 1]))
    path = tmp_path_factory.mktemp("model") / "model.xml"
    ov.save_model(ov.Model([answer], [image], "small"), path, compress_to_fp16=False)
    return Artifact(path=path, precision="FP32", sha256="0" * 64, size_bytes=1, source="made here")


def execute(artifact: Artifact, settings: Settings) -> Execution:
    compiled = CompiledNetwork(artifact, GRAPH, settings)
    compiled.network()(IMAGE)
    return compiled.execution(lambda network: [network(IMAGE) for _ in range(3)] and None)


@pytest.mark.parametrize("device", ["CPU", "AUTO", "AUTO:CPU", "HETERO:CPU", "MULTI:CPU"])
def test_shares_are_told_on_every_kind_of_device_also_from_the_cache(
    device: str, artifact: Artifact, tmp_path: Path
) -> None:
    """Narrow first: whatever the first one leaves in a cache, the second must not be served."""
    for from_cache in (False, True):
        for precision in ("BF16", "FP32"):
            found = execute(artifact, replace(SETTINGS, device=device, precision=precision, cache_dir=tmp_path))
            assert "CPU" in found.execution_devices[0]
            assert sum(found.executed.values()) == pytest.approx(1, abs=0.01)
            narrow = set(found.executed) - {"f32", "other"}
            if precision == "BF16":
                # Without instructions some versions of OpenVINO emulate it, and others do without.
                assert narrow == {"bf16"} or (not narrow and "BF16" not in CAPABILITIES), found
                assert set(found.emulated) == (narrow if "BF16" not in CAPABILITIES else set()), found
            else:
                assert not narrow, found
            if device == "CPU":
                # The other devices do not say so of the one behind them.
                assert found.from_cache is from_cache


class TestPoisonedCache:
    """OpenVINO's cache key leaves out the precision: f32 is served what was compiled for bf16.

    Whether it then runs as bf16 depends on the device: the CPU plugin of 2026.4 goes by the new hint where bf16 is the
    narrow type. So what is held on to here is that nothing is served at all.
    """

    @staticmethod
    def f32_after_bf16(artifact: Artifact, folder: Path) -> Execution:
        execute(artifact, replace(SETTINGS, precision="BF16", cache_dir=folder))
        asked = execute(artifact, replace(SETTINGS, precision="FP32", cache_dir=folder))
        assert asked.hint == "f32"
        return asked

    def test_what_one_precision_cached_never_serves_another(self, artifact: Artifact, tmp_path: Path) -> None:
        found = self.f32_after_bf16(artifact, tmp_path)
        assert not found.from_cache
        assert set(found.executed) - {"other"} == {"f32"}

    def test_one_folder_for_all_would_serve_it(
        self, artifact: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The trap is real: the test above fails as soon as the folders are joined."""
        monkeypatch.setattr(CompiledNetwork, "_cache_dir", lambda *_: tmp_path)
        assert self.f32_after_bf16(artifact, tmp_path).from_cache


@pytest.mark.slow
def test_eight_cells_execute_what_they_say(ocrbench: Run, latest: Latest, cache_dir: Path, tmp_path: Path) -> None:
    """FP32, FP16, BF16 and INT8, each compiled and then loaded from the cache."""
    (tmp_path / "cache").mkdir()
    # Converted models as everywhere, compiled ones of its own.
    for shared in ("artifacts", "calibration", "models"):
        (cache_dir / shared).mkdir(parents=True, exist_ok=True)
        (tmp_path / "cache" / shared).symlink_to(cache_dir / shared)
    words = [
        # The narrow ones first, so that a cache for all would serve them to FP32.
        "precision=BF16,FP16,INT8,FP32",
        *("model_cache=true", "force=true", "dataset.limit=1", "scenario.min_seconds=0", "scenario.warmup_images=0"),
        *(f"{stage}.quantization.subset_size=8" for stage in ("detector", "recognizer")),
        f"cache_dir={tmp_path / 'cache'}",
    ]
    for number in range(2):
        reports = tmp_path / f"reports{number}"
        done = ocrbench("-m", *words, f"reports_dir={reports}")
        assert done.returncode == 0, done.stdout + done.stderr
        rows = {row["precision"]: row for row in latest(reports)}
        assert set(rows) == set(TYPES)
        for precision, row in rows.items():
            native = precision in CAPABILITIES
            ran = [TYPES[precision] in executed(row, stage) for stage in ("detector", "recognizer")]
            assert row["precision_honoured"] == ("yes" if all(ran) else "no"), row
            # Without instructions bf16 may be emulated, and then that is said.
            assert all(ran) if native else not any(ran) or row["precision_native"] == "no", row
            if precision == "FP32":
                assert executed(row, "detector") == executed(row, "recognizer") == {"f32"}, row
        networks = [
            network
            for record in Store(reports).runs()
            for stage in record.execution.values()
            for network in stage.values()
        ]
        assert {network["from_cache"] for network in networks} == {number == 1}


# What oneDNN is allowed → whether it may use instructions for bf16.
@pytest.mark.slow
@pytest.mark.parametrize(("allowed", "capped"), [("AVX512_CORE_VNNI", True), ("DEFAULT", False)])
def test_bf16_without_instructions_is_called_emulated(
    allowed: str, capped: bool, environment: dict[str, str], model: str, latest: Latest, tmp_path: Path
) -> None:
    """OpenVINO reports bf16 either way; 2024.6 does not use it where oneDNN has no instructions for it."""
    words = ["precision=AUTO", "dataset.limit=1", "scenario.min_seconds=0", model, f"reports_dir={tmp_path}"]
    done = subprocess.run(
        [sys.executable, "-m", "ocrbench", *words],
        cwd=tmp_path,
        env={**environment, "ONEDNN_MAX_CPU_ISA": allowed},
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (row,) = latest(tmp_path)
    (record,) = Store(tmp_path).runs()
    assert record.environment["variables"] == {"ONEDNN_MAX_CPU_ISA": allowed}
    instructions = {"avx512bf16", "amxbf16"} & set(our_environment.host()["cpu_flags"]) and not capped
    emulated = "bf16" in executed(row, "detector") and not instructions
    assert row["precision_native"] == ("no" if emulated else "yes"), row
    assert ("bf16 is emulated here" in " ".join(done.stderr.split())) is emulated


def executed(row: dict[str, Any], stage: str) -> set[str]:
    """Return the types that ran: ``bf16 80% f32 20%`` → {"bf16", "f32"}."""
    return set(re.findall(r"([a-z]+\d+) \d+%", row[f"{stage}_executed"]))
