"""Files that are written whole or not at all."""

import os
import tempfile
from pathlib import Path


def why_unwritable(folder: Path) -> str:
    """Say why nothing can be written into a folder, which need not be there yet; empty if it can be."""
    folder = folder.absolute()
    there = next(each for each in (folder, *folder.parents) if each.exists())
    if not there.is_dir():
        return f"{there} is not a folder"
    return "" if os.access(there, os.W_OK | os.X_OK) else f"{there} is write-protected"


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that a crash leaves the old content or the new, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-", delete=False) as stream:
        try:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        except BaseException:
            Path(stream.name).unlink(missing_ok=True)
            raise
    Path(stream.name).chmod(0o644)
    os.replace(stream.name, path)  # noqa: PTH105 - atomic on every platform
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename durable; only POSIX systems let a folder be synced."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
