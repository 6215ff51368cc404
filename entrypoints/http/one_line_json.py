"""JSON on one line, since a line break would end the data of a server-sent event.

JSON escapes line breaks inside strings, so all others are white space between tokens, and removing them leaves the
value of another vendor's block unchanged.
"""

_SPACES = bytes.maketrans(b"\r\n", b"  ")


def one_line(json: bytes) -> bytes:
    """The same JSON without line breaks."""
    return json.translate(_SPACES)
