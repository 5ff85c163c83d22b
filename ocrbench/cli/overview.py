"""``ocrbench --help``: the commands, the choices and the most important values."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from textwrap import fill, indent

from ocrbench.cli.commands import COMMANDS
from ocrbench.files import choices, packaged

# As wide as the help of the commands.
WIDTH = 80

START = """\
Benchmark and evaluate OCR pipelines on OpenVINO devices and precisions.

One cell, or with -m a matrix of cells, is converted, measured and scored:

  ocrbench device=CPU precision=FP16
  ocrbench -m device=CPU,AUTO precision=FP32,FP16,BF16,INT8
  ocrbench dataset=icdar2015 dataset.root=PATH dataset.limit=50
"""
VALUES = {
    "device": "CPU, GPU.1, NPU, AUTO, \"device='HETERO:GPU,CPU'\", …",
    "precision": "FP32, FP16, BF16, INT8, AUTO",
    "detector.device": "of one stage; also detector.precision, recognizer.…",
    "dataset.root": "folder of the dataset",
    "dataset.limit": "number of images, drawn from all",
    "reports_dir": "folder for runs and tables",
    "cache_dir": "folder for converted models",
    "force": "true measures again what has been measured before",
}
FLAGS = {
    "-m": "measure every combination of values that are lists",
    "--device CPU": "short for device=CPU; there is --precision, too",
    "--cfg job": "show the whole configuration, and measure nothing",
    "--config-dir DIR": "take YAML files of your own, beside those of ocrbench",
    "--trust-config": "let these files set up what Hydra calls, which can run code",
    "-v": "show tracebacks",
    "--version": "show the version",
}
END = "Exit status: 0 all cells finished, 1 a cell failed, 2 a mistake in the command."


def overview(config_dir: str | None = None) -> str:
    """Describe the command line on one page.

    Args:
        config_dir: A folder of further configuration, whose choices are listed too.
    """
    commands = {f"{name} {each.words}": each.summary for name, each in COMMANDS.items()}
    parts = {
        "Commands ('ocrbench COMMAND --help' explains each):": commands,
        "Choices (GROUP=CHOICE):": {group: ", ".join(choices(group, config_dir)) for group in _groups(config_dir)},
        "Values (KEY=VALUE), for example:": VALUES,
        "Flags:": FLAGS,
    }
    sections = [f"{title}\n\n{indent(_columns(rows), '  ')}\n" for title, rows in parts.items()]
    return "\n".join([START, *sections, END])


def _groups(config_dir: str | None) -> list[str]:
    folders: Iterable[str] = [packaged("conf"), *([config_dir] if config_dir else [])]
    return sorted({path.parent.name for folder in folders for path in Path(folder).glob("*/*.yaml")})


def _columns(rows: Mapping[str, str]) -> str:
    width = max(map(len, rows)) + 2
    wrapped = (
        fill(
            text,
            WIDTH - len("  "),
            initial_indent=f"{name:{width}}",
            subsequent_indent=" " * width,
            break_long_words=False,
        )
        for name, text in rows.items()
    )
    return "\n".join(wrapped)
