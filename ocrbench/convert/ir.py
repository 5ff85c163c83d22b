"""Conversion of a source model to an OpenVINO IR."""

import logging
import pickle
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from openvino._offline_transformations import apply_moc_transformations

from ocrbench import architectures
from ocrbench.architectures import ARCHITECTURES, SUFFIXES
from ocrbench.errors import ConversionError, ModelError, last_line

# Prefix that torch.nn.DataParallel adds to every name.
PARALLEL = "module."
log = logging.getLogger(__name__)
# A constant is kept in float32 if at least this share of its values does not fit into float16.
KEPT_SHARE = 0.75
# Number of constants that are named.
NAMED = 5


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


def read_source(path: Path, architecture: str = "") -> tuple[Any, dict[str, str]]:
    """Read a model that OpenVINO's frontends know.

    Args:
        path: IR, ONNX file or PyTorch state dict.
        architecture: Architecture of the state dict.

    Returns:
        The ``ov.Model`` and the metadata of the file (ONNX).

    Raises:
        ModelError: As ``convert_state_dict``.
        ConversionError: OpenVINO cannot read it.
    """
    if path.suffix in SUFFIXES:
        return convert_state_dict(path, architecture), {}
    try:
        model = _read_ir(path) if path.suffix == ".xml" else ov.convert_model(path)
    except Exception as error:
        message = f"OpenVINO {ov.get_version().split('-')[0]} cannot read {path.name}: {_first_line(error)}"
        raise ConversionError(message) from error
    return model, _metadata(model)


def _read_ir(path: Path) -> Any:  # noqa: ANN401 - OpenVINO has no stubs
    """Read an IR, and simplify it as ``ov.convert_model`` does.

    An IR that was saved after ``read_model`` lacks these transformations, and NNCF would then leave the convolutions of
    single channels (depthwise) in float (OpenVINO 2026.4.1, nncf 3.4.0).
    """
    model = ov.Core().read_model(path)
    if not is_quantised(model):
        apply_moc_transformations(model, cf=False)
    return model


def is_quantised(model: Any) -> bool:  # noqa: ANN401 - OpenVINO has no stubs
    """Return whether a model is quantised already."""
    return any(node.get_type_name() == "FakeQuantize" for node in model.get_ops())


def save(model: Any, path: Path, *, compress: bool) -> None:  # noqa: ANN401 - OpenVINO has no stubs
    """Write an IR.

    Args:
        model: The ``ov.Model``.
        path: The ``.xml``; the ``.bin`` goes beside it.
        compress: Store float weights as float16. Values that float16 cannot hold become its largest, with a warning.
    """
    if compress:
        _name_what_does_not_fit(model)
    ov.save_model(model, path, compress_to_fp16=compress)


def _name_what_does_not_fit(model: Any) -> None:  # noqa: ANN401 - OpenVINO has no stubs
    """Warn of constants of which OpenVINO will change values without a word (2026.4.1)."""
    largest = np.finfo(np.float16).max
    found = {}
    for node in model.get_ops():
        if node.get_type_name() == "Constant" and node.get_element_type() in (ov.Type.f32, ov.Type.f64):
            values = node.data
            beyond = int((np.abs(values) > largest).sum())
            # Where most values do not fit, OpenVINO keeps the constant as it is.
            if 0 < beyond < KEPT_SHARE * values.size:
                found[node.get_friendly_name()] = beyond
    if found:
        names = ", ".join([*found][:NAMED]) + (", …" if len(found) > NAMED else "")
        log.warning("float16: %d values do not fit and become ±%g, in %s", sum(found.values()), largest, names)


def _metadata(model: Any) -> dict[str, str]:  # noqa: ANN401 - OpenVINO has no stubs
    if not model.has_rt_info(["framework"]):
        return {}
    found = model.get_rt_info(["framework"]).value
    return {str(key): str(getattr(value, "value", value)) for key, value in found.items()}


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return next((line for line in lines if not line.startswith(("Exception from", "Check '"))), type(error).__name__)
