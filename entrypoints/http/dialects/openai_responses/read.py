"""Reading a caller's Responses request: the fields that the plan needs, and every field as it came.

House rule: the fields that bound the charge are checked strictly; the provider checks the rest. References to content
that OpenAI keeps (an earlier answer, a conversation, a stored prompt, an item), and content that OpenAI may add by
itself, are bounded by the context only.

https://developers.openai.com/api/reference/resources/responses/methods/create
"""

from collections.abc import Iterator
from typing import Annotated

import msgspec

from domain.model_api.call import Capability, ModelCall
from domain.refusals import BadRequest
from domain.usage import PIECES_MAX
from entrypoints.http.decode_errors import JSON_ERRORS, JsonDecoder
from entrypoints.http.dialects.openai_chat.field_errors import bad, unreadable
from entrypoints.http.dialects.openai_responses.blocks import RETURNED_TYPES
from entrypoints.http.dialects.openai_responses.wire import NAME, UNSET, Item, Part, Tool, is_set
from entrypoints.http.dialects.returned_blocks import Block, hides

_Model = Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]  # Kept in the call log; an ARN fits.
_Cap = Annotated[int, msgspec.Meta(ge=1, le=2**31)]
_Uses = Annotated[int, msgspec.Meta(ge=0, le=PIECES_MAX)]

# Tools that the caller runs; the provider runs every other type, and may charge for each use.
_CALLERS_TOOLS = frozenset(
    {"function", "custom", "namespace", "local_shell", "apply_patch", "computer", "computer_use_preview", "tool_search"}
)

# Items that their bytes bound. A reasoning item's encrypted text is longer than the thought.
_BOUNDED_ITEMS = frozenset(
    {
        "message",
        "reasoning",
        "function_call",
        "function_call_output",
        "custom_tool_call",
        "custom_tool_call_output",
        "tool_search_call",
        "tool_search_output",
        "additional_tools",
        "local_shell_call",
        "local_shell_call_output",
        "shell_call",
        "shell_call_output",
        "apply_patch_call",
        "apply_patch_call_output",
        "computer_call",
        "computer_call_output",
        "mcp_list_tools",
        "mcp_call",
        "mcp_approval_request",
        "mcp_approval_response",
    }
)
_BOUNDED_PARTS = frozenset(
    {"input_text", "output_text", "text", "refusal", "reasoning_text", "summary_text", "input_image", "input_audio"}
)

_NEEDS: dict[str, Capability] = {"input_audio": "audio", "input_file": "documents"}

# Fields for input that the provider keeps, or that it may read more than once.
_KEPT_ELSEWHERE = ("previous_response_id", "conversation", "prompt", "context_management")

_CONTENT = JsonDecoder(str | list[Part])
_TOOLS = JsonDecoder(list[Tool])


class _Body(msgspec.Struct):
    model: _Model
    input: str | list[Item] | None = None
    instructions: str | None = None
    stream: bool | None = None
    stream_options: msgspec.Raw = UNSET
    background: bool | None = None
    max_output_tokens: _Cap | None = None
    max_tool_calls: _Uses | None = None
    tools: list[Tool] | None = None


_BODY = JsonDecoder(_Body)
_FIELDS = JsonDecoder(dict[str, msgspec.Raw])


def read(body: bytes) -> ModelCall | BadRequest:
    """A request body as a call, or the first problem with it."""
    try:
        if not body.isascii():
            body.decode()  # The parser does not check the texts that it skips.
        known = _BODY.decode(body)
        fields = _FIELDS.decode(body)
        problem = _problem(known, fields)
        if problem is not None:
            return problem
    except JSON_ERRORS as error:
        return unreadable(error)
    if not known.stream:
        fields.pop("stream_options", None)  # Without a stream it has no meaning, and OpenAI rejects it.
    items = known.input if isinstance(known.input, list) else []
    tools = [*(known.tools or ())]
    hidden: list[str | None] = []
    kinds: set[str] = set()
    for number, item in enumerate(items):
        try:
            content = _content(item, f"input[{number}]")
            kinds.update(part.type for part in content)
            hidden += _hidden(item, content, f"input[{number}]")
            if item.type == "additional_tools" and is_set(item.tools):
                tools += _TOOLS.decode(item.tools)
        except _Unreadable as error:
            return error.problem
        except JSON_ERRORS as error:
            return unreadable(error, f"input[{number}].tools")
    opaque = [path for path in hidden if path is not None]
    hosted = _hosted_tools(tools, fields)
    return ModelCall(
        dialect=NAME,
        model=known.model,
        fields=fields,
        body_bytes=len(body),
        stream=known.stream is True,
        output_tokens_max=known.max_output_tokens,
        cap_field="max_output_tokens" if known.max_output_tokens is not None else None,
        images=len(hidden) - len(opaque),
        opaque_input=_elsewhere(known, fields) or (opaque[0] if opaque else None),
        hosted_tools=hosted,
        hosted_uses_max=known.max_tool_calls if hosted else None,
        hosted_unbounded=1 if hosted and known.max_tool_calls is None else 0,
        uncounted="background" if known.background else None,
        needs=tuple(_NEEDS[kind] for kind in sorted(kinds & _NEEDS.keys())),
    )


def _problem(body: _Body, fields: dict[str, msgspec.Raw]) -> BadRequest | None:
    """The checks that the types do not make."""
    if body.model.isspace():
        return bad("model", "The model's name is empty.")
    if not body.input and not any(name in fields for name in _KEPT_ELSEWHERE):
        return bad("input", "The field is missing." if body.input is None else "It is empty.")
    for number, item in enumerate(body.input if isinstance(body.input, list) else ()):
        for name in _NEEDED.get(item.type, ()):
            value = getattr(item, name)
            if value is None or (isinstance(value, msgspec.Raw) and not is_set(value)):
                return bad(f"input[{number}].{name}", "The field is missing.")
    for number, tool in enumerate(body.tools or ()):
        if tool.type == "function" and not tool.name:
            return bad(f"tools[{number}].name", "The field is missing.")
    return None


# The required fields of an item, by its type.
_NEEDED = {
    "message": ("role", "content"),
    "function_call": ("call_id", "name", "arguments"),
    "function_call_output": ("call_id", "output"),
    "custom_tool_call": ("call_id", "name", "input"),
    "custom_tool_call_output": ("call_id", "output"),
}

_TEXTS = {"function_call": "arguments", "custom_tool_call": "input"}


# --- input that is not in the body --------------------------------------------------------------------


class _Unreadable(Exception):
    """A field of an item has the wrong shape; caught in `read`."""

    def __init__(self, problem: BadRequest) -> None:
        super().__init__(problem.problem)
        self.problem = problem


def _content(item: Item, place: str) -> list[Part]:
    """The content parts of a message, a thought or a tool's answer; a text has none."""
    if item.type in ("message", "reasoning") and is_set(item.content):
        raw, place = item.content, f"{place}.content"
    elif item.type in ("function_call_output", "custom_tool_call_output"):
        raw, place = item.output, f"{place}.output"
    else:
        return []
    try:
        content = _CONTENT.decode(raw)
    except JSON_ERRORS as error:
        raise _Unreadable(unreadable(error, place)) from None
    return content if isinstance(content, list) else []


def _hidden(item: Item, content: list[Part], place: str) -> Iterator[str | None]:
    """None for every image, the path for all other input that the body does not bound."""
    if item.type in RETURNED_TYPES:
        hidden = hides(Block(dialect=item.dialect or "", name=item.name or "", block=item.block))
        if hidden is not None:
            yield None if hidden == "image" else f"{place}.{item.name}"
        return
    if item.type not in _BOUNDED_ITEMS:
        yield f"{place}.{item.type}"
        return
    text = _TEXTS.get(item.type)
    if text is not None and bytes(getattr(item, text))[:1] != b'"':
        raise _Unreadable(bad(f"{place}.{text}", "It is no text."))
    if item.type == "computer_call_output":
        yield None  # A screenshot.
    within = "output" if item.type.endswith("_output") else "content"
    for number, part in enumerate(content):
        if part.type == "input_image":
            yield None
        elif part.type == "input_file":
            # Text is bounded by its bytes; a PDF is compressed, and its pages are read as images as well
            # (https://developers.openai.com/api/docs/guides/file-inputs).
            if part.file_id or part.file_url or (part.file_data or "")[:10].lower() != "data:text/":
                yield f"{place}.{within}[{number}].input_file"
        elif part.type not in _BOUNDED_PARTS:
            yield f"{place}.{within}[{number}].{part.type}"


def _elsewhere(body: _Body, fields: dict[str, msgspec.Raw]) -> str | None:
    """The name of a field for input outside the body. OpenAI's own tool search reads its tools a second time."""
    for name in _KEPT_ELSEWHERE:
        if name in fields and bytes(fields[name]) not in (b"null", b"[]"):
            return name
    for number, tool in enumerate(body.tools or ()):
        if tool.type == "tool_search" and tool.execution != "client":
            return f"tools[{number}].tool_search"
    return None


def _hosted_tools(tools: list[Tool], fields: dict[str, msgspec.Raw]) -> tuple[str, ...]:
    """The tools that the provider runs; a stored prompt may bring any."""
    names = [tool.type for tool in tools if not _is_callers(tool)]
    if "prompt" in fields and bytes(fields["prompt"]) != b"null":
        names.append("prompt")
    return tuple(dict.fromkeys(names))


def _is_callers(tool: Tool) -> bool:
    if tool.type == "shell":
        return tool.environment is not None and tool.environment.type == "local"
    if tool.type == "namespace":
        return all(_is_callers(inner) for inner in tool.tools or ())
    return tool.type in _CALLERS_TOOLS
