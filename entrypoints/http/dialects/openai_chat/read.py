"""Reading a caller's chat-completions request: the fields that the plan needs, and every field as it came.

House rule: the fields that bound the charge are checked strictly; the provider checks the rest. The JSON parser
determines the names of fields, never a search through the bytes, so that no escape hides a field.
"""

from typing import Annotated, Literal

import msgspec

from domain.model_api.call import Capability, ModelCall
from domain.refusals import BadRequest
from entrypoints.http.decode_errors import JSON_ERRORS, JsonDecoder, decode_json
from entrypoints.http.dialects.openai_chat.field_errors import bad, read_body
from entrypoints.http.dialects.returned_blocks import Block, hides

_Name = Annotated[str, msgspec.Meta(min_length=1)]
_Model = Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]  # Kept in the call log; an ARN fits.
_Cap = Annotated[int, msgspec.Meta(ge=1, le=2**31)]
_Role = Literal["system", "developer", "user", "assistant", "tool", "function"]

# Parts that their bytes bound. Audio has more base64 characters than tokens, which are about ten a second.
# Images are not bounded by their bytes, but each has at most `bounds.IMAGE_TOKENS_MAX` tokens.
_BOUNDED_PARTS = frozenset({"text", "refusal", "input_audio", "thinking", "reasoning", "image_url"})

_NEEDS: dict[str, Capability] = {"input_audio": "audio", "file": "documents", "document_url": "documents"}

# Tools that the caller runs; the provider runs every other type, and charges for each use.
_CALLERS_TOOLS = frozenset({"function", "custom"})

# Fields that switch a provider's own tools on: OpenAI's, xAI's, OpenRouter's.
_HOSTED_FIELDS = (("web_search_options", "web_search"), ("search_parameters", "search"), ("plugins", "plugins"))


class _Url(msgspec.Struct):
    url: str


class _File(msgspec.Struct):
    file_data: str | None = None
    file_id: str | None = None


class _Part(msgspec.Struct):
    type: str
    image_url: _Url | str | None = None
    file: _File | None = None


class _Message(msgspec.Struct):
    role: _Role
    content: str | list[_Part] | None = None
    tool_call_id: str | None = None
    provider_blocks: list[Block] | None = None


class _Google(msgspec.Struct):
    cached_content: str | None = None


class _ExtraBody(msgspec.Struct):
    """The place of Google's own fields in its endpoint for OpenAI's clients."""

    google: _Google | None = None


class _Function(msgspec.Struct):
    name: _Name


class _Tool(msgspec.Struct):
    type: _Name = "function"  # Mistral's own SDK leaves it out.
    function: _Function | None = None


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class _Body(msgspec.Struct):
    model: _Model
    messages: Annotated[list[_Message], msgspec.Meta(min_length=1)]
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    max_tokens: _Cap | None = None
    max_completion_tokens: _Cap | None = None
    n: Annotated[int, msgspec.Meta(ge=1, le=128)] | None = None
    stop: str | list[str] | None = None
    tools: list[_Tool] | None = None


_BODY = JsonDecoder(_Body)


def read(body: bytes) -> ModelCall | BadRequest:
    """A request body as a call, or the first problem with it."""
    found = read_body(_BODY, body)
    if isinstance(found, BadRequest):
        return found
    known, fields = found
    problem = _problem(known)
    if problem is not None:
        return problem
    stream = known.stream is True
    if not stream:
        fields.pop("stream_options", None)  # Without a stream it has no meaning, and OpenAI rejects it.
    new, old = known.max_completion_tokens, known.max_tokens
    return ModelCall(
        dialect="openai",
        model=known.model,
        fields=fields,
        body_bytes=len(body),
        stream=stream,
        wants_usage=not stream or (known.stream_options is not None and known.stream_options.include_usage is True),
        output_tokens_max=old if new is None else new,
        cap_field="max_completion_tokens" if new is not None else "max_tokens" if old is not None else None,
        choices=known.n or 1,
        images=_images(known.messages),
        opaque_input=_opaque_input(known.messages) or _cached_input(fields),
        hosted_tools=_hosted_tools(known, fields),
        needs=_needs(known.messages),
    )


def _problem(body: _Body) -> BadRequest | None:
    """The checks that the types do not make."""
    if body.model.isspace():
        return bad("model", "The model's name is empty.")
    old, new = body.max_tokens, body.max_completion_tokens
    if old is not None and new is not None and old != new:
        problem = f"It is {old}, but max_completion_tokens is {new}. Send only max_completion_tokens."
        return BadRequest(field="max_tokens", problem=problem)
    for number, message in enumerate(body.messages):
        if message.content is None and message.role not in ("assistant", "function"):
            return bad(f"messages[{number}].content", "The field is missing.")
        if message.role == "tool" and not message.tool_call_id:
            return bad(f"messages[{number}].tool_call_id", "The field is missing.")
    for number, tool in enumerate(body.tools or ()):
        if tool.type == "function" and tool.function is None:
            return bad(f"tools[{number}].function", "The field is missing.")
    return None


def _images(messages: list[_Message]) -> int:
    """The number of images, inline and by URL, including those that a model made."""
    shown = sum(
        part.type == "image_url" for message in messages if type(message.content) is list for part in message.content
    )
    return shown + sum(hides(block) == "image" for message in messages for block in message.provider_blocks or ())


def _cached_input(fields: dict[str, msgspec.Raw]) -> str | None:
    """The name of a prompt that Google keeps. Google's dialect refuses other shapes."""
    if "extra_body" not in fields:
        return None
    try:
        google = decode_json(fields["extra_body"], _ExtraBody).google
    except JSON_ERRORS:
        return None
    return "extra_body.google.cached_content" if google is not None and google.cached_content is not None else None


def _needs(messages: list[_Message]) -> tuple[Capability, ...]:
    """The capabilities besides images that the parts require of a model."""
    parts = {part.type for message in messages if type(message.content) is list for part in message.content}
    if parts.isdisjoint(_NEEDS):
        return ()
    return tuple(_NEEDS[part] for part in sorted(parts & _NEEDS.keys()))


def _opaque_input(messages: list[_Message]) -> str | None:
    """The path of the first input that the body does not bound."""
    for number, message in enumerate(messages):
        for place, block in enumerate(message.provider_blocks or ()):
            if hides(block) == "more":
                return f"messages[{number}].provider_blocks[{place}]"
        if type(message.content) is list:
            for place, part in enumerate(message.content):
                if part.type not in _BOUNDED_PARTS and (field := _opaque_part(part)) is not None:
                    return f"messages[{number}].content[{place}].{field}"
    return None


def _opaque_part(part: _Part) -> str | None:
    """The field of a part that hides tokens. A part of an unknown type may be any input, such as a video by URL."""
    if part.type == "file":
        data = part.file.file_data if part.file is not None and part.file.file_id is None else None
        # Text is bounded by its bytes; a PDF is compressed, and its pages are read as images as well
        # (https://developers.openai.com/api/docs/guides/file-inputs).
        return None if data is not None and data[:10].lower() == "data:text/" else "file"
    return part.type


def _hosted_tools(body: _Body, fields: dict[str, msgspec.Raw]) -> tuple[str, ...]:
    names = [tool.type for tool in body.tools or () if tool.type not in _CALLERS_TOOLS]
    for field, name in _HOSTED_FIELDS:
        if field in fields and bytes(fields[field]) not in (b"null", b"[]"):
            names.append(name)
    return tuple(dict.fromkeys(names)) if names else ()
