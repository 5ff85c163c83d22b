"""Conversion of PyTorch state dicts to OpenVINO. torch is imported only when something has to be converted."""

import pickle
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import openvino as ov

from ocrbench import architectures
from ocrbench.architectures import ARCHITECTURES
from ocrbench.errors import ConversionError, ModelError, last_line

# Prefix that torch.nn.DataParallel adds to every name.
PARALLEL = "module."


def convert_state_dict(path: Path, name: str) -> Any:  # noqa: ANN401 - OpenVINO has no stubs
    """Load weights into an architecture and convert it.

    Args:
        path: State dict, as ``torch.save(module.state_dict(), path)`` writes it.
        name: Key of ``ARCHITECTURES``.

    Returns:
        The ``ov.Model``.

    Raises:
        ModelError: torch is not installed, or the file is not a state dict of this architecture.
        ConversionError: OpenVINO cannot convert the module.
    """
    module = load_module(path, name)
    import torch

    known = ARCHITECTURES[name]
    try:
        with torch.no_grad(), warnings.catch_warnings():
            # Tracing warns about sizes that it takes for constants, which is harmless here, and about itself.
            warnings.simplefilter("ignore")
            return ov.convert_model(module, example_input=torch.zeros(known.example), input=[known.shape])
    except Exception as error:
        message = f"OpenVINO {ov.get_version().split('-')[0]} cannot convert {name}: {last_line(error)}"
        raise ConversionError(message) from error


def load_module(path: Path, name: str) -> Any:  # noqa: ANN401 - torch may not be installed
    """Build an architecture in evaluation mode with the weights of a file; arguments and errors as above."""
    state = read_state_dict(path)
    try:
        module = architectures.build(name, state)
        module.load_state_dict(state)
    except (KeyError, RuntimeError) as error:
        # torch lists every name; the first one shows the problem.
        reason = f"it has no {error}" if isinstance(error, KeyError) else _shortened(str(error))
        message = f"{path.name} does not fit architecture {name}: {reason}"
        raise ModelError(message) from error
    return module.eval()


def read_state_dict(path: Path) -> dict[str, Any]:
    """Read tensors by name, and only tensors: pickled objects are never created.

    Returns:
        Name → tensor on the CPU, without the prefix of ``DataParallel``.

    Raises:
        ModelError: torch is not installed, or the file has other content.
    """
    try:
        import torch
    except ImportError as error:
        message = f"{path.name}: converting PyTorch weights needs torch: pip install 'ocrbench[torch]'"
        raise ModelError(message) from error

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        found = re.search(r"GLOBAL (\S+)", str(error))
        reason = f"it would run {found[1]}" if found else _shortened(str(error))
        message = f"{path.name} is not a plain state dict and is not unpickled: {reason}"
        raise ModelError(message) from error
    except Exception as error:
        message = f"{path.name} cannot be read as a PyTorch state dict: {_shortened(str(error))}"
        raise ModelError(message) from error
    if not isinstance(state, Mapping) or not state or not all(map(torch.is_tensor, state.values())):
        message = f"{path.name} is not a state dict: expected tensors by name, as of torch.save(module.state_dict(), …)"
        raise ModelError(message)
    return {str(key).removeprefix(PARALLEL): value for key, value in state.items()}


def _shortened(message: str, limit: int = 160) -> str:
    r"""Shorten a text to one line of limited length.

    >>> _shortened("Error(s) in loading state_dict for Craft:\n\tMissing key(s) …")
    'Error(s) in loading state_dict for Craft: Missing key(s) …'
    """
    line = " ".join(message.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
