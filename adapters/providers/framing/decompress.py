"""Decompress bodies that are compressed against the request, chunk by chunk and within a bound.

Every request has `accept-encoding: identity`, which some servers and proxies ignore. The hub reads gzip and deflate
(RFC 9110, 8.4.1; deflate may be zlib's format or the raw one), and, with the extra `aihub[encodings]`, br and zstd. A
body that is not compressed, although its header says so, is used as it is, whatever the header names.
"""

import re
import zlib
from collections.abc import Callable
from typing import Any, Protocol

from adapters.providers.dialect import FramingError
from adapters.providers.framing.sse import BOM

CHUNK_BYTES_MAX = 16 * 1024 * 1024
GZIP_MARK = b"\x1f\x8b"

_GZIP, _ZLIB, _RAW = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS
_IDENTITY = frozenset(("", "identity"))
_GZIPS = frozenset(("gzip", "x-gzip"))
# The beginning of JSON, or of server-sent events.
_TEXT = re.compile(rb"\s*(?:[{\[\"]|(?:data|event|id|retry|)\s*:)")
_TEXT_BYTES = (4, 24)


class _Damaged(Exception):
    """The bytes are not what the encoding's name promises."""


class _Codec(Protocol):
    """The decompressor of one encoding."""

    @property
    def is_complete(self) -> bool:
        """Whether the data may end here."""

    def unpack(self, data: bytes, bytes_max: int) -> bytes:
        """Return the content of `data`. Raises _Damaged, or FramingError if it is larger than `bytes_max`."""


class _Zlib:
    """Gzip, which may have several members in sequence, and deflate."""

    __slots__ = ("_is_gzip", "_zip")

    def __init__(self, is_gzip: bool) -> None:
        self._is_gzip = is_gzip
        self._zip: Any = zlib.decompressobj(_GZIP) if is_gzip else None

    @property
    def is_complete(self) -> bool:
        return self._zip is None or bool(self._zip.eof)

    def unpack(self, data: bytes, bytes_max: int) -> bytes:
        if self._zip is None and data:
            # The zlib format begins with its method in the low half of a byte: https://www.rfc-editor.org/rfc/rfc1950
            self._zip = zlib.decompressobj(_ZLIB if data[0] & 0x0F == 8 else _RAW)
        parts: list[bytes] = []
        room = bytes_max
        try:
            while data:
                if self._zip.eof:
                    self._zip = zlib.decompressobj(_GZIP)
                parts.append(part := self._zip.decompress(data, room + 1))
                room -= len(part)
                if room < 0 or self._zip.unconsumed_tail:
                    raise _too_large(bytes_max)
                data = self._zip.unused_data if self._is_gzip else b""
        except zlib.error as problem:
            raise _Damaged(str(problem)) from None
        return b"".join(parts)


class _Brotli:
    """Brotli (RFC 7932), by the `brotli` package."""

    __slots__ = ("_error", "_zip")

    def __init__(self) -> None:
        import brotli  # An extra, and needed only for a server that ignores the request.

        self._zip = brotli.Decompressor()
        self._error = brotli.error

    @property
    def is_complete(self) -> bool:
        return bool(self._zip.is_finished())

    def unpack(self, data: bytes, bytes_max: int) -> bytes:
        try:
            content: bytes = self._zip.process(data, output_buffer_limit=bytes_max + 1)
        except self._error as problem:
            raise _Damaged(str(problem)) from None
        if len(content) > bytes_max or not self._zip.can_accept_more_data():
            raise _too_large(bytes_max)
        return content


class _Zstandard:
    """Zstandard (RFC 8878), by the standard library from Python 3.14 on, before by its backport."""

    __slots__ = ("_error", "_zip")

    def __init__(self) -> None:
        try:
            from compression import zstd  # type: ignore[import-not-found, unused-ignore]
        except ImportError:
            from backports import zstd

        self._zip = zstd.ZstdDecompressor()
        self._error = zstd.ZstdError

    @property
    def is_complete(self) -> bool:
        return bool(self._zip.eof)

    def unpack(self, data: bytes, bytes_max: int) -> bytes:
        if not data:
            return b""
        try:
            content: bytes = self._zip.decompress(data, max_length=bytes_max + 1)
        except self._error as problem:
            raise _Damaged(str(problem)) from None
        if len(content) > bytes_max or not (self._zip.needs_input or self._zip.eof):
            raise _too_large(bytes_max)
        return content


class _Unknown:
    """An encoding without a decompressor."""

    __slots__ = ("_name",)

    is_complete = True

    def __init__(self, name: str) -> None:
        self._name = name

    def unpack(self, data: bytes, bytes_max: int) -> bytes:
        hint = " without the extra aihub[encodings]" if self._name in _EXTRAS else ""
        raise FramingError(f"it is encoded as {self._name}, which cannot be unpacked{hint}")


_EXTRAS: dict[str, Callable[[], _Codec]] = {"br": _Brotli, "zstd": _Zstandard}


class Unpacker:
    """Decompressor of one body: receives the bytes that were read and returns their content, which may be empty.

    `encoding` is the header's value: one name, or several in the order in which they were applied.
    """

    __slots__ = ("_begun", "_chunk_bytes_max", "_codecs", "_names", "_plain")

    def __init__(self, encoding: str, chunk_bytes_max: int = CHUNK_BYTES_MAX) -> None:
        self._names = _names(encoding)
        self._codecs = tuple(_codec(name) for name in reversed(self._names))
        self._chunk_bytes_max = chunk_bytes_max
        self._begun = False
        self._plain = False

    def feed(self, data: bytes) -> bytes:
        """Return the content of `data`. Raises FramingError if it is damaged, or larger than the bound."""
        if data and not self._begun:
            self._begun = True
            self._plain = _is_text(data) or (self._names[-1] in _GZIPS and data[0] != GZIP_MARK[0])
        if not data or self._plain:
            return data
        content = data
        try:
            for codec in self._codecs:
                content = codec.unpack(content, self._chunk_bytes_max)
        except _Damaged as problem:
            raise FramingError(f"its {', '.join(self._names)} cannot be unpacked: {problem}") from None
        return content

    @property
    def is_complete(self) -> bool:
        """Whether the body may end here."""
        return self._plain or not self._begun or all(codec.is_complete for codec in self._codecs)


def unpacker_of(encoding: str) -> Unpacker | None:
    """Return a decompressor for this `content-encoding`, None if the body is not encoded."""
    return Unpacker(encoding) if _names(encoding) else None


def _is_text(data: bytes) -> bool:
    """Whether these are the first bytes of an answer as it is read: compressed data soon has a control character."""
    least, most = _TEXT_BYTES
    head = data.removeprefix(BOM)[:most]
    return len(head) >= least and _TEXT.match(head) is not None and min(head.translate(None, b"\t\n\r")) >= 0x20


def _names(encoding: str) -> tuple[str, ...]:
    names = (name.strip().lower() for name in encoding.split(","))
    return tuple(name for name in names if name not in _IDENTITY)


def _codec(name: str) -> _Codec:
    if name in _GZIPS or name == "deflate":
        return _Zlib(is_gzip=name in _GZIPS)
    try:
        return _EXTRAS[name]() if name in _EXTRAS else _Unknown(name)
    except ImportError:
        return _Unknown(name)


def _too_large(bytes_max: int) -> FramingError:
    return FramingError(f"a piece of it unpacks to more than {bytes_max} bytes")
