"""Downloads: https only, checked, written in one step."""

import hashlib
import os
import re
import urllib.parse
from collections.abc import Callable, Iterable
from pathlib import Path

from ocrbench.config import Source
from ocrbench.errors import ModelError

TIMEOUT_SECONDS = 60
CHUNK_BYTES = 1 << 20
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def from_url(source: Source, target: Path, progress: Callable[[str], None]) -> Path:
    """Download a model file, unless it is there already and intact.

    Raises:
        ModelError: The address is not https (or loopback), cannot be read, or holds another file.
    """
    parts = urllib.parse.urlsplit(source.url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        message = f"source.url={source.url}: only https addresses are fetched"
        raise ModelError(message)
    if not source.sha256:
        message = f"source.url={source.url}: a download needs its source.sha256"
        raise ModelError(message)
    if is_intact(target, source.sha256):
        return target
    # Takes long to import, and most models are on disk.
    import requests

    progress(f"fetching {source.url}")
    try:
        with requests.get(source.url, timeout=TIMEOUT_SECONDS, stream=True) as answer:
            answer.raise_for_status()
            write_checked(answer.iter_content(CHUNK_BYTES), target, source.sha256, source.url)
    except requests.RequestException as error:
        message = f"Cannot fetch {source.url}: {reason(str(error))}. Behind a proxy, set https_proxy"
        raise ModelError(message) from error
    return target


def reason(message: str) -> str:
    """Take the system's own words out of what ``requests`` says of a failure, if they are in there.

    >>> reason("HTTPSConnectionPool(…): Max retries exceeded (Caused by …: [Errno 111] Connection refused'))")
    'Connection refused'
    >>> reason("404 Client Error: Not Found for url: https://example.com/x.jpg")
    '404 Client Error: Not Found'
    """
    system = re.search(r"\[Errno -?\d+\] ([^'\")]+)", message)
    return system[1] if system else message.partition(" for url: ")[0]


def write_checked(chunks: Iterable[bytes], target: Path, sha256: str, origin: str) -> None:
    """Write a file in one step, if it has the right checksum; the caller holds a lock on it.

    Raises:
        ModelError: It has another; nothing is written then.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    # Always the same name, so that what a killed process left there is overwritten.
    temporary = target.parent / f".fetching-{target.name}"
    try:
        with temporary.open("wb") as stream:
            stream.writelines(chunks)
        check_sha256(temporary, sha256, origin)
        os.replace(temporary, target)  # noqa: PTH105 - atomic on every platform
    finally:
        temporary.unlink(missing_ok=True)


def check_sha256(path: Path, expected: str, origin: str) -> None:
    """Compare a file's checksum.

    Raises:
        ModelError: It is another.
    """
    found = file_sha256(path)
    if found != expected:
        message = f"{origin} is not the file that was expected: sha256 {found[:16]}…, not {expected[:16]}…"
        raise ModelError(message)


def is_intact(path: Path, sha256: str) -> bool:
    """Tell whether a file is there with this checksum."""
    return path.is_file() and file_sha256(path) == sha256


def file_sha256(path: Path) -> str:
    """Hash a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
