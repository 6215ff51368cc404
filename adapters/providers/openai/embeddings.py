"""OpenAI's embeddings, for OpenAI and compatible servers: they pass through, and only the usage is read.

House rule: the vectors are returned in the encoding that the request asks for, even if the server ignores that field:
OpenAI's SDK for JavaScript requests base64 by default and decodes whatever it receives.

https://developers.openai.com/api/reference/resources/embeddings/methods/create
"""

import re
import struct
from base64 import b64decode
from typing import Any

import msgspec

from adapters.providers.decode_errors import DECODE_ERRORS, Count
from adapters.providers.dialect import ServerEvent
from adapters.providers.lenient_json import Lenient
from adapters.providers.openai.failure import malformed
from adapters.providers.openai.operations import passing, read, with_model_renamed
from adapters.providers.usage_counts import UNREPORTED, Reader, counted
from domain.catalog.vendor import Vendor
from domain.model_api.call import ModelCall
from domain.model_api.events import Broken, Ended, Event

NAME = "openai-embeddings"


class _Usage(msgspec.Struct, frozen=True):
    prompt_tokens: Count | None = None
    total_tokens: Count | None = None


class _Answer(msgspec.Struct):
    data: list[msgspec.Raw] | None = None
    usage: msgspec.Raw = UNREPORTED
    error: Any = None


_ANSWER = Lenient(_Answer)
_READER = Reader(_Usage)
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
# The first byte of a vector, by the JSON of `encoding_format`.
_FIRST_BYTES = {b'"base64"': b'"', b'"float"': b"[", b"null": b"["}
_VECTOR = re.compile(rb'"embedding"\s*:\s*(["\[])')


def decode(body: bytes) -> tuple[Event, ...]:
    """Return the usage of a list of vectors, which pass through unchanged. A count of 0 is replaced by an estimate."""
    answer = read(_ANSWER.decode, body)
    if isinstance(answer, Broken):
        return (answer,)
    if not answer.data:
        return (malformed("it has no vectors"),)
    notes: list[str] = []
    usage = _READER.read(answer.usage, notes) or _Usage()
    return (*counted(usage.prompt_tokens or usage.total_tokens, notes), Ended())


class Encoding:
    """Convert the vectors of one answer to the encoding that the call asked for.

    The encodings are numbers and base64 of little-endian 32-bit floats. With any other value of `encoding_format`, and
    where a vector cannot be read, the body is not changed.
    """

    __slots__ = ("_begins",)

    def __init__(self, call: ModelCall, _vendor: Vendor) -> None:
        self._begins = _FIRST_BYTES.get(bytes(call.fields.get("encoding_format", b"null")))

    def whole(self, body: bytes) -> bytes:
        """Return the body with its vectors in the requested encoding."""
        found = _VECTOR.search(body)
        if found is None or self._begins is None or found[1] == self._begins:
            return body
        try:
            answer = _FIELDS.decode(body)
            items = _ITEMS.decode(answer["data"])
            for item in items:
                item["embedding"] = _converted(item["embedding"])
        except (*DECODE_ERRORS, KeyError, OverflowError, struct.error):
            return body
        return msgspec.json.encode({**answer, "data": items})

    def event(self, event: ServerEvent) -> bytes:
        """Return the bytes as they are: embeddings are not streamed."""
        return event.raw


def _converted(vector: msgspec.Raw) -> msgspec.Raw:
    """Return a vector in the other encoding."""
    decoded = msgspec.json.decode(vector, type=str | list[float])
    if isinstance(decoded, list):
        return msgspec.Raw(msgspec.json.encode(struct.pack(f"<{len(decoded)}f", *decoded)))
    packed = b64decode(decoded, validate=True)
    return msgspec.Raw(msgspec.json.encode(struct.unpack(f"<{len(packed) // 4}f", packed)))


OPENAI_EMBEDDINGS = msgspec.structs.replace(passing(NAME, "embeddings", decode, with_model_renamed), repairs=Encoding)
