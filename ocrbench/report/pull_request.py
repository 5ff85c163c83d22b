"""Comparisons as a pull request or a job's page shows them: a short Markdown summary, and GitHub's annotations.

Labels and transcripts may contain anything: they are written as code, and characters of markup, mentions and links as
numeric character references.
"""

import re
from collections.abc import Sequence

from ocrbench.compare.verdict import Change, Comparison, describe, outcome_of
from ocrbench.report.comparison import Judged, limit_name, sentence
from ocrbench.report.tables import escape
from ocrbench.runs.columns import text

# A comment on GitHub may have up to 65,536 characters.
FLIPPED_SHOWN, WARNINGS_SHOWN, CHARACTERS_SHOWN = 40, 20, 60
UNSAFE = re.compile(r"[!\"#$&*:<>@\[\\\]^_`{|}~]|(?<=www)\.")
# Characters that are not text, or change the direction of the text after them.
INVISIBLE = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
EMPTY = "–"
# GitHub shows no more annotations of one kind per step.
ANNOTATIONS_SHOWN = 10


def to_pull_request(judged: Sequence[Judged]) -> bytes:
    """Write one section per comparison, the verdict first."""
    return "\n".join(_section(each) for each in judged).encode()


def _section(judged: Judged) -> str:
    comparison = judged.comparison
    parts = [
        f"### {escape(sentence(comparison))}\n",
        f"A: {code(comparison.before)}  \nB: {code(comparison.after)}\n",
        _gate(judged),
        _changes(comparison),
        _warnings(comparison.warnings),
        _flipped(comparison),
    ]
    return "\n".join(part for part in parts if part)


def _gate(judged: Judged) -> str:
    if not judged.checked:
        return ""
    rows = [(limit_name(each.limit), f"**{each.outcome}**", escape(each.reason)) for each in judged.checked]
    outcome = outcome_of(judged.checked)
    return f"Gate {escape(judged.gate.name)}: **{outcome}**\n\n" + table(("limit", "outcome", "B against A"), rows)


def _changes(comparison: Comparison) -> str:
    shown = [each for each in comparison.changes if _matters(each, comparison)]
    if not shown:
        return ""
    rows = [
        (
            each.metric,
            text(each.metric, each.before),
            text(each.metric, each.after),
            escape(describe(each)) or EMPTY,
            each.verdict or EMPTY,
            str(each.n),
        )
        for each in shown
    ]
    return table(("metric", "A", "B", "change, 95 % interval", "verdict", "n"), rows)


def _matters(change: Change, comparison: Comparison) -> bool:
    return change.metric in comparison.decisive or change.direction in ("better", "worse")


def _warnings(warnings: Sequence[str]) -> str:
    lines = [f"- {code(each, 3 * CHARACTERS_SHOWN)}\n" for each in warnings[:WARNINGS_SHOWN]]
    more = len(warnings) - WARNINGS_SHOWN
    return "".join([*lines, *([f"- and {more} more\n"] if more > 0 else [])])


def _flipped(comparison: Comparison) -> str:
    if not comparison.flipped:
        return ""
    count = len(comparison.flipped)
    rows = [[code(each) for each in row] for row in comparison.flipped[:FLIPPED_SHOWN]]
    more = f"\nand {count - FLIPPED_SHOWN} more\n" if count > FLIPPED_SHOWN else ""
    words = "1 word that" if count == 1 else f"{count} words that"
    listed = table(("image", "expected", "A", "B"), rows)
    return f"<details><summary>{words} only one side got right</summary>\n\n{listed}{more}\n</details>\n"


def table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out cells that are Markdown already, with an empty line neither before nor after."""
    lines = [heading, ["---"] * len(heading), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def code(words: str, limit: int = CHARACTERS_SHOWN) -> str:
    """Write untrusted text so that a renderer shows it and does nothing else with it.

    >>> code("<b>@all</b>")
    '<code>&#60;b&#62;&#64;all&#60;/b&#62;</code>'
    """
    flat = INVISIBLE.sub("\ufffd", " ".join(words.split()))
    shown = flat if len(flat) <= limit else flat[: limit - 1] + "…"
    escaped = UNSAFE.sub(lambda found: f"&#{ord(found[0])};", shown)
    return f"<code>{escaped}</code>" if escaped else EMPTY


def annotations(judged: Sequence[Judged]) -> list[str]:
    """Return GitHub's workflow commands, which become notes on a run and its pull request.

    Failures become errors, undecided limits warnings, and notes for the reader notices.
    """
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
    return [f"::{kind} {line}" for kind, lines in kinds.items() for line in lines[:ANNOTATIONS_SHOWN]]


def _command(title: str, message: str) -> str:
    return f"title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    # Standard output cannot encode the stand-ins for undecodable bytes in a file name.
    printable = text.encode(errors="backslashreplace").decode()
    return printable.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
