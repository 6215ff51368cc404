"""Framing where there is none: a sound is its bytes, and it is whole where HTTP says that the body has ended."""

from adapters.providers.dialect import ServerEvent

END = "aihub.end"


class RawFramer:
    """Each read is an event of its own; the end of the body is one too, named `END`."""

    def feed(self, data: bytes) -> list[ServerEvent]:
        """What was read, as it came."""
        return [ServerEvent("", data, data)] if data else []

    def finish(self) -> list[ServerEvent]:
        """The end, which relays nothing."""
        return [ServerEvent(END, b"end", b"")]
