"""Conversion of a source model to an OpenVINO IR."""

from pathlib import Path
from typing import Any

import openvino as ov

from ocrbench.architectures import SUFFIXES
from ocrbench.convert.pytorch import convert_state_dict
from ocrbench.errors import ConversionError


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
        model = ov.Core().read_model(path) if path.suffix == ".xml" else ov.convert_model(path)
    except Exception as error:
        message = f"OpenVINO {ov.get_version().split('-')[0]} cannot read {path.name}: {_first_line(error)}"
        raise ConversionError(message) from error
    return model, _metadata(model)


def is_quantised(model: Any) -> bool:  # noqa: ANN401 - OpenVINO has no stubs
    """Return whether a model is quantised already."""
    return any(node.get_type_name() == "FakeQuantize" for node in model.get_ops())


def save(model: Any, path: Path, *, compress: bool) -> None:  # noqa: ANN401 - OpenVINO has no stubs
    """Write an IR.

    Args:
        model: The ``ov.Model``.
        path: The ``.xml``; the ``.bin`` goes beside it.
        compress: Store float weights as float16.
    """
    ov.save_model(model, path, compress_to_fp16=compress)


def _metadata(model: Any) -> dict[str, str]:  # noqa: ANN401 - OpenVINO has no stubs
    if not model.has_rt_info(["framework"]):
        return {}
    found = model.get_rt_info(["framework"]).value
    return {str(key): str(getattr(value, "value", value)) for key, value in found.items()}


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return next((line for line in lines if not line.startswith(("Exception from", "Check '"))), type(error).__name__)
