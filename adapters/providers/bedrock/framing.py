"""AWS's event stream: binary messages of headers and a payload, each with a checksum.

House rule: the decoder is botocore's. A defect that it finds becomes an event, `MALFORMED`, after the complete events
before it. So the boundaries of the reads change nothing, not even the events before an error.

Decided 2026-11: botocore is required for Bedrock in all cases, even with a bearer token, which needs no signature. A
decoder of our own would be sixty lines that we had to maintain, and "Bedrock needs aihub[bedrock]" is one rule to
remember.

https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html#streaming-event-stream
"""

import struct
from typing import Any

import msgspec

from adapters.providers.dialect import ServerEvent

MALFORMED = "malformed"
EXCEPTION = "exception:"
"""Prefix of the name of an event that reports why the provider stopped."""

# The lengths and their checksum before, the message's checksum after.
_AROUND = 16


class EventStreamFramer:
    """Framer of one stream: receives the bytes that were read and returns the events that are complete.

    `raw` of the events is empty, because no caller uses this dialect.
    """

    def __init__(self) -> None:
        from botocore.eventstream import EventStreamBuffer  # Slow to import, and only Bedrock needs it.

        self._buffer: Any = EventStreamBuffer()
        self._broken = False

    def feed(self, data: bytes) -> list[ServerEvent]:
        """Return the events that `data` completes; nothing after a malformed message."""
        from botocore.eventstream import ParserError

        if self._broken:
            return []
        events: list[ServerEvent] = []
        self._buffer.add_data(data)
        try:
            for message in self._buffer:
                if message.prelude.total_length < message.prelude.headers_length + _AROUND:
                    raise ValueError("a message is shorter than its headers")
                events.append(_event(message.headers, message.payload))
        except (ParserError, ValueError, KeyError, struct.error) as problem:
            # botocore raises KeyError for an unknown header type, struct.error for a truncated header.
            self._broken = True
            events.append(ServerEvent(MALFORMED, msgspec.json.encode(str(problem)), b""))
        return events

    def finish(self) -> list[ServerEvent]:
        """End the stream: an incomplete message is dropped, which the reader of the events notices."""
        return []


def _event(headers: dict[str, Any], payload: bytes) -> ServerEvent:
    """Return one message as an event. An exception has its name in a header; an error is in the headers alone."""
    match headers.get(":message-type"):
        case "exception":
            return ServerEvent(f"{EXCEPTION}{headers.get(':exception-type', '')}", payload or b"{}", b"")
        case "error":
            data = msgspec.json.encode({"message": str(headers.get(":error-message", ""))})
            return ServerEvent(f"{EXCEPTION}{headers.get(':error-code', '')}", data, b"")
        case _:
            return ServerEvent(str(headers.get(":event-type", "")), payload or b"{}", b"")
