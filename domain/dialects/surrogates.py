"""Lone halves of surrogate pairs in JSON: a text in UTF-16 that was cut between two units, which UTF-8 cannot express.

JSON allows them as escapes (RFC 8259, 8.2: "unpredictable"). JavaScript writes them, and most readers reject them.
"""

import re

_MARK = re.compile(rb"\\u[dD][89abcdefABCDEF]")
_ESCAPE = re.compile(
    rb"(?P<before>(?<!\\)(?:\\\\)*)(?P<pair>\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
_PAIR_SIZE = 12


def may_be_in(data: bytes) -> bool:
    """Whether the data may contain a lone half: whether it contains any half."""
    return b"\\u" in data and _MARK.search(data) is not None


def without_lone(data: bytes) -> bytes:
    """The JSON with every escape of a lone half replaced by that of U+FFFD."""
    return _ESCAPE.sub(
        lambda found: found[0] if len(found["pair"]) == _PAIR_SIZE else found["before"] + b"\\ufffd", data
    )
