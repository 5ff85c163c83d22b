"""Leaves modules out of the doctests whose extra is not installed."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("torch") else ["ocrbench/architectures/c*.py"]
