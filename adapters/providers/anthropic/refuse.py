"""What of a canonical request Anthropic has no word for, by the name that the caller gave it.

House rule: nothing that was promised is dropped in silence. A request that is encoded for Anthropic comes from a
caller of OpenAI's dialect (Anthropic's own are passed through), so fields are named in OpenAI's words.
"""

from collections.abc import Iterator

from adapters.providers.arguments import arguments_object
from adapters.providers.harmless import is_harmless
from adapters.providers.turns import says_something, split
from adapters.providers.unsayable import unsayable_sampling
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

_EFFORTS = ("none", "low", "medium", "high", "xhigh", "max")


def refuses(request: ChatRequest) -> Unexpressible | None:
    """The first thing that cannot be said, or None."""
    field = next(_unsayable(request), None)
    return None if field is None else Unexpressible(field=field, dialect="anthropic", model=request.model)


def _unsayable(request: ChatRequest) -> Iterator[str]:
    yield from unsayable_sampling(request)
    if request.thinking is not None and request.thinking.effort not in (None, *_EFFORTS):
        yield "reasoning_effort"
    # A choice to use no tool, or any, is kept without one; a demand is not.
    if request.tool_choice is not None and request.tool_choice.mode in ("required", "tool") and not request.tools:
        yield "tool_choice"
    for name, value in request.extra.items():
        if name != "cache_control" and not is_harmless(name, value):
            yield name
    yield from _conversation(request.messages)


def _conversation(messages: tuple[Message, ...]) -> Iterator[str]:
    leading, turns = split(messages)
    before = ""
    for index, message in enumerate(messages):
        path = f"messages.{index}"
        if message.name is not None:
            yield f"{path}.name"
        for at, part in enumerate(message.parts):
            yield from _part(part, f"{path}.content.{at}")
        if message.role in ("system", "developer"):
            if not all(isinstance(part, Text | Foreign) for part in message.parts):
                yield f"{path}.content"
            # Anthropic takes a later system message only right after a user's turn.
            if index >= len(leading) and before not in ("user", "system"):
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
            yield from _document(part, path)
        case Audio():
            yield f"{path}.input_audio"
        case ToolCall():
            if arguments_object(part.arguments) is None:
                yield f"{path}.arguments"
        case ToolResult():
            for at, inner in enumerate(part.parts):
                yield from _part(inner, f"{path}.content.{at}")
        case Foreign():
            if part.dialect != "anthropic":
                yield f"{path}.{part.name}"


def _image(image: Image, path: str) -> Iterator[str]:
    """A low detail promises a low price, which Anthropic's own scaling does not keep."""
    if image.detail == "low":
        yield f"{path}.image_url.detail"
    if (image.url is None) == (image.data is None) or (image.data is not None and image.media_type is None):
        yield f"{path}.image_url"


def _document(document: Document, path: str) -> Iterator[str]:
    """Anthropic reads PDF as base64 and plain text as text; any other kind of file it does not know."""
    sources = (document.data, document.text, document.url, document.file_id)
    if sum(source is not None for source in sources) != 1:
        yield f"{path}.file"
    if document.data is not None and document.media_type != "application/pdf":
        yield f"{path}.file.file_data"
