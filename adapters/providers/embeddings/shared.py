"""What the dialects of embeddings have in common: vectors that are checked, and words that are missing.

House rule: a vector is kept as the text that the provider wrote; it is only looked at, so that whoever renders it need
not doubt it.
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
    """OpenAI's list of vectors, which Voyage has, too; it counts a total alone."""

    data: list[_Vector]
    usage: msgspec.Raw = UNREPORTED


_LISTED = Lenient(_Listed)
_USAGE = Reader(_Usage)


def decode_list(body: bytes) -> tuple[Event, ...]:
    """The vectors of a list by their index."""
    try:
        answer = _LISTED.decode(body)
    except DECODE_ERRORS as problem:
        return unreadable(problem)
    ordered = sorted(answer.data, key=lambda vector: vector.index)
    notes: list[str] = []
    usage = _USAGE.read(answer.usage, notes) or _Usage()
    told = counted(usage.prompt_tokens or usage.total_tokens, notes)
    return embedded((vector.embedding for vector in ordered), told)


def embedded(vectors: Iterable[msgspec.Raw], told: tuple[UsageReported, ...]) -> tuple[Event, ...]:
    """The events of a whole answer of these vectors, in the order of the inputs, and what was told of its usage.

    Nonsense is one Broken.
    """
    events: list[Event] = []
    try:
        for index, vector in enumerate(vectors):
            events.append(_embedded(index, vector))
    except (ValueError, Base64Error) as problem:
        return (malformed(f"vector {len(events)} is neither a list of numbers nor base64 of them ({problem})"),)
    if not events:
        return (malformed("it has no vectors"),)
    return (*events, *told, Ended())


def _embedded(index: int, vector: msgspec.Raw) -> Embedded:
    if begins(vector, b'"'):
        text = msgspec.json.decode(vector, type=str)
        if not text or len(b64decode(text, validate=True)) % 4:
            raise ValueError("its length is not that of 32-bit numbers")
        return Embedded(index=index, base64=text)
    if not NUMBERS.decode(vector):
        raise ValueError("it is empty")
    return Embedded(index=index, numbers=vector)


def begins(value: msgspec.Raw, mark: bytes) -> bool:
    """Whether the JSON value begins so; it is not copied for that."""
    return bytes(memoryview(value)[:1]) == mark


def unreadable(problem: Exception) -> tuple[Broken]:
    """An answer that is not what the dialect promises."""
    return (malformed(str(problem)),)


def lack(request: EmbeddingsRequest, words: Set[str], dialect: str) -> UnsupportedParameter | None:
    """What a dialect that takes texts and these further words cannot say of the request, or None.

    OpenAI's `user` is left out where there is no word for it: it labels a caller and changes no vector.
    """
    if any(not isinstance(text, str) for text in request.inputs):
        return UnsupportedParameter(field="input (tokens)", dialect=dialect, model=request.model)
    return next(
        (
            UnsupportedParameter(field=name, dialect=dialect, model=request.model)
            for name in request.extra
            if name not in words
        ),
        None,
    )
