"""Run the command line: ``python -m ocrbench``."""

import sys
from pathlib import Path

# Python puts the working folder first, where any file may have the name of a library.
if not sys.flags.safe_path and Path(sys.path[0] or ".").resolve() == Path.cwd():
    del sys.path[0]

from ocrbench.cli import main

if __name__ == "__main__":
    main()
