"""What the tests of rewritings share."""

from collections.abc import Callable
from pathlib import Path

import openvino as ov
import pytest

Rewrite = Callable[[ov.Model], int]


@pytest.fixture
def files_of(tmp_path: Path) -> Callable[[ov.Model, Rewrite], list[bytes]]:
    """Return what reads a model from a file, rewrites it, and returns the files that become of it."""
    source, rewritten = tmp_path / "source.xml", tmp_path / "rewritten.xml"

    def make(model: ov.Model, rewrite: Rewrite) -> list[bytes]:
        if not source.exists():
            ov.save_model(model, source, compress_to_fp16=False)
        read = ov.Core().read_model(source)
        assert rewrite(read)
        ov.save_model(read, rewritten, compress_to_fp16=False)
        return [rewritten.with_suffix(end).read_bytes() for end in (".xml", ".bin")]

    return make
