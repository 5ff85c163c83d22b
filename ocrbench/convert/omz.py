"""Networks of the Open Model Zoo, through its own downloader and converter."""

import json
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock

from ocrbench.config.schema import Cell
from ocrbench.config.stage import Source
from ocrbench.convert.download import file_sha256, reason
from ocrbench.convert.tools import CONVERTER, DESCRIBER, DOWNLOADER, ZooTools, run_streaming
from ocrbench.errors import ModelError
from ocrbench.precisions import Precision

log = logging.getLogger(__name__)

CHECKSUMS = "sha256.json"
# Number of attempts for a download.
ATTEMPTS = 5
# Order of precisions to try if a given folder lacks the requested one.
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
        """Find a network's IR; in a given folder any precision will do, because the executed one is checked anyway."""
        wanted = self._wanted(source)
        others = [name for name in PRECISIONS if name != wanted] if self._given else []
        for precision in (wanted, *others):
            for path in sorted(self._root.glob(f"**/{source.network}/{precision}/{source.network}.xml")):
                if path.with_suffix(".bin").is_file() and (self._given or _intact(path)):
                    return path
        return None

    def fetch(self, source: Source, progress: Callable[[str], None]) -> Path:
        """Find a network's IR, or download and convert its model.

        Raises:
            ModelError: The network is not in the given folder, or cannot be downloaded or converted.
        """
        wanted = self._wanted(source)
        found = self.find(source)
        if found is not None:
            if found.parent.name != wanted:
                progress(f"{source.network}: {wanted} was requested, {self._root} has {found.parent.name}")
            return found
        if self._given:
            message = (
                f"omz.root={self._root} has no {source.network}; expected "
                f"{source.network}/{wanted}/{source.network}.xml and .bin somewhere below it"
            )
            raise ModelError(message)
        self._root.mkdir(parents=True, exist_ok=True)
        with FileLock(self._root / f"{source.model}.lock"):
            # Another process may have made it.
            return self.find(source) or self._make(source, wanted, progress)

    def _make(self, source: Source, wanted: str, progress: Callable[[str], None]) -> Path:
        stale = self._downloaded(source, wanted)
        if stale is not None:
            progress(f"{stale} is incomplete or was edited, and is fetched again")
            stale.unlink()
        self._download(source, wanted, progress)
        path = self._downloaded(source, wanted)
        if path is None:
            self._convert(source, wanted, progress)
            path = self._downloaded(source, wanted)
        if path is None:
            message = f"The Open Model Zoo's tools made no {source.network} of precision {wanted} in {self._root}"
            raise ModelError(message)
        # A model of several networks is downloaded as a whole.
        for each in self._root.glob(f"**/{source.model}/**/{wanted}/*.xml"):
            sums = {file.name: file_sha256(file) for file in (each, each.with_suffix(".bin"))}
            (each.parent / CHECKSUMS).write_text(json.dumps(sums), encoding="utf-8")
        return path

    def _wanted(self, source: Source) -> str:
        return source.precisions.get(self._precision, "FP16")

    def _downloaded(self, source: Source, precision: str) -> Path | None:
        return next(iter(sorted(self._root.glob(f"**/{source.network}/{precision}/{source.network}.xml"))), None)

    def _download(self, source: Source, precision: str, progress: Callable[[str], None]) -> None:
        tools = ZooTools(self._cache_dir, progress)
        progress(f"downloading {source.model} from the Open Model Zoo")
        cache = Path(self._omz.cache_dir).expanduser() if self._omz.cache_dir else self._cache_dir / "omz-files"
        cache.mkdir(parents=True, exist_ok=True)
        options = ["--name", source.model, "--precisions", precision, "--output_dir", str(self._root)]
        options += ["--cache_dir", str(cache), "--num_attempts", str(ATTEMPTS)]
        output = run_streaming([tools.command(DOWNLOADER), *options], progress)
        if output.status:
            file = output.last("========== Downloading ").removeprefix("Downloading ")
            message = (
                f"Cannot download {file or source.model}{self._origin(tools, source, Path(file))}: "
                f"{failure(output.lines)}. Behind a proxy, set https_proxy; offline, give a folder of models "
                f"downloaded before (omz.root=PATH) or what {DOWNLOADER} --cache_dir kept (omz.cache_dir=PATH)"
            )
            raise ModelError(message)

    def _origin(self, tools: ZooTools, source: Source, file: Path) -> str:
        """Look up the origin of a file: " from <address>", or empty if the zoo's description lacks it."""
        try:
            described = run_streaming([tools.command(DESCRIBER), "--name", source.model], lambda _: None)
            (model,) = json.loads("\n".join(described.lines))
            return self._described_origin(model, file)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError, ModelError) as error:
            # This runs while a failed download is reported, and its own failure must not hide the reason.
            log.debug("no origin of %s: %s", file, error)
            return ""

    def _described_origin(self, model: Mapping[str, Any], file: Path) -> str:
        for part in model["model_stages"] or [model]:
            config = yaml.safe_load(Path(part["model_config"]).read_text(encoding="utf-8"))
            for each in config["files"]:
                if self._root / part["subdirectory"] / each["name"] == file:
                    origin = each["source"]
                    return f" from {origin if isinstance(origin, str) else origin.get('url') or origin.get('id')}"
        return ""

    def _convert(self, source: Source, precision: str, progress: Callable[[str], None]) -> None:
        tools = ZooTools(self._cache_dir, progress)
        progress(f"converting {source.model} with {CONVERTER}")
        folders = ["--download_dir", str(self._root), "--output_dir", str(self._root)]
        command = [tools.command(CONVERTER, pytorch=True), *folders, "--name", source.model, "--precisions", precision]
        output = run_streaming(command, progress)
        if output.status:
            reason = output.last("Error") or output.last("error") or output.last("FAILED")
            message = f"{CONVERTER} cannot convert {source.model} to {precision}: {reason} (-v shows all it printed)"
            raise ModelError(message)


def failure(lines: Sequence[str]) -> str:
    """Summarise why omz_downloader failed, from its output.

    >>> failure(["requests.exceptions.ConnectionError: … [Errno 111] Connection refused", "## Error: Download failed"])
    'Connection refused'
    >>> failure(['########## Error: Hash mismatch for "model.bin"'])
    'Hash mismatch'
    """
    errors = [line for line in lines if re.search(r"#+ Error: |^requests\.exceptions\.|^No matching", line)]
    reasons = [line for line in errors if not line.endswith("Error: Download failed")] or errors
    if not reasons:
        return next((line for line in reversed(lines) if line.strip()), "omz_downloader failed")
    return re.sub(r'^#+ Error: |^\S+: | for ".*"$', "", reason(reasons[-1]))


def _intact(path: Path) -> bool:
    """Compare a downloaded IR with the checksums of its completion."""
    try:
        sums = json.loads((path.parent / CHECKSUMS).read_text(encoding="utf-8"))
        return all(file_sha256(path.parent / name) == digest for name, digest in sums.items())
    except (OSError, ValueError, AttributeError):
        return False
