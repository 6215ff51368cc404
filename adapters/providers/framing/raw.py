"""Framing of raw bytes, such as audio, which end where HTTP reports the end of the body."""

from adapters.providers.dialect import ServerEvent

END = "aihub.end"


class RawFramer:
    """Each read is an event of its own; the end of the body is also one, named `END`."""

    def feed(self, data: bytes) -> list[ServerEvent]:
        """Return the bytes of one read."""
        return [ServerEvent("", data, data)] if data else []

    def finish(self) -> list[ServerEvent]:
        """Return the end, which relays nothing."""
        return [ServerEvent(END, b"end", b"")]
