"""Files that are written whole or not at all."""

import os
import secrets
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
    # Not by tempfile, whose files only their owner may read: here the umask says who may.
    partial = path.parent / f".{path.name}-{secrets.token_hex(4)}"
    partial.touch(exist_ok=False)
    try:
        with partial.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(partial, path)  # noqa: PTH105 - atomic on every platform
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
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
