"""OpenVINO's operations, for building and rewriting networks."""

from collections.abc import Callable
from typing import Any

import numpy as np

try:
    from openvino import opset13 as ops
except ImportError:  # up to 2024.6
    from openvino.runtime import opset13 as ops

__all__ = ["NamedOps", "ops"]


class NamedOps:
    """OpenVINO's operations, whose nodes get names by number: ``NamedOps("prefix").relu(value)``.

    The names that OpenVINO makes up differ from run to run: the same conversion would give another file each time, and
    the model cache would never know a model again.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix, self._made = prefix, 0

    def integers(self, *values: int) -> Any:  # noqa: ANN401 - OpenVINO has no stubs
        """Make a constant of whole numbers, as shapes and axes are given: ``NamedOps("prefix").integers(2, 3)``."""
        return self.constant(np.array(values, dtype=np.int64))

    def __getattr__(self, kind: str) -> Callable[..., Any]:
        def make(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - OpenVINO has no stubs
            node = getattr(ops, kind)(*arguments, **options)
            node.set_friendly_name(f"{self._prefix}/{self._made}")
            self._made += 1
            return node

        return make
