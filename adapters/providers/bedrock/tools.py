"""The tools that a model may use, and the tool choice.

House rule: a request has one choice. Converse has no `none` and no limit to one call at a time, but Claude has; where
those are needed, the choice is sent in Claude's form alone, because two choices give a 400.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolConfiguration.html
"""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from adapters.providers.anthropic.schema import strict_schema
from adapters.providers.bedrock.families import CACHING_TOOLS, CLAUDE
from adapters.providers.bedrock.turns import cache_point
from adapters.providers.input_schema import ANY_OBJECT, input_schema
from domain.dialects.unsupported_params import Lack
from domain.model_api.requests import ChatRequest, Message, Tool, ToolCall, ToolResult

_SYSTEM_TOOL = re.compile(r"tools\[\d+\]\.(nova_\w+)")
_TYPE = re.compile(r"tools\.\d+\.type")

_Json = dict[str, Any]


def tool_config(request: ChatRequest, of: str) -> _Json | None:
    """Return the tools with Converse's own choice.

    Converse rejects a conversation with calls if the request has no tools. If a caller offers none, the tools that were
    called are named again for Claude, and `claude_choice` forbids them.
    """
    choice = request.tool_choice
    hosted = [{"systemTool": {"name": name}} for name in system_tools(request.extra, of).values()]
    if not (request.tools or hosted):
        called = _called(request.messages)
        return {"tools": [_spec(name=name, schema=ANY_OBJECT) for name in called]} if called else None
    if _forbids(request, of) and of != CLAUDE:
        return None
    tools = [*(entry for tool in request.tools for entry in _tool(tool, of)), *hosted]
    if choice is None or claude_choice(request, of) is not None:
        return {"tools": tools}
    if choice.mode == "tool":
        return {"tools": tools, "toolChoice": {"tool": {"name": choice.name}}}
    return {"tools": tools, "toolChoice": {"any" if choice.mode == "required" else "auto": {}}}


def system_tools(extra: dict[str, msgspec.Raw], of: str) -> dict[str, str]:
    """Return the tools that Nova runs itself, by the field in which a caller names one.

    `{"type": "nova_code_interpreter"}` among the tools is kept as `tools[0].nova_code_interpreter` of OpenAI's callers
    and as `tools.0.type` of Anthropic's. https://docs.aws.amazon.com/nova/latest/nova2-userguide/built-in-tools.html
    """
    if of != "amazon":
        return {}
    found: dict[str, str] = {}
    for field, value in extra.items():
        named = _SYSTEM_TOOL.fullmatch(field)
        tool = named[1] if named else bytes(value).decode().strip('"') if _TYPE.fullmatch(field) else ""
        if tool.startswith("nova_"):
            found[field] = tool
    return found


def claude_choice(request: ChatRequest, of: str) -> _Json | None:
    """Return the choice in Claude's form, where Converse cannot express it."""
    if of != CLAUDE or not (request.tools or _called(request.messages)):
        return None
    if _forbids(request, of):
        return {"type": "none"}
    if request.parallel_tool_calls is not False:
        return None
    choice = request.tool_choice
    mode = "auto" if choice is None else "any" if choice.mode == "required" else choice.mode
    name = {} if choice is None or choice.name is None else {"name": choice.name}
    return {"type": mode, **name, "disable_parallel_tool_use": True}


def unsupported_tools(request: ChatRequest, of: str) -> Iterator[Lack]:
    """Yield the unsupported fields about tools, by the caller's names.

    The choice `none` and a choice without tools are kept by offering no tools; but a history of calls requires some.
    """
    choice = request.tool_choice
    if (
        choice is not None
        and choice.mode in ("required", "tool")
        and not (request.tools or system_tools(request.extra, of))
    ):
        yield Lack("tool_choice")
    if not _uses_tools(request.messages):
        return
    if _forbids(request, of) and of != CLAUDE:
        yield Lack("tool_choice" if request.tools else "tools")
    elif not request.tools and not _called(request.messages):
        yield Lack("tools")


def _forbids(request: ChatRequest, of: str) -> bool:
    """Whether no tool may be used."""
    return not (request.tools or system_tools(request.extra, of)) or (
        request.tool_choice is not None and request.tool_choice.mode == "none"
    )


def _called(messages: tuple[Message, ...]) -> tuple[str, ...]:
    """Return the names of the tools that were called before, each once."""
    parts = (part for message in messages for part in message.parts)
    return tuple(dict.fromkeys(part.name for part in parts if isinstance(part, ToolCall)))


def _uses_tools(messages: tuple[Message, ...]) -> bool:
    return any(isinstance(part, ToolCall | ToolResult) for message in messages for part in message.parts)


def _tool(tool: Tool, of: str) -> list[_Json]:
    # A schema of type "object" is required; in OpenAI's API a function without parameters may have none.
    schema = input_schema(tool.parameters)
    if tool.strict and of == CLAUDE and isinstance(schema, msgspec.Raw):
        schema = strict_schema(schema)
    optional = {"description": tool.description, "strict": tool.strict}
    entry = _spec(name=tool.name, schema=schema, **{name: value for name, value in optional.items() if value})
    if tool.cache_control is None or of not in CACHING_TOOLS:
        return [entry]
    return [entry, cache_point(tool.cache_control)]


def _spec(*, name: str, schema: Any, **optional: Any) -> _Json:
    return {"toolSpec": {"name": name, **optional, "inputSchema": {"json": schema}}}
