"""Networks of the Open Model Zoo, through its own downloader and converter."""

import json
import logging
import re
from collections.abc import Callable
from pathlib import Path

from ocrbench.config import Cell, Precision, Source
from ocrbench.convert.download import file_sha256
from ocrbench.convert.tools import CONVERTER, DOWNLOADER, Output, ZooTools, run_streaming
from ocrbench.errors import ModelError

log = logging.getLogger(__name__)

CHECKSUMS = "sha256.json"
# Tried in this order where a given folder does not hold the wanted precision.
PRECISIONS = ("FP16", "FP32", "FP16-INT8")


class ZooFolder:
    """A folder of zoo models as ``omz_downloader`` lays them out: ``…/<network>/<precision>/<network>.xml``."""

    def __init__(self, cell: Cell, precision: Precision) -> None:
        self._omz = cell.omz
        self._precision = precision
        self._cache_dir = Path(cell.cache_dir).expanduser()
        self._given = cell.omz.root is not None
        self._root = Path(cell.omz.root).expanduser() if cell.omz.root else self._cache_dir / "omz"

    def find(self, source: Source) -> Path | None:
        """Find a network's IR; in a given folder any precision will do, and what runs is attested anyway."""
        wanted = self._wanted(source)
        others = [name for name in PRECISIONS if name != wanted] if self._given else []
        for precision in (wanted, *others):
            for path in sorted(self._root.glob(f"**/{source.network}/{precision}/{source.network}.xml")):
                if path.with_suffix(".bin").is_file() and (self._given or _intact(path)):
                    if precision != wanted:
                        log.warning("%s: %s was wanted, %s holds %s", source.network, wanted, self._root, precision)
                    return path
        return None

    def fetch(self, source: Source, progress: Callable[[str], None]) -> Path:
        """Find a network's IR, or download and convert its model.

        Raises:
            ModelError: It is not in the given folder, or cannot be downloaded or converted.
        """
        found = self.find(source)
        if found is not None:
            return found
        wanted = self._wanted(source)
        if self._given:
            message = (
                f"omz.root={self._root} holds no {source.network}; expected "
                f"{source.network}/{wanted}/{source.network}.xml and .bin somewhere below it"
            )
            raise ModelError(message)
        self._download(source, wanted, progress)
        path = self._downloaded(source, wanted)
        if path is None:
            self._convert(source, wanted, progress)
            path = self._downloaded(source, wanted)
        if path is None:
            message = f"The Open Model Zoo's tools made no {source.network} of precision {wanted} in {self._root}"
            raise ModelError(message)
        sums = {each.name: file_sha256(each) for each in (path, path.with_suffix(".bin"))}
        (path.parent / CHECKSUMS).write_text(json.dumps(sums), encoding="utf-8")
        return path

    def _wanted(self, source: Source) -> str:
        return source.precisions.get(self._precision, "FP16")

    def _downloaded(self, source: Source, precision: str) -> Path | None:
        return next(iter(sorted(self._root.glob(f"**/{source.network}/{precision}/{source.network}.xml"))), None)

    def _download(self, source: Source, precision: str, progress: Callable[[str], None]) -> None:
        tools = ZooTools(self._omz, self._cache_dir, progress)
        progress(f"downloading {source.model} from the Open Model Zoo")
        cache = self._omz.cache_dir or str(self._cache_dir / "omz-files")
        Path(cache).mkdir(parents=True, exist_ok=True)
        self._root.mkdir(parents=True, exist_ok=True)
        options = ["--name", source.model, "--precisions", precision, "--output_dir", str(self._root)]
        options += ["--cache_dir", cache, "--num_attempts", str(self._omz.num_attempts)]
        output = run_streaming([tools.command(DOWNLOADER), *options], progress)
        if output.status:
            raise ModelError(_download_message(source, output, cache))

    def _convert(self, source: Source, precision: str, progress: Callable[[str], None]) -> None:
        tools = ZooTools(self._omz, self._cache_dir, progress)
        progress(f"converting {source.model} with {CONVERTER}")
        folders = ["--download_dir", str(self._root), "--output_dir", str(self._root)]
        command = [tools.command(CONVERTER, pytorch=True), *folders, "--name", source.model, "--precisions", precision]
        output = run_streaming(command, progress)
        if output.status:
            reason = output.last("Error") or output.last("error") or output.last("FAILED")
            message = f"{CONVERTER} cannot convert {source.model} to {precision}: {reason} (-v shows all it printed)"
            raise ModelError(message)


def _download_message(source: Source, output: Output, cache: str) -> str:
    """Say which file failed, why, and what can be done, from what the downloader printed."""
    file = output.last("Downloading /") or output.last("Downloading ")
    text = "\n".join(output.lines)
    host = re.findall(r"HTTPS?ConnectionPool\(host='([^']+)', port=(\d+)\).*?url: (\S+)", text)
    addresses = [f"{'http' if port == '80' else 'https'}://{name}{path}" for name, port, path in host]
    addresses += re.findall(r"for url: (\S+)", text)
    reason = output.last("Error:") or output.last("rror") or "omz_downloader failed"
    return (
        f"Cannot download {source.model}: {file.removeprefix('Downloading ') or 'its files'}"
        f"{' from ' + addresses[-1] if addresses else ''}: {_short(reason)}. Behind a proxy, set https_proxy; offline, "
        f"give a folder of models downloaded before (omz.root=PATH) or of files by checksum (omz.cache_dir={cache})"
    )


def _short(reason: str) -> str:
    causes = re.findall(r"(?:Caused by )?(\w+Error)\(.*?[:,] ?[\"']?([^\"')]+)", reason)
    return f"{causes[-1][0]}: {causes[-1][1].strip()}" if causes else reason


def _intact(path: Path) -> bool:
    """Compare a downloaded IR with the checksums that were taken when it was complete."""
    try:
        sums = json.loads((path.parent / CHECKSUMS).read_text(encoding="utf-8"))
        return all(file_sha256(path.parent / name) == digest for name, digest in sums.items())
    except (OSError, ValueError, AttributeError):
        return False
