"""What of a canonical request Converse, or the model's family behind it, has no word for.

House rule: nothing that was promised is dropped in silence. The request's model is the one that would be called, not
the caller's name for it.
"""

from collections.abc import Iterator

import msgspec

from adapters.providers.arguments import arguments_object
from adapters.providers.bedrock.encode import MODEL_FIELDS, OWN, TIERS
from adapters.providers.bedrock.failure import NAME
from adapters.providers.bedrock.families import CLAUDE, CLAUDES_OWN, CONTEXT_MANAGEMENT, family, unsayable
from adapters.providers.bedrock.foreign import foreign_block
from adapters.providers.bedrock.media import audio_block, document_source, image_block
from adapters.providers.bedrock.names import Names
from adapters.providers.bedrock.tools import system_tools, unsayable_tools
from adapters.providers.harmless import is_harmless
from adapters.providers.turns import says_something, split
from adapters.providers.unsayable import unsayable_sampling
from adapters.providers.wire import NONSENSE
from domain.chat import (
    Audio,
    ChatRequest,
    Document,
    Foreign,
    Image,
    Message,
    Part,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
)
from domain.refusals import Unexpressible

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])

# Fields of a model's own that would get around what the hub bounds and charges: the output cap, the number of answers,
# tools that somebody runs for a fee. Without underscores and in lower case, however a family spells them.
_BOUNDED = frozenset(
    ("maxtokens", "maxtokenstosample", "maxnewtokens", "maxgenlen", "maxcompletiontokens", "maxoutputtokens",
     "maxlength", "n", "numgenerations", "bestof", "tools", "toolconfig", "systemtools", "mcpservers", "messages")
)  # fmt: skip


def refuses(request: ChatRequest) -> Unexpressible | None:
    """The first thing that cannot be said, or None."""
    field = next(_unsayable(request, family(request.model)), None)
    return None if field is None else Unexpressible(field=field, dialect=NAME, model=request.model)


def _unsayable(request: ChatRequest, of: str) -> Iterator[str]:
    yield from unsayable_sampling(request)
    if (word := unsayable(request, of)) is not None:
        yield word
    yield from unsayable_tools(request, of)
    hosted = system_tools(request.extra, of)
    for name, value in request.extra.items():
        if name not in hosted:
            yield from _extra(name, value, of)
    yield from _conversation(request.messages, of)


def _extra(name: str, value: msgspec.Raw, of: str) -> Iterator[str]:
    if name == MODEL_FIELDS:
        yield from _model_fields(value)
    elif name == "service_tier":
        if not is_harmless(name, value) and bytes(value).strip(b' "\t\r\n').decode(errors="replace") not in TIERS:
            yield name
    elif name not in OWN and name != "cache_control" and not is_harmless(name, value) and not _is_claudes(name, of):
        yield name


def _is_claudes(name: str, of: str) -> bool:
    """Whether Claude takes what an Anthropic caller says there: "thinking.display", "context_management"."""
    whole, dot, _ = name.partition(".")
    return of == CLAUDE and (name == CONTEXT_MANAGEMENT or (bool(dot) and whole in CLAUDES_OWN))


def _model_fields(value: msgspec.Raw, path: str = MODEL_FIELDS) -> Iterator[str]:
    try:
        fields = _FIELDS.decode(value)
    except NONSENSE:
        yield path
        return
    for name, inner in fields.items():
        if name.replace("_", "").lower() in _BOUNDED:
            yield f"{path}.{name}"
        elif path == MODEL_FIELDS and bytes(inner)[:1] == b"{":
            yield from _model_fields(inner, f"{path}.{name}")


def _conversation(messages: tuple[Message, ...], of: str) -> Iterator[str]:
    leading, turns = split(messages)
    before = ""
    for index, message in enumerate(messages):
        path = f"messages.{index}"
        if message.name is not None:
            yield f"{path}.name"
        for at, part in enumerate(message.parts):
            yield from _part(part, f"{path}.content.{at}")
        if message.role in ("system", "developer"):
            if not all(isinstance(part, Text) for part in message.parts):
                yield f"{path}.content"
            # Only newer Claudes take a later system message, and only right after a user's turn.
            if index >= len(leading) and (of != CLAUDE or before not in ("user", "system")):
                yield f"{path}.role"
        if index >= len(leading) and any(says_something(part) for part in message.parts):
            before = "system" if message.role == "developer" else message.role
    if not any(says_something(part) for turn in turns for part in turn.parts):
        yield "messages"


def _part(part: Part, path: str) -> Iterator[str]:
    match part:
        case Text() | Reasoning():
            return
        case Image():
            yield from _image(part, path)
        case Document():
            if sum(source is not None for source in (part.data, part.text, part.url, part.file_id)) != 1:
                yield f"{path}.file"
            if document_source(part) is None:
                yield f"{path}.file" if part.data is None else f"{path}.file.file_data"
        case Audio():
            if audio_block(part) is None:
                yield f"{path}.input_audio.format"
        case ToolCall():
            if arguments_object(part.arguments) is None:
                yield f"{path}.arguments"
        case ToolResult():
            for at, inner in enumerate(part.parts):
                yield from _part(inner, f"{path}.content.{at}")
        case Foreign():
            if foreign_block(part, Names()) is None:
                yield f"{path}.{part.name}"


def _image(image: Image, path: str) -> Iterator[str]:
    """A low detail promises a low price, which Bedrock's models do not keep."""
    if image.detail == "low":
        yield f"{path}.image_url.detail"
    if (image.url is None) == (image.data is None) or image_block(image) is None:
        yield f"{path}.image_url"
