"""JSON on one line, as a line break would end the data of a server-sent event.

JSON escapes line breaks inside strings, so those that are left are only space between its words: a block that another
vendor wrote is kept as it came.
"""

_SPACES = bytes.maketrans(b"\r\n", b"  ")


def one_line(json: bytes) -> bytes:
    """The same JSON without line breaks."""
    return json.translate(_SPACES)
