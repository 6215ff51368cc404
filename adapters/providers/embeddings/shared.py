"""Common parts of the embeddings dialects: checked vectors and unsupported fields.

House rule: a vector is kept as the text that the provider sent. It is only checked, so that a renderer can rely on it.
"""

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterable, Set

import msgspec

from adapters.providers.decode_errors import DECODE_ERRORS, Count
from adapters.providers.lenient_json import Lenient
from adapters.providers.openai.failure import malformed
from adapters.providers.usage_counts import UNREPORTED, Reader, counted
from domain.model_api.embeddings import Embedded, EmbeddingsRequest
from domain.model_api.events import Broken, Ended, Event, UsageReported
from domain.refusals import UnsupportedParameter

NUMBERS = msgspec.json.Decoder(list[float])


class _Vector(msgspec.Struct):
    embedding: msgspec.Raw
    index: int = 0


class _Usage(msgspec.Struct, frozen=True):
    prompt_tokens: Count | None = None
    total_tokens: Count | None = None


class _Listed(msgspec.Struct):
    """OpenAI's list of vectors, which Voyage also has; Voyage counts only a total."""

    data: list[_Vector]
    usage: msgspec.Raw = UNREPORTED


_LISTED = Lenient(_Listed)
_USAGE = Reader(_Usage)


def decode_list(body: bytes) -> tuple[Event, ...]:
    """Return the vectors of a list by their index."""
    try:
        answer = _LISTED.decode(body)
    except DECODE_ERRORS as problem:
        return unreadable(problem)
    ordered = sorted(answer.data, key=lambda vector: vector.index)
    notes: list[str] = []
    usage = _USAGE.read(answer.usage, notes) or _Usage()
    usage_events = counted(usage.prompt_tokens or usage.total_tokens, notes)
    return embedded((vector.embedding for vector in ordered), usage_events)


def embedded(vectors: Iterable[msgspec.Raw], usage_events: tuple[UsageReported, ...]) -> tuple[Event, ...]:
    """Return the events of a complete answer: these vectors, in the order of the inputs, and the reported usage.

    An invalid vector gives one Broken.
    """
    events: list[Event] = []
    try:
        for index, vector in enumerate(vectors):
            events.append(_embedded(index, vector))
    except (ValueError, Base64Error) as problem:
        return (malformed(f"vector {len(events)} is neither a list of numbers nor base64 of them ({problem})"),)
    if not events:
        return (malformed("it has no vectors"),)
    return (*events, *usage_events, Ended())


def _embedded(index: int, vector: msgspec.Raw) -> Embedded:
    if starts_with(vector, b'"'):
        text = msgspec.json.decode(vector, type=str)
        if not text or len(b64decode(text, validate=True)) % 4:
            raise ValueError("its length is not that of 32-bit numbers")
        return Embedded(index=index, base64=text)
    if not NUMBERS.decode(vector):
        raise ValueError("it is empty")
    return Embedded(index=index, numbers=vector)


def starts_with(value: msgspec.Raw, mark: bytes) -> bool:
    """Whether the JSON value begins with the mark, without copying the value."""
    return bytes(memoryview(value)[:1]) == mark


def unreadable(problem: Exception) -> tuple[Broken]:
    """Return the event for an answer that breaks the dialect's format."""
    return (malformed(str(problem)),)


def first_unsupported(request: EmbeddingsRequest, fields: Set[str], dialect: str) -> UnsupportedParameter | None:
    """Return the first field that a dialect with texts and these fields does not have, or None.

    OpenAI's `user` is dropped where it does not exist: it labels a caller and changes no vector.
    """
    if any(not isinstance(text, str) for text in request.inputs):
        return UnsupportedParameter(field="input (tokens)", dialect=dialect, model=request.model)
    return next(
        (
            UnsupportedParameter(field=name, dialect=dialect, model=request.model)
            for name in request.extra
            if name not in fields
        ),
        None,
    )
