"""Untrusted text for HTML: what a document cannot hold is made visible."""

import re

from markupsafe import Markup

# Control characters but for line breaks and tabs, and halves of surrogate pairs.
UNSHOWABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def shown(value: object) -> object:
    """Replace characters that HTML cannot hold by U+FFFD; values other than plain texts stay as they are.

    >>> shown(f"a{chr(0)}b") == f"a{chr(0xFFFD)}b", shown(1)
    (True, 1)
    """
    if isinstance(value, str) and not isinstance(value, Markup):
        return UNSHOWABLE.sub("\ufffd", value)
    return value
