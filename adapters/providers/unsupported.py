"""Find the fields of a canonical chat request that a provider's dialect does not have.

House rule: a field is sent, or one of these functions yields it and the encoder leaves it out. The table in
`domain.dialects.unsupported_params` decides what that means for the request.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal

import msgspec

from domain.dialects.claude_generations import SAMPLING, sampling_left_out
from domain.dialects.unsupported_params import SENT, Lack, is_default, sorted_out
from domain.model_api.requests import ChatRequest, Message, Part, ProviderPart
from domain.refusals import UnsupportedParameter

_NUMBER = msgspec.json.Decoder(Decimal)

UnsupportedFields = Callable[[ChatRequest], Iterator[Lack]]


def refusing(
    unsupported_fields: UnsupportedFields, dialect: str
) -> Callable[[ChatRequest], UnsupportedParameter | None]:
    """Return the function that finds the first promise of a request that the dialect would break."""

    def refuses(request: ChatRequest) -> UnsupportedParameter | None:
        found = sorted_out(unsupported_fields(request), dialect, request.model)
        return None if isinstance(found, tuple) else found

    return refuses


def unsupported_settings(request: ChatRequest, dialect: str) -> Iterator[Lack]:
    """Yield the fields outside the conversation that the dialect does not send."""
    sent = SENT[dialect]
    settings = {
        "n": request.choices != 1,
        "stop": bool(request.stop),
        "seed": request.seed is not None,
        "top_k": request.top_k is not None,
    }
    yield from (Lack(name) for name, is_set in settings.items() if is_set and name not in sent)
    for name, value in request.extra.items():
        if name not in sent and not is_default(name, value):
            yield Lack(name)


def unsupported_temperature(request: ChatRequest, most: int) -> Iterator[Lack]:
    """Yield a temperature above the vendor's maximum."""
    if request.temperature is not None and _NUMBER.decode(request.temperature) > most:
        yield Lack("temperature")


def unsupported_sampling(request: ChatRequest) -> Iterator[Lack]:
    """Yield those of temperature, top_p and top_k that the model's generation of Claude rejects."""
    requested = [name for name in SAMPLING if getattr(request, name) is not None]
    yield from (Lack(name) for name in sampling_left_out(request.model, requested))


def cooled(temperature: msgspec.Raw | None, most: int) -> msgspec.Raw | None:
    """Return the temperature, or the vendor's maximum if it is above."""
    if temperature is None or _NUMBER.decode(temperature) <= most:
        return temperature
    return msgspec.Raw(b"%d" % most)


def unsupported_stops(request: ChatRequest) -> Iterator[Lack]:
    """Yield blank stop sequences, which Claude rejects; the others are sent."""
    if any(text and not text.strip() for text in request.stop):
        yield Lack("stop", "wish")


def unsupported_choice(request: ChatRequest) -> Iterator[Lack]:
    """Yield a required tool call without tools; the choices none and auto are kept without tools."""
    if request.tool_choice is not None and request.tool_choice.mode in ("required", "tool") and not request.tools:
        yield Lack("tool_choice")


def unsupported_block(message: Message, part: ProviderPart, path: str) -> Lack:
    """Return a block that only another vendor has.

    A block of an earlier answer may be left out, because its text is next to it. A user's block must be read, except
    for the fields of a block that can be read without them.
    """
    left_out = part.plain is not None or (message.role == "assistant" and not part.name.endswith(_ONLY_HERE))
    return Lack(path, "wish" if left_out else "promise")


# Blocks of an answer with content that is nowhere else.
_ONLY_HERE = ("item_reference", "compaction", "audio", "container_upload")


def without_blocks(request: ChatRequest, keeps: Callable[[ProviderPart], bool]) -> ChatRequest:
    """Return the request without unsupported blocks, and with the plain form of those that have one."""
    if not any(
        type(part) is ProviderPart and not keeps(part) for message in request.messages for part in message.parts
    ):
        return request
    messages = tuple(
        msgspec.structs.replace(message, parts=parts)
        for message in request.messages
        if (parts := tuple(_supported_parts(message.parts, keeps))) or not message.parts
    )
    return msgspec.structs.replace(request, messages=messages)


def _supported_parts(parts: tuple[Part, ...], keeps: Callable[[ProviderPart], bool]) -> Iterator[Part]:
    for part in parts:
        if not isinstance(part, ProviderPart) or keeps(part):
            yield part
        elif part.plain is not None:
            yield part.plain
