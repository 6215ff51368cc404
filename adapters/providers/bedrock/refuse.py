"""Name the fields of a canonical request that Converse, or the model's family behind it, does not have.

House rule: the encoder leaves out the fields named here, or the request is refused;
`domain.dialects.unsupported_params` decides. The request's model is the provider's model, not the caller's name for it.
"""

from collections.abc import Iterator

import msgspec

from adapters.providers.alternating_turns import has_content, split
from adapters.providers.bedrock.encode import MODEL_FIELDS, TEMPERATURE_MAX, tier_of
from adapters.providers.bedrock.failure import NAME
from adapters.providers.bedrock.families import CLAUDE, CLAUDE_FIELDS, CONTEXT_MANAGEMENT, family, unsupported
from adapters.providers.bedrock.media import audio_block, document_source, image_block
from adapters.providers.bedrock.names import Names
from adapters.providers.bedrock.provider_blocks import provider_block
from adapters.providers.bedrock.tools import system_tools, unsupported_tools
from adapters.providers.decode_errors import DECODE_ERRORS
from adapters.providers.unsupported import (
    refusing,
    unsupported_block,
    unsupported_sampling,
    unsupported_settings,
    unsupported_stops,
    unsupported_temperature,
)
from domain.dialects.unsupported_params import Lack
from domain.model_api.requests import (
    Audio,
    ChatRequest,
    Document,
    Image,
    Message,
    Part,
    ProviderPart,
    Reasoning,
    Text,
    ToolResult,
)

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])

# A model's own fields that would bypass the hub's bounds and charges: the output cap, the number of answers, hosted
# tools with a fee. In lower case without underscores, because families spell them differently.
_BOUNDED = frozenset(
    ("maxtokens", "maxtokenstosample", "maxnewtokens", "maxgenlen", "maxcompletiontokens", "maxoutputtokens",
     "maxlength", "n", "numgenerations", "bestof", "tools", "toolconfig", "systemtools", "mcpservers", "messages")
)  # fmt: skip


def unsupported_fields(request: ChatRequest) -> Iterator[Lack]:
    """Yield every unsupported field."""
    of = family(request.model)
    yield from unsupported_temperature(request, TEMPERATURE_MAX)
    yield from unsupported_sampling(request)
    yield from unsupported_stops(request) if of == CLAUDE else ()
    if (field := unsupported(request, of)) is not None:
        yield Lack(field)
    yield from unsupported_tools(request, of)
    hosted = system_tools(request.extra, of)
    for lack in unsupported_settings(request, NAME):
        value = request.extra.get(lack.field)
        if lack.field == MODEL_FIELDS and value is not None:
            yield from _model_fields(value)
        elif lack.field not in hosted and not _is_claude_field(lack.field, of) and not _is_tier(lack.field, value):
            yield lack
    yield from _conversation(request.messages)


refuses = refusing(unsupported_fields, NAME)


def keeps(part: ProviderPart) -> bool:
    """Whether Converse has a block for another dialect's provider-specific block."""
    return provider_block(part, Names()) is not None


def _is_tier(name: str, value: msgspec.Raw | None) -> bool:
    return name == "service_tier" and value is not None and tier_of(value) is not None


def _is_claude_field(name: str, of: str) -> bool:
    """Whether Claude accepts a field of an Anthropic caller: "thinking.display", "context_management"."""
    whole, dot, _ = name.partition(".")
    return of == CLAUDE and (name == CONTEXT_MANAGEMENT or (bool(dot) and whole in CLAUDE_FIELDS))


def _model_fields(value: msgspec.Raw, path: str = MODEL_FIELDS) -> Iterator[Lack]:
    try:
        fields = _FIELDS.decode(value)
    except DECODE_ERRORS:
        yield Lack(path)
        return
    for name, inner in fields.items():
        if name.replace("_", "").lower() in _BOUNDED:
            yield Lack(f"{path}.{name}")
        elif path == MODEL_FIELDS and bytes(inner)[:1] == b"{":
            yield from _model_fields(inner, f"{path}.{name}")


def _conversation(messages: tuple[Message, ...]) -> Iterator[Lack]:
    _, turns = split(messages)
    for index, message in enumerate(messages):
        path = f"messages.{index}"
        for at, part in enumerate(message.parts):
            yield from _part(message, part, f"{path}.content.{at}")
        if message.role in ("system", "developer") and not all(isinstance(part, Text) for part in message.parts):
            yield Lack(f"{path}.content")
    if not any(has_content(part) for turn in turns for part in turn.parts):
        yield Lack("messages")


def _part(message: Message, part: Part, path: str) -> Iterator[Lack]:
    match part:
        case Text() | Reasoning():
            return
        case Image():
            yield from _image(part, path)
        case Document():
            if sum(source is not None for source in (part.data, part.text, part.url, part.file_id)) != 1:
                yield Lack(f"{path}.file")
            if document_source(part) is None:
                yield Lack(f"{path}.file" if part.data is None else f"{path}.file.file_data")
        case Audio():
            if audio_block(part) is None:
                yield Lack(f"{path}.input_audio.format")
        case ToolResult():
            for at, inner in enumerate(part.parts):
                yield from _part(message, inner, f"{path}.content.{at}")
        case ProviderPart():
            if not keeps(part):
                yield unsupported_block(message, part, f"{path}.{part.name}")


def _image(image: Image, path: str) -> Iterator[Lack]:
    """Yield an unsupported image; Bedrock's models scale images themselves, and the charge is what they count."""
    if image.detail == "low":
        yield Lack(f"{path}.image_url.detail")
    if (image.url is None) == (image.data is None) or image_block(image) is None:
        yield Lack(f"{path}.image_url")
