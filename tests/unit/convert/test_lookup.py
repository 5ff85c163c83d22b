"""Finding networks: the warnings of a run that may lose more accuracy than was agreed."""

from collections.abc import Iterator

import pytest

from ocrbench import environment
from ocrbench.config.composing import load
from ocrbench.convert import lookup


@pytest.fixture(autouse=True)
def nothing_was_said() -> Iterator[None]:
    lookup._warn_of_saturation.cache_clear()
    yield
    lookup._warn_of_saturation.cache_clear()


@pytest.mark.parametrize(
    ("words", "flags", "warned"),
    [
        ("precision=INT8", ["avx2", "avx512f"], 1),
        ("recognizer.precision=INT8 device='AUTO:GPU,CPU'", ["avx2"], 1),
        ("precision=INT8", ["avx2", "avx512vnni"], 0),
        ("precision=INT8", ["avx2", "avxvnni"], 0),
        ("precision=INT8", ["amxint8", "avx2"], 0),
        ("precision=INT8", ["asimd"], 0),
        ("precision=INT8 device=GPU", ["avx2"], 0),
        ("precision=FP32", ["avx2"], 0),
    ],
)
def test_a_processor_whose_8_bit_sums_saturate_is_named_once(
    words: str, flags: list[str], warned: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(environment, "host", lambda: {"cpu_flags": flags})
    for _ in range(2):
        lookup.find_artifacts(load(words.split()), [])
    assert [record.message.partition(":")[0] for record in caplog.records] == (
        ["INT8 loses accuracy on this CPU"] * warned
    )
