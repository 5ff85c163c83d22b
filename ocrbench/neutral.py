"""Text from elsewhere, made harmless for where it is shown: a terminal or a spreadsheet.

What was read in a picture, a file's name or a note may hold anything. HTML is escaped by its templates, Markdown by
``report.tables.escape``, GitHub's annotations by ``report.pull_request``.
"""

import re
import unicodedata

# Controls, what turns the direction of writing, and halves of pairs; other invisible characters belong to scripts.
CONTROLS = {"Cc", "Cs"}
TURNING = {*"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"}
KEPT = {"\n", "\t"}
# A cell that begins with one of these is a formula to a spreadsheet (OWASP, "CSV Injection").
# A signed number in words of ours computes nothing.
CHANGE = re.compile(r"[+-][0-9.]+(e[+-][0-9]+)?( %)?( \((better|worse)\))?")
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def for_terminal(text: str) -> str:
    r"""Write control characters as escapes, so that they cannot move the cursor, set colours or hide text.

    >>> for_terminal("a\x1b[31mb"), for_terminal("one\ntwo"), for_terminal("\u202eabc")
    ('a\\u001b[31mb', 'one\ntwo', '\\u202eabc')
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(each) if _is_control(each) else each for each in text)


def for_spreadsheet(text: str) -> str:
    """Put an apostrophe before what a spreadsheet would compute.

    >>> for_spreadsheet("=1+1"), for_spreadsheet("Exit"), for_spreadsheet("+20.0 % (worse)")
    ("'=1+1", 'Exit', '+20.0 % (worse)')
    """
    return f"'{text}" if text.startswith(FORMULA) and not CHANGE.fullmatch(text) else text


def _is_control(character: str) -> bool:
    return character not in KEPT and (character in TURNING or unicodedata.category(character) in CONTROLS)


def _escaped(character: str) -> str:
    # As JSON has it.
    return f"\\u{ord(character):04x}"
