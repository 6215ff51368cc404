"""AWS's event stream: binary messages of headers and a payload, with a checksum over each.

House rule: the decoder is botocore's, and what it finds wrong is an event, `MALFORMED`, after the events that came
whole before it. So where the reads were cut changes nothing, not even what comes before an error.

Decided 2026-11: botocore is needed for Bedrock altogether, also by those who bring a bearer token and need no
signature. The decoder would be sixty lines of ours, but they would be ours to keep right, and "Bedrock needs
aihub[bedrock]" is one rule to remember.

https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html#streaming-event-stream
"""

import struct
from typing import Any

import msgspec

from adapters.providers.dialect import ServerEvent

MALFORMED = "malformed"
EXCEPTION = "exception:"
"""What the name of an event begins with that says why the provider broke off."""

# The lengths and their checksum before, the message's checksum behind.
_AROUND = 16


class EventStreamFramer:
    """One stream's framing: feed it what was read, and it answers with the events that are now whole.

    `raw` of the events is empty: no caller speaks this dialect, so their bytes go nowhere.
    """

    def __init__(self) -> None:
        from botocore.eventstream import EventStreamBuffer  # Slow to import, and only Bedrock needs it.

        self._buffer: Any = EventStreamBuffer()
        self._broken = False

    def feed(self, data: bytes) -> list[ServerEvent]:
        """The events that `data` completes; nothing more once something was malformed."""
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
            # KeyError is botocore's for a header of a type that does not exist, struct.error for one cut short.
            self._broken = True
            events.append(ServerEvent(MALFORMED, msgspec.json.encode(str(problem)), b""))
        return events

    def finish(self) -> list[ServerEvent]:
        """The stream is over: a message that is not whole is dropped, and its absence noticed."""
        return []


def _event(headers: dict[str, Any], payload: bytes) -> ServerEvent:
    """One message. An exception names itself in a header; an error says all it has to say in headers."""
    match headers.get(":message-type"):
        case "exception":
            return ServerEvent(f"{EXCEPTION}{headers.get(':exception-type', '')}", payload or b"{}", b"")
        case "error":
            data = msgspec.json.encode({"message": str(headers.get(":error-message", ""))})
            return ServerEvent(f"{EXCEPTION}{headers.get(':error-code', '')}", data, b"")
        case _:
            return ServerEvent(str(headers.get(":event-type", "")), payload or b"{}", b"")
