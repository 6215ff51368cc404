"""What a relayed stream has between its events, repaired where it breaks clients: comments, ids, blank lines.

A blank line ends an event for OpenAI's SDK for Python as soon as there was an id or a retry time, and an event without
data breaks it: https://github.com/openai/openai-python/issues/2722. A stream without either is not changed.
"""

import re

_USUAL = (b"data: ", b"event:", b"")
_ID = re.compile(rb"^(?:id|retry):", re.MULTILINE)


class BlankEvents:
    """The repair of one stream; `repairs` is whether anything may be changed."""

    __slots__ = ("_has_ids", "_repairs")

    def __init__(self, repairs: bool) -> None:
        self._repairs = repairs
        self._has_ids = False

    def between(self, raw: bytes) -> bytes:
        """Return a block without data as its comments, id and retry time, without the blank line."""
        if not (self._repairs and self._saw_id(raw)):
            return raw
        kept = [line for line in raw.splitlines() if line.startswith((b":", b"id:", b"retry:"))]
        return b"".join(line + b"\n" for line in kept)

    def event(self, raw: bytes) -> bytes:
        """Return an event without blank lines before it."""
        if raw[:6] in _USUAL or not self._repairs:
            return raw
        return raw.lstrip(b"\r\n") if self._saw_id(raw) else raw

    def _saw_id(self, raw: bytes) -> bool:
        self._has_ids = self._has_ids or _ID.search(raw) is not None
        return self._has_ids
