"""What of a canonical request Gemini has no word for, by the name that the caller gave it.

House rule: nothing that was promised is dropped in silence. What is only a hint — a mark for a prompt cache, who the
user is — is left out, since the answer is the same without it.
"""

from collections.abc import Iterator, Mapping

from adapters.providers.arguments import arguments_object
from adapters.providers.google.contents import call_names
from adapters.providers.google.encode import EFFORTS, details
from adapters.providers.google.extras import unsayable as unsayable_extras
from adapters.providers.google.failure import NAME
from adapters.providers.google.media import is_elsewhere, is_googles_file, is_picture
from adapters.providers.google.schema import unsayable as unsayable_schema
from domain.chat import (
    ChatRequest,
    Document,
    Foreign,
    Image,
    Message,
    Part,
    ResponseFormat,
    Text,
    ToolCall,
    ToolResult,
)
from domain.refusals import Unexpressible

_SEED_MAX = 2**31 - 1


def refuses(request: ChatRequest) -> Unexpressible | None:
    """The first thing that cannot be said, or None."""
    field = next(_unsayable(request), None)
    return None if field is None else Unexpressible(field=field, dialect=NAME, model=request.model)


def _unsayable(request: ChatRequest) -> Iterator[str]:
    if request.seed is not None and not -_SEED_MAX <= request.seed <= _SEED_MAX:
        yield "seed"
    if request.thinking is not None and request.thinking.effort not in (None, *EFFORTS):
        yield "reasoning_effort"
    # Nothing keeps Gemini from several calls at once.
    if request.parallel_tool_calls is False and request.tools:
        yield "parallel_tool_calls"
    # A choice to use no tool, or any, is kept without one; a demand is not.
    if request.tool_choice is not None and request.tool_choice.mode in ("required", "tool") and not request.tools:
        yield "tool_choice"
    for number, tool in enumerate(request.tools):
        if tool.parameters is not None and (word := unsayable_schema(tool.parameters)):
            yield f"tools.{number}.parameters.{word}"
    if request.response_format is not None:
        yield from _format(request.response_format)
    # A low detail promises a low price, and one resolution is for all pictures.
    wanted = details(request)
    if "low" in wanted and len(wanted) > 1:
        yield "image_url.detail"
    yield from unsayable_extras(request.extra)
    yield from _conversation(request.messages)


def _format(wanted: ResponseFormat) -> Iterator[str]:
    if wanted.mode == "json_schema" and wanted.schema is None:
        yield "response_format.json_schema.schema"
    if wanted.schema is not None and (word := unsayable_schema(wanted.schema)):
        yield f"response_format.json_schema.schema.{word}"


def _conversation(messages: tuple[Message, ...]) -> Iterator[str]:
    names = call_names(messages)
    for index, message in enumerate(messages):
        path = f"messages.{index}"
        if message.name is not None:
            yield f"{path}.name"
        if message.role in ("system", "developer") and not all(isinstance(part, Text) for part in message.parts):
            yield f"{path}.content"
        for at, part in enumerate(message.parts):
            yield from _part(part, names, f"{path}.content.{at}")
    if not any(message.parts for message in messages if message.role not in ("system", "developer")):
        yield "messages"


def _part(part: Part, names: Mapping[str, str], path: str) -> Iterator[str]:
    match part:
        case Image():
            # A film would pass for a picture, and cost more than one may.
            other = part.media_type is not None and not part.media_type.startswith("image/")
            if (part.url is None) == (part.data is None) or other:
                yield f"{path}.image_url"
        case Document():
            yield from _document(part, path)
        case ToolCall():
            if arguments_object(part.arguments) is None:
                yield f"{path}.arguments"
        case ToolResult():
            # Gemini knows a result by the function that it is of, which only the call tells.
            if part.call_id not in names:
                yield f"{path}.tool_call_id"
            for at, inner in enumerate(part.parts):
                yield from _part(inner, names, f"{path}.content.{at}")
        case Foreign(dialect=dialect) if dialect == NAME:
            if part.name == "inlineData" and not is_picture(part.block):
                yield f"{path}.{part.name}"
        case Foreign():
            at_url = part.dialect == "openai" and is_elsewhere(part.name, part.block)
            if not at_url:
                yield f"{path}.{part.name}"
        case _:
            return


def _document(document: Document, path: str) -> Iterator[str]:
    sources = (document.data, document.text, document.url, document.file_id)
    if sum(source is not None for source in sources) != 1:
        yield f"{path}.file"
    # A file's id is known only to the provider that gave it; Google's are URIs.
    if document.file_id is not None and not is_googles_file(document.file_id):
        yield f"{path}.file_id"
