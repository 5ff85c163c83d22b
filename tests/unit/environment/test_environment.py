"""What identifies a measurement, and nothing that changes by the minute."""

import os

import pytest

from ocrbench import environment


def test_what_identifies_a_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in environment.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    described = environment.describe()
    assert set(described) == {"versions", "host", "source"}
    assert set(described["host"]) == {"name", "cpu", "cpu_flags", "virtual", "cores", "memory_bytes", "os"}
    assert described == environment.describe()


def test_variables_that_hide_instructions_identify_a_measurement_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    assert environment.describe()["variables"] == {"ONEDNN_MAX_CPU_ISA": "AVX2"}


def test_versions_name_what_is_installed_only() -> None:
    versions = environment.versions()
    assert {"python", "openvino", "numpy"} <= set(versions)
    assert all(versions.values())


def test_the_source_is_hashed() -> None:
    assert len(environment.source()) == 16
    assert int(environment.source(), 16)


@pytest.mark.parametrize(
    ("flags", "relevant"),
    [
        (["avx512_bf16", "avx512bf16"], ["avx512bf16"]),
        (["amx_bf16", "amx_tile", "amx_int8", "avx_vnni"], ["amxbf16", "amxint8", "amxtile", "avxvnni"]),
        (["asimdhp", "sve", "bf16", "i8mm"], ["asimdhp", "bf16", "i8mm", "sve"]),
        (["sse", "avx", "fpu", "hypervisor", "fma4"], []),
    ],
)
def test_flags_that_decide_kernels(flags: list[str], relevant: list[str]) -> None:
    assert environment.relevant_flags(flags) == relevant


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity here")
def test_cores_are_those_that_this_process_may_use() -> None:
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert environment.allowed_cores() == [min(before)]
    finally:
        os.sched_setaffinity(0, before)


def test_memory_has_a_peak() -> None:
    assert environment.peak_memory_bytes() > 2**20
