"""The tools of a request: functions, and OpenAI's custom tools and groups of tools as functions.

A custom tool takes free text, not JSON. For a model that knows only functions it becomes a function with a single text,
`input`; its call is returned as the custom tool's. The tools of a group (`namespace`) become tools whose names begin
with the group's. https://developers.openai.com/api/docs/guides/function-calling#custom-tools
"""

from hashlib import sha256
from typing import Any, Literal

import msgspec

NAME_CHARACTERS_MAX = 64

_INPUT = msgspec.Raw(
    b'{"type":"object","properties":{"input":{"type":"string"}},"required":["input"],"additionalProperties":false}'
)
_ALLOWED = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


class Custom(msgspec.Struct, frozen=True):
    """The description of a custom tool; `format` is JSON as in the Responses API, with a `type`."""

    description: str | None = None
    format: dict[str, Any] | None = None


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """A function the model may call; `parameters` is its JSON Schema.

    `custom` is set for a custom tool, and `group` for a tool of a group: the group's name and the tool's own in it.
    """

    name: str
    description: str | None = None
    parameters: msgspec.Raw | None = None
    strict: bool | None = None
    cache_control: msgspec.Raw | None = None
    custom: Custom | None = None
    group: tuple[str, str] | None = None


class ToolChoice(msgspec.Struct, frozen=True, kw_only=True):
    """`auto`, `none`, `required` (some tool), or `tool` with its `name`."""

    mode: Literal["auto", "none", "required", "tool"]
    name: str | None = None


class _Function(msgspec.Struct, frozen=True):
    name: str


class _AllowedTool(msgspec.Struct, frozen=True):
    """Chat completions have the name in an object named by the type; the Responses API has it next to the type."""

    type: str = "function"
    name: str | None = None
    namespace: str | None = None
    function: _Function | None = None
    custom: _Function | None = None


class _AllowedTools(msgspec.Struct, frozen=True):
    mode: Literal["auto", "required"]
    tools: list[_AllowedTool]


class _Allowing(msgspec.Struct, frozen=True):
    allowed_tools: _AllowedTools | None = None
    mode: Literal["auto", "required"] = "auto"
    tools: list[_AllowedTool] = []


def only_allowed(tools: tuple[Tool, ...], choice: msgspec.Raw) -> tuple[tuple[Tool, ...], ToolChoice] | None:
    """The tools that OpenAI's choice `allowed_tools` leaves, and the choice among them.

    None if it cannot be read or names none of the tools. A model that gets the allowed tools alone can call no other.
    https://developers.openai.com/api/docs/guides/function-calling#allowed-tools
    """
    try:
        wanted = _ALLOWING.decode(choice)
    except (msgspec.MsgspecError, ValueError):
        return None
    listed = wanted.allowed_tools or _AllowedTools(wanted.mode, wanted.tools)
    names = {_allowed_name(tool) for tool in listed.tools}
    left = tuple(tool for tool in tools if tool.name in names)
    return (left, ToolChoice(mode=listed.mode)) if left else None


def _allowed_name(tool: _AllowedTool) -> str | None:
    function = tool.function or tool.custom
    name = function.name if function is not None else tool.name
    return name if name is None or tool.namespace is None else grouped_name(tool.namespace, name)


class _Input(msgspec.Struct, frozen=True):
    input: str


_INPUT_DECODER = msgspec.json.Decoder(_Input)
_ALLOWING = msgspec.json.Decoder(_Allowing)


def custom_tool(name: str, custom: Custom) -> Tool:
    """A custom tool as a function with one text, whose description has the grammar that the text must match."""
    description = [custom.description] if custom.description else []
    description.append("Put the whole input, as plain text, into the parameter `input`.")
    form = custom.format or {}
    if form.get("definition"):
        description.append(f"It must match this {form.get('syntax', '')} grammar:\n{form['definition']}")
    return Tool(name=name, description="\n\n".join(description), parameters=_INPUT, custom=custom)


def arguments_of(text: str) -> str:
    """The input of a custom tool as the arguments of its function."""
    return msgspec.json.encode(_Input(text)).decode()


def input_of(arguments: str) -> str | None:
    """The input in such arguments, None if they do not have that form."""
    try:
        return _INPUT_DECODER.decode(arguments).input
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def grouped_name(group: str, name: str) -> str:
    """The unique name of a group's tool, with characters and a length that every vendor accepts.

    ("multi_agent_v1", "spawn") is "multi_agent_v1__spawn"; ("mcp__docs__", "find") is "mcp__docs__find". A call of a
    tool that was loaded by itself names the tool as its group: ("find", "find") is "find".
    """
    whole = name if group == name else f"{group}{'' if group.endswith('__') else '__'}{name}"
    fitted = "".join(letter if letter in _ALLOWED else "_" for letter in whole)
    if fitted == whole and len(whole) <= NAME_CHARACTERS_MAX:
        return whole
    return f"{fitted[: NAME_CHARACTERS_MAX - 9]}_{sha256(whole.encode()).hexdigest()[:8]}"
