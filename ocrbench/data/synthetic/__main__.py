"""The command that generates a set: ``python -m ocrbench.data.synthetic FOLDER``."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ocrbench.data.synthetic import generate
from ocrbench.errors import DatasetError


def main(arguments: Sequence[str] | None = None) -> int:
    """Generate the set that the command line describes; return the exit status, 2 for a user's mistake."""
    parser = argparse.ArgumentParser(
        prog="python -m ocrbench.data.synthetic", description="Generate labelled photographs of signs."
    )
    parser.add_argument("folder", type=Path, metavar="OUTPUT", help="a new or an empty folder")
    parser.add_argument("--count", type=int, default=32, help="number of images (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=7, help="seed of the images (default: %(default)s)")
    parser.add_argument("--hard", action="store_true", help="make them hard to read")
    options = parser.parse_args(arguments)
    try:
        generate(options.folder, options.count, options.seed, hard=options.hard)
    except DatasetError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    sys.stdout.write(f"{options.count} images in {options.folder}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
