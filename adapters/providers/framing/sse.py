"""Split bytes into server-sent events, wherever the reads were cut.

House rule: nothing is lost or added. The `raw` of all events, then `rest`, is the input byte for byte; the boundaries
of the reads change neither the events nor their `raw`. This file does not interpret the data.

An event ends where one line end follows another (WHATWG, "Server-sent events", 9.2.6: LF, CR LF or CR). An extra blank
line between two events begins the `raw` of the second, as a comment does.
"""

import json
import re

from adapters.providers.dialect import FramingError, ServerEvent

BYTES_MAX = 16 * 1024 * 1024

# The end of an event. After CR CR the event is over at once: no such stream sends LF. If one does after all, the LF
# begins the next raw, where it is an empty line without effect. After LF CR the LF of a CR LF can still follow.
_END = re.compile(rb"\n(?:\n|\r\n?)|\r\r")
BOM = b"\xef\xbb\xbf"


class EventTooLarge(FramingError):
    """One event, or the part of it received so far, is larger than the framer may hold."""

    def __init__(self, bytes_max: int) -> None:
        super().__init__(f"one event is larger than {bytes_max} bytes")
        self.bytes_max = bytes_max


class EventFramer:
    """Framer of one stream: receives the bytes that were read and returns the events that are complete."""

    __slots__ = ("_bytes_max", "_rest", "_started")

    def __init__(self, bytes_max: int = BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._rest = bytearray()
        self._started = False

    @property
    def rest(self) -> bytes:
        """Return the bytes of the incomplete event; not empty at the end of a truncated stream."""
        return bytes(self._rest)

    def feed(self, data: bytes) -> list[ServerEvent]:
        """Return the events that `data` completes.

        Raises EventTooLarge if one of them, or the rest, is over the bound.
        """
        rest = self._rest
        # The common read is one complete event in one or two plain lines; it needs no buffer.
        if not rest and len(data) <= self._bytes_max and (event := _plain(data)) is not None:
            self._started = True
            return [event]
        if not rest:
            events, taken = self._split(data, 0)
            if taken < len(data):
                rest += data[taken:] if taken else data
        else:
            # Bytes that were searched before are not searched again, except for an end across the boundary.
            searched = max(0, len(rest) - 2)
            rest += data
            events, taken = self._split(rest, searched)
            if taken:
                del rest[:taken]
        if len(rest) > self._bytes_max:
            raise EventTooLarge(self._bytes_max)
        return events

    def finish(self) -> list[ServerEvent]:
        """End the stream: an event that only waited for the LF of its CR LF is complete.

        An event without its blank line is also complete if its data is complete JSON; its `raw` gets that line.
        """
        rest = bytes(self._rest)
        if rest.endswith(b"\n\r"):
            self._rest.clear()
            return [self._event(rest)]
        if not rest.strip():
            return []
        event = self._event(rest.rstrip(b"\r\n") + b"\n\n")
        if not _is_complete(event.data):
            return []
        self._rest.clear()
        return [event]

    def _split(self, buffer: bytes | bytearray, searched: int) -> tuple[list[ServerEvent], int]:
        """Return the complete events of the buffer and the number of their bytes."""
        events: list[ServerEvent] = []
        taken = 0
        if buffer.find(b"\r", searched) < 0:
            while (found := buffer.find(b"\n\n", searched)) >= 0:
                searched = found + 2
                events.append(self._event(bytes(buffer[taken:searched])))
                taken = searched
            return events, taken
        while (match := _END.search(buffer, searched)) is not None:
            searched = match.end()
            if searched == len(buffer) and match[0] == b"\n\r":
                break
            events.append(self._event(bytes(buffer[taken:searched])))
            taken = searched
        return events, taken

    def _event(self, raw: bytes) -> ServerEvent:
        if len(raw) > self._bytes_max:
            raise EventTooLarge(self._bytes_max)
        if (event := _plain(raw)) is not None:
            self._started = True
            return event
        text = raw
        if not self._started:
            self._started = True
            text = raw.removeprefix(BOM)
        name, data = b"", []
        for line in text.splitlines():
            if line[:5] == b"data:":
                data.append(line[6:] if line[5:6] == b" " else line[5:])
            elif line[:6] == b"event:":
                name = line[7:] if line[6:7] == b" " else line[6:]
            elif line == b"data":
                data.append(b"")
            elif line == b"event":
                name = b""
        return ServerEvent(name.decode("utf-8", "replace"), data[0] if len(data) == 1 else b"\n".join(data), raw)


def _is_complete(data: bytes) -> bool:
    """Whether the data cannot be truncated: a JSON object, or `[DONE]`."""
    if data[:1] != b"{":
        return data == b"[DONE]"
    try:
        json.loads(data)
    except ValueError:
        return False
    return True


def _plain(raw: bytes) -> ServerEvent | None:
    """Return the event if `raw` is one event in the usual form: optionally `event: …`, then `data: …`, with LF."""
    name, start = "", 0
    if raw[:7] == b"event: ":
        start = raw.find(b"\n") + 1
        name = raw[7 : start - 1].decode("utf-8", "replace")
    if raw[start : start + 6] != b"data: " or raw[-2:] != b"\n\n":
        return None
    if raw.find(b"\n", start) != len(raw) - 2 or b"\r" in raw:
        return None
    return ServerEvent(name, raw[start + 6 : -2], raw)
