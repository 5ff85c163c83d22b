"""PyTorch architectures: the modules into which state dicts are loaded before OpenVINO converts them.

Each is a module of this package with a function ``build(state)``; only these modules import torch. To add one: write
``architectures/<name>.py`` and register it in ``ARCHITECTURES``.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from ocrbench.config.checking import closest
from ocrbench.config.schema import Cell
from ocrbench.errors import ConfigError

__all__ = ["ARCHITECTURES", "SUFFIXES", "Architecture", "build", "check_architectures", "fingerprint"]


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """Shapes for the conversion of an architecture.

    Attributes:
        shape: Shape of the float32 input; -1 where it may vary.
        example: Shape with which the module is traced.
    """

    shape: tuple[int, ...]
    example: tuple[int, ...]


# Files of state dicts.
SUFFIXES = (".pth", ".pt")
ARCHITECTURES: dict[str, Architecture] = {
    "craft": Architecture(shape=(1, 3, -1, -1), example=(1, 3, 64, 96)),
    "crnn_vgg": Architecture(shape=(-1, 1, 64, -1), example=(2, 1, 64, 128)),
}


def check_architectures(cell: Cell) -> None:
    """Check that the architectures named by a cell's sources are known.

    Raises:
        ConfigError: One is unknown.
    """
    for stage in cell.stages.values():
        for source in (stage.source, *stage.more_sources.values()):
            if source.architecture and source.architecture not in ARCHITECTURES:
                valid = closest(source.architecture, ARCHITECTURES)
                message = f"{stage.name}: source.architecture={source.architecture}: no such architecture; {valid}"
                raise ConfigError(message)


def build(name: str, state: Mapping[str, Any]) -> Any:  # noqa: ANN401 - torch may not be installed
    """Build the ``torch.nn.Module`` of an architecture, in the sizes of a state dict.

    Args:
        name: A key of ``ARCHITECTURES``.
        state: Parameter → tensor.

    Raises:
        KeyError: The state dict lacks the tensor that determines the size.
    """
    return import_module(f"{__name__}.{name}").build(state)


def fingerprint(name: str) -> str:
    """Return a checksum of an architecture's source, on which a converted model depends as on its weights."""
    return hashlib.sha256((Path(__file__).parent / f"{name}.py").read_bytes()).hexdigest()
