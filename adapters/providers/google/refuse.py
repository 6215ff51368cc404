"""Name the fields of a canonical request that Gemini does not have, as the caller calls them.

House rule: the encoder leaves out the fields named here, or the request is refused;
`domain.dialects.unsupported_params` decides.
"""

from collections.abc import Iterator, Mapping

from adapters.providers.alternating_turns import with_a_turn
from adapters.providers.google.contents import call_names
from adapters.providers.google.encode import EFFORTS, SEED_MAX, details, keeps
from adapters.providers.google.extras import unsupported_extra
from adapters.providers.google.failure import NAME
from adapters.providers.google.media import is_googles_file
from adapters.providers.google.schema import is_narrowed
from adapters.providers.unsupported import refusing, unsupported_block, unsupported_choice, unsupported_settings
from domain.dialects.unsupported_params import Lack
from domain.model_api.requests import (
    ChatRequest,
    Document,
    Image,
    Message,
    Part,
    ProviderPart,
    ResponseFormat,
    Text,
    ToolResult,
)


def unsupported_fields(request: ChatRequest) -> Iterator[Lack]:
    """Yield every unsupported field. Gemini cannot be limited to one call at a time; the caller receives only one."""
    if request.seed is not None and not -SEED_MAX <= request.seed <= SEED_MAX:
        yield Lack("seed")
    if request.thinking is not None and request.thinking.effort not in (None, *EFFORTS):
        yield Lack("reasoning_effort")
    yield from unsupported_choice(request)
    for number, tool in enumerate(request.tools):
        if tool.parameters is not None and is_narrowed(tool.parameters):
            yield Lack(f"tools.{number}.parameters.allOf")
    if request.response_format is not None:
        yield from _format(request.response_format)
    # One resolution applies to all images.
    wanted = details(request)
    if "low" in wanted and len(wanted) > 1:
        yield Lack("image_url.detail")
    for lack in unsupported_settings(request, NAME):
        value = request.extra.get(lack.field)
        yield from (lack,) if value is None else unsupported_extra(lack.field, value)
    yield from _conversation(request.messages)


refuses = refusing(unsupported_fields, NAME)


def _format(wanted: ResponseFormat) -> Iterator[Lack]:
    if wanted.schema is not None and is_narrowed(wanted.schema):
        yield Lack("response_format.json_schema.schema.allOf")


def _conversation(messages: tuple[Message, ...]) -> Iterator[Lack]:
    names = call_names(messages)
    for index, message in enumerate(messages):
        path = f"messages.{index}"
        if message.role in ("system", "developer") and not all(isinstance(part, Text) for part in message.parts):
            yield Lack(f"{path}.content")
        for at, part in enumerate(message.parts):
            yield from _part(message, part, names, f"{path}.content.{at}")
    if not any(message.parts for message in with_a_turn(messages) if message.role not in ("system", "developer")):
        yield Lack("messages")


def _part(message: Message, part: Part, names: Mapping[str, str], path: str) -> Iterator[Lack]:
    match part:
        case Image():
            # A video with an image type would cost more than an image may.
            other = part.media_type is not None and not part.media_type.startswith("image/")
            if (part.url is None) == (part.data is None) or other:
                yield Lack(f"{path}.image_url")
        case Document():
            yield from _document(part, path)
        case ToolResult():
            # Gemini requires the name of a result's function, which only the call contains.
            if part.call_id not in names:
                yield Lack(f"{path}.tool_call_id")
            for at, inner in enumerate(part.parts):
                yield from _part(message, inner, names, f"{path}.content.{at}")
        case ProviderPart():
            if not keeps(part):
                yield unsupported_block(message, part, f"{path}.{part.name}")
        case _:
            return


def _document(document: Document, path: str) -> Iterator[Lack]:
    sources = (document.data, document.text, document.url, document.file_id)
    if sum(source is not None for source in sources) != 1:
        yield Lack(f"{path}.file")
    # A file id is known only to the provider that issued it; Google's are URIs.
    if document.file_id is not None and not is_googles_file(document.file_id):
        yield Lack(f"{path}.file_id")
