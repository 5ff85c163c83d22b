"""Workflow commands of GitHub Actions: lines on standard output that become notes on a run and its pull request."""

from collections.abc import Sequence

from ocrbench.report.comparison import Judged, limit_name, sentence

# GitHub shows no more of one kind per step.
SHOWN = 10


def annotations(judged: Sequence[Judged]) -> list[str]:
    """Return an error for what failed, a warning for what is undecided, a notice for what a reader must know."""
    errors: list[str] = []
    warnings: list[str] = []
    notices: list[str] = []
    for each in judged:
        title = f"{each.comparison.before} → {each.comparison.after}"
        for checked in each.checked:
            line = f"{limit_name(checked.limit)}: {checked.reason}"
            {"fail": errors, "undecided": warnings}.get(checked.outcome, []).append(_command(title, line))
        if not each.checked and each.comparison.verdict in ("regressed", "undecided"):
            target = errors if each.comparison.verdict == "regressed" else warnings
            target.append(_command(title, sentence(each.comparison)))
        notices += [_command(title, line) for line in each.comparison.warnings]
    kinds = {"error": errors, "warning": warnings, "notice": notices}
    return [f"::{kind} {line}" for kind, lines in kinds.items() for line in lines[:SHOWN]]


def _command(title: str, message: str) -> str:
    return f"title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    # Standard output cannot hold the stand-ins for undecodable bytes of a file's name.
    printable = text.encode(errors="backslashreplace").decode()
    return printable.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
