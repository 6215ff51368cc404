"""Find the fields of a canonical chat request that a provider's dialect does not have.

House rule: a field is sent, or one of these functions yields it and the encoder leaves it out. The table in
`domain.dialects.unsupported_params` decides what that means for the request.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal

import msgspec

from domain.dialects.claude_generations import SAMPLING, sampling_left_out
from domain.dialects.unsupported_params import SENT, Lack, says_nothing, sorted_out
from domain.model_api.requests import ChatRequest, Message, Part, ProviderPart
from domain.refusals import UnsupportedParameter

_NUMBER = msgspec.json.Decoder(Decimal)

UnsupportedFields = Callable[[ChatRequest], Iterator[Lack]]


def refusing(
    unsupported_fields: UnsupportedFields, dialect: str
) -> Callable[[ChatRequest], UnsupportedParameter | None]:
    """What of a request would break a promise in that dialect, as the dialect's record says it."""

    def refuses(request: ChatRequest) -> UnsupportedParameter | None:
        found = sorted_out(unsupported_fields(request), dialect, request.model)
        return None if isinstance(found, tuple) else found

    return refuses


def unsupported_settings(request: ChatRequest, dialect: str) -> Iterator[Lack]:
    """The fields beside the conversation that the dialect does not send on."""
    sent = SENT[dialect]
    asked = {
        "n": request.choices != 1,
        "stop": bool(request.stop),
        "seed": request.seed is not None,
        "top_k": request.top_k is not None,
    }
    yield from (Lack(name) for name, is_asked in asked.items() if is_asked and name not in sent)
    for name, value in request.extra.items():
        if name not in sent and not says_nothing(name, value):
            yield Lack(name)


def unsupported_temperature(request: ChatRequest, most: int) -> Iterator[Lack]:
    """A temperature above the highest that the vendor takes."""
    if request.temperature is not None and _NUMBER.decode(request.temperature) > most:
        yield Lack("temperature")


def unsupported_sampling(request: ChatRequest) -> Iterator[Lack]:
    """What a Claude of the model's generation rejects of temperature, top_p and top_k."""
    asked = [name for name in SAMPLING if getattr(request, name) is not None]
    yield from (Lack(name) for name in sampling_left_out(request.model, asked))


def cooled(temperature: msgspec.Raw | None, most: int) -> msgspec.Raw | None:
    """The temperature, or the highest that the vendor takes."""
    if temperature is None or _NUMBER.decode(temperature) <= most:
        return temperature
    return msgspec.Raw(b"%d" % most)


def unsupported_stops(request: ChatRequest) -> Iterator[Lack]:
    """Stop sequences of blanks, which a Claude rejects; the others are sent."""
    if any(text and not text.strip() for text in request.stop):
        yield Lack("stop", "wish")


def unsupported_choice(request: ChatRequest) -> Iterator[Lack]:
    """A demand for a tool where there is none; a choice to use no tool, or any, is kept without one."""
    if request.tool_choice is not None and request.tool_choice.mode in ("required", "tool") and not request.tools:
        yield Lack("tool_choice")


def unsupported_block(message: Message, part: ProviderPart, path: str) -> Lack:
    """A block that only another vendor knows.

    What a model's provider put into an answer may be left out on the next turn, its text stands beside it; what a
    user hands in is to be read, but for the fields of a block that can be read without them.
    """
    left_out = part.plain is not None or (message.role == "assistant" and not part.name.endswith(_KEPT_ELSEWHERE))
    return Lack(path, "wish" if left_out else "promise")


# Blocks of an answer that stand for words which are nowhere else.
_KEPT_ELSEWHERE = ("item_reference", "compaction", "audio", "container_upload")


def without_blocks(request: ChatRequest, keeps: Callable[[ProviderPart], bool]) -> ChatRequest:
    """The request without the blocks that the dialect does not take, and with the plain form of those that have one."""
    if not any(
        type(part) is ProviderPart and not keeps(part) for message in request.messages for part in message.parts
    ):
        return request
    messages = tuple(
        msgspec.structs.replace(message, parts=parts)
        for message in request.messages
        if (parts := tuple(_kept(message.parts, keeps))) or not message.parts
    )
    return msgspec.structs.replace(request, messages=messages)


def _kept(parts: tuple[Part, ...], keeps: Callable[[ProviderPart], bool]) -> Iterator[Part]:
    for part in parts:
        if not isinstance(part, ProviderPart) or keeps(part):
            yield part
        elif part.plain is not None:
            yield part.plain
