"""Split bytes into lines of JSON, wherever the reads were cut (https://github.com/ndjson/ndjson-spec).

House rule: as in `sse`, nothing is lost or added: the `raw` of all events is the input byte for byte, up to a truncated
line.
"""

import msgspec

from adapters.providers.decode_errors import DECODE_ERRORS
from adapters.providers.dialect import FramingError, ServerEvent

BYTES_MAX = 16 * 1024 * 1024


class LineFramer:
    """Framer of one stream: a line is an event without a name, an empty line one without data."""

    __slots__ = ("_bytes_max", "_rest")

    def __init__(self, bytes_max: int = BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._rest = b""

    def feed(self, data: bytes) -> list[ServerEvent]:
        """Return the lines that `data` completes. Raises FramingError if a line, or the rest, is over the bound."""
        complete, line_end, rest = data.rpartition(b"\n")
        if not line_end:
            self._rest += data
            lines: list[bytes] = []
        else:
            lines = (self._rest + complete).split(b"\n")
            self._rest = rest
        if any(len(line) > self._bytes_max for line in (*lines, self._rest)):
            raise FramingError(f"one line is larger than {self._bytes_max} bytes")
        return [ServerEvent("", line.strip(), line + b"\n") for line in lines]

    def finish(self) -> list[ServerEvent]:
        """End the stream: a last line may lack its line end, but then it must be complete JSON."""
        rest, self._rest = self._rest, b""
        try:
            msgspec.json.decode(rest)
        except DECODE_ERRORS:
            return []
        return [ServerEvent("", rest.strip(), rest)]
