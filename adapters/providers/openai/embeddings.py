"""OpenAI's embeddings, for OpenAI and every server that speaks the same: they pass through, and only the usage is read.

House rule: the vectors are in the encoding that the request means, also where the server overlooks the field: OpenAI's
SDK for JavaScript asks for base64 by itself and decodes whatever comes.

https://developers.openai.com/api/reference/resources/embeddings/methods/create
"""

import re
import struct
from base64 import b64decode
from typing import Any

import msgspec

from adapters.providers.decode_errors import NONSENSE, Count
from adapters.providers.dialect import ServerEvent
from adapters.providers.lenient_json import Lenient
from adapters.providers.openai.failure import malformed
from adapters.providers.openai.operations import passing, read, with_model_renamed
from adapters.providers.usage_counts import UNTOLD, Reader, counted
from domain.catalog.vendor import Vendor
from domain.model_api.call import ModelCall
from domain.model_api.events import Broken, Ended, Event

NAME = "openai-embeddings"


class _Usage(msgspec.Struct, frozen=True):
    prompt_tokens: Count | None = None
    total_tokens: Count | None = None


class _Answer(msgspec.Struct):
    data: list[msgspec.Raw] | None = None
    usage: msgspec.Raw = UNTOLD
    error: Any = None


_ANSWER = Lenient(_Answer)
_READER = Reader(_Usage)
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
# How a vector begins, by the JSON of the field that asks for its encoding.
_BEGINNINGS = {b'"base64"': b'"', b'"float"': b"[", b"null": b"["}
_VECTOR = re.compile(rb'"embedding"\s*:\s*(["\[])')


def decode(body: bytes) -> tuple[Event, ...]:
    """The usage of a list of vectors; the vectors go by as they are. A count of 0 is none, and is estimated."""
    answer = read(_ANSWER.decode, body)
    if isinstance(answer, Broken):
        return (answer,)
    if not answer.data:
        return (malformed("it has no vectors"),)
    notes: list[str] = []
    usage = _READER.read(answer.usage, notes) or _Usage()
    return (*counted(usage.prompt_tokens or usage.total_tokens, notes), Ended())


class Encoding:
    """Brings the vectors of one answer into the encoding that the call asked for.

    Numbers, or base64 of little-endian 32-bit numbers; another encoding is the vendor's own, and a vector that cannot
    be read stays as it is.
    """

    __slots__ = ("_begins",)

    def __init__(self, call: ModelCall, _vendor: Vendor) -> None:
        self._begins = _BEGINNINGS.get(bytes(call.fields.get("encoding_format", b"null")))

    def whole(self, body: bytes) -> bytes:
        """The body with its vectors as they were asked for."""
        found = _VECTOR.search(body)
        if found is None or self._begins is None or found[1] == self._begins:
            return body
        try:
            answer = _FIELDS.decode(body)
            items = _ITEMS.decode(answer["data"])
            for item in items:
                item["embedding"] = _turned(item["embedding"])
        except (*NONSENSE, KeyError, OverflowError, struct.error):
            return body
        return msgspec.json.encode({**answer, "data": items})

    def event(self, event: ServerEvent) -> bytes:
        """No answer of vectors is streamed."""
        return event.raw


def _turned(vector: msgspec.Raw) -> msgspec.Raw:
    """A vector in the other encoding."""
    told = msgspec.json.decode(vector, type=str | list[float])
    if isinstance(told, list):
        return msgspec.Raw(msgspec.json.encode(struct.pack(f"<{len(told)}f", *told)))
    packed = b64decode(told, validate=True)
    return msgspec.Raw(msgspec.json.encode(struct.unpack(f"<{len(packed) // 4}f", packed)))


OPENAI_EMBEDDINGS = msgspec.structs.replace(passing(NAME, "embeddings", decode, with_model_renamed), mender=Encoding)
