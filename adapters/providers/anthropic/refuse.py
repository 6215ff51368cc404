"""Name the fields of a canonical request that Anthropic does not have, as the caller calls them.

House rule: the encoder leaves out the fields named here, or the request is refused;
`domain.dialects.unsupported_params` decides. A request that is encoded for Anthropic comes from a caller of another
dialect (Anthropic's own pass through).
"""

from collections.abc import Iterator

from adapters.providers.alternating_turns import has_content, split
from adapters.providers.unsupported import (
    refusing,
    unsupported_block,
    unsupported_choice,
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

NAME = "anthropic"
TEMPERATURE_MAX = 1
"""OpenAI's range is 0 to 2, Anthropic's 0 to 1."""

EFFORTS = ("none", "low", "medium", "high", "xhigh", "max")


def unsupported_fields(request: ChatRequest) -> Iterator[Lack]:
    """Yield every field that Anthropic does not have."""
    yield from unsupported_settings(request, NAME)
    yield from unsupported_temperature(request, TEMPERATURE_MAX)
    yield from unsupported_sampling(request)
    yield from unsupported_stops(request)
    yield from unsupported_choice(request)
    if request.thinking is not None and request.thinking.effort not in (None, *EFFORTS):
        yield Lack("reasoning_effort")
    yield from _conversation(request.messages)


refuses = refusing(unsupported_fields, NAME)


def keeps(part: ProviderPart) -> bool:
    """Whether a provider-specific block is sent on unchanged."""
    return part.dialect == NAME


def _conversation(messages: tuple[Message, ...]) -> Iterator[Lack]:
    _, turns = split(messages)
    for index, message in enumerate(messages):
        path = f"messages.{index}"
        for at, part in enumerate(message.parts):
            yield from _part(message, part, f"{path}.content.{at}")
        if message.role in ("system", "developer") and not all(
            isinstance(part, Text | ProviderPart) for part in message.parts
        ):
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
            yield from _document(part, path)
        case Audio():
            yield Lack(f"{path}.input_audio")
        case ToolResult():
            for at, inner in enumerate(part.parts):
                yield from _part(message, inner, f"{path}.content.{at}")
        case ProviderPart():
            if not keeps(part):
                yield unsupported_block(message, part, f"{path}.{part.name}")


def _image(image: Image, path: str) -> Iterator[Lack]:
    """Yield an unsupported image; Anthropic scales images itself, and the charge is what it counts."""
    if image.detail == "low":
        yield Lack(f"{path}.image_url.detail")
    if (image.url is None) == (image.data is None) or (image.data is not None and image.media_type is None):
        yield Lack(f"{path}.image_url")


def _document(document: Document, path: str) -> Iterator[Lack]:
    """Yield an unsupported document: Anthropic reads PDF in base64 and plain text, and no other kind."""
    sources = (document.data, document.text, document.url, document.file_id)
    if sum(source is not None for source in sources) != 1:
        yield Lack(f"{path}.file")
    if document.data is not None and document.media_type != "application/pdf":
        yield Lack(f"{path}.file.file_data")
