"""Files: those that come with ocrbench, where the others lie, and writing them whole or not at all."""

import os
import secrets
from pathlib import Path


def why_unwritable(folder: Path) -> str:
    """Explain why a folder, which need not exist yet, is not writable; empty if it is."""
    folder = folder.absolute()
    there = next(each for each in (folder, *folder.parents) if each.exists())
    if not there.is_dir():
        return f"{there} is not a folder"
    return "" if os.access(there, os.W_OK | os.X_OK) else f"{there} is write-protected"


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that a crash leaves either the old or the new content, never a part.

    Only a regular file is replaced. A link keeps pointing where it does, and the file there is replaced; a device or a
    pipe is written to.

    Raises:
        OSError: It cannot be written, for example because it is a folder.
    """
    path = path.resolve()
    if path.exists() and not path.is_file():
        with path.open("wb") as stream:
            stream.write(content)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not with tempfile, whose files only their owner may read: here the umask applies.
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
    """Make a rename durable; only POSIX systems can sync a folder."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def packaged(relative: str) -> str:
    """Return the absolute path of a packaged folder: inside the wheel, or in the checkout."""
    here = Path(__file__).resolve().parent
    inside = here / relative
    return str(inside if inside.exists() else here.parent / relative)


def default_cache_dir() -> str:
    """Return the folder for converted models and downloads: ``OCRBENCH_CACHE``, or the platform's for ocrbench."""
    if given := os.environ.get("OCRBENCH_CACHE"):
        return given
    # Not needed where the variable is set.
    import platformdirs

    return platformdirs.user_cache_dir("ocrbench", appauthor=False)


def choices(group: str, config_dir: str | None = None) -> list[str]:
    """Return the sorted names of a config group, with those of the user's own folder: ``choices("detector")``."""
    folders = [packaged("conf"), *([config_dir] if config_dir else [])]
    return sorted({path.stem for folder in folders for path in (Path(folder) / group).glob("*.yaml")})
