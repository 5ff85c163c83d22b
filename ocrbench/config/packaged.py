"""Packaged files: the folder of the configuration, and the names in it."""

import os
from pathlib import Path


def packaged(relative: str) -> str:
    """Return the absolute path of a packaged folder: inside the wheel, or in the checkout."""
    here = Path(__file__).resolve().parents[1]
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
