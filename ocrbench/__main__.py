"""Run the command line: ``python -m ocrbench``."""

from ocrbench.cli import main

if __name__ == "__main__":
    main()
