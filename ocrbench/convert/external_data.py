"""The files beside an ONNX model that hold its weights: what ONNX calls external data."""

import re
from pathlib import Path

from ocrbench.errors import ModelError

# An entry of ``TensorProto.external_data`` as protobuf writes it: field 13, the entry's length, the key "location", and
# the length of the value that follows, which is a file's name.
LOCATION = re.compile(rb"\x6a.{1,2}\x0a\x08location\x12([\x80-\xff]?[\x00-\x7f])", re.DOTALL)


def external_data(model: Path) -> list[Path]:
    """Find the files that an ONNX model keeps weights in, without reading them.

    Raises:
        ModelError: One is missing, or would lie outside the model's folder.
    """
    content = model.read_bytes()
    names = {_value(content, found) for found in LOCATION.finditer(content)}
    return [_beside(model, name) for name in sorted(names)]


def _value(content: bytes, found: re.Match[bytes]) -> str:
    length = sum((byte & 0x7F) << 7 * place for place, byte in enumerate(found[1]))
    return content[found.end() : found.end() + length].decode(errors="replace")


def _beside(model: Path, name: str) -> Path:
    path = Path(name)
    if path.anchor or ".." in path.parts:
        message = f"{model} names {name!r} as the file of its weights; expected one in its own folder"
        raise ModelError(message)
    if not (model.parent / path).is_file():
        message = f"{model} keeps weights in {name!r}, which is missing; models of several files take source.kind=file"
        raise ModelError(message)
    return model.parent / path
