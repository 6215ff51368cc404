"""Decompress bodies that are compressed against the request, chunk by chunk and within a bound.

Every request has `accept-encoding: identity`, which some servers and proxies ignore. The hub reads what Python's
standard library can read: gzip and deflate (RFC 9110, 8.4.1), which may be zlib's format or the raw one. A body that is
not gzip, although its header says so, is used as it is.
"""

import zlib

from adapters.providers.dialect import FramingError

CHUNK_BYTES_MAX = 16 * 1024 * 1024
GZIP_MARK = b"\x1f\x8b"
_READABLE = frozenset(("gzip", "x-gzip", "deflate"))

_GZIP, _ZLIB, _RAW = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS


class Unpacker:
    """Decompressor of one body: receives the bytes that were read and returns their content, which may be empty."""

    __slots__ = ("_begun", "_chunk_bytes_max", "_encoding", "_plain", "_zip")

    def __init__(self, encoding: str, chunk_bytes_max: int = CHUNK_BYTES_MAX) -> None:
        self._encoding = encoding
        self._chunk_bytes_max = chunk_bytes_max
        self._begun = False
        self._plain = False
        self._zip = zlib.decompressobj(_GZIP)

    def feed(self, data: bytes) -> bytes:
        """Return the content of `data`. Raises FramingError if it is damaged, or larger than the bound."""
        if not self._begun and data:
            self._start(data)
        if self._plain:
            return data
        parts: list[bytes] = []
        room = self._chunk_bytes_max
        try:
            while data:
                if self._zip.eof:  # Gzip may have several members in sequence.
                    self._zip = zlib.decompressobj(_GZIP)
                parts.append(part := self._zip.decompress(data, room + 1))
                room -= len(part)
                if room < 0 or self._zip.unconsumed_tail:
                    raise FramingError(f"a piece of it unpacks to more than {self._chunk_bytes_max} bytes")
                data = self._zip.unused_data if self._encoding != "deflate" else b""
        except zlib.error as problem:
            raise FramingError(f"its {self._encoding} cannot be unpacked: {problem}") from None
        return b"".join(parts)

    @property
    def is_complete(self) -> bool:
        """Whether the body may end here."""
        return self._plain or not self._begun or self._zip.eof

    def _start(self, data: bytes) -> None:
        self._begun = True
        if self._encoding == "deflate":
            # The zlib format begins with its method in the low half of a byte: https://www.rfc-editor.org/rfc/rfc1950
            self._zip = zlib.decompressobj(_ZLIB if data[0] & 0x0F == 8 else _RAW)
        else:
            self._plain = data[0] != GZIP_MARK[0]


def unpacker_of(encoding: str) -> Unpacker | None:
    """Return a decompressor for this `content-encoding`.

    None if the body is not compressed, or in an unknown encoding.
    """
    name = encoding.strip().lower()
    return Unpacker(name) if name in _READABLE else None
