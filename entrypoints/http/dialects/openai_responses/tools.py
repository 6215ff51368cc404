"""The tools of a Responses request as canonical ones, from all their places, and the choice among them.

Tools come in `tools`, in items of the input (`additional_tools`, and the results of a tool search), and in groups
(`namespace`). House rule: a function and a custom tool arrive as tools; any other goes to `extra` under its place and
type, where a provider's dialect that knows it takes it and any other leaves it out.

https://developers.openai.com/api/docs/guides/tools
"""

from collections.abc import Iterator
from typing import Any, Literal, TypeAlias

import msgspec

from domain.model_api.requests import Tool, ToolChoice
from domain.model_api.tools import Custom, custom_tool, grouped_name, only_allowed
from entrypoints.http.decode_errors import JSON_ERRORS, JsonDecoder, decode_json
from entrypoints.http.dialects.openai_chat.field_errors import bad, unreadable
from entrypoints.http.dialects.openai_chat.turns import Wrong
from entrypoints.http.dialects.openai_responses.wire import UNSET, is_set

_Extra: TypeAlias = dict[str, msgspec.Raw]
ITEMS_WITH_TOOLS = frozenset(("additional_tools", "tool_search_output"))
"""Items of the input that bring tools."""

_TRUE = msgspec.Raw(b"true")
_DEPTH_MAX = 4
_MODES: dict[str, Literal["auto", "none", "required"]] = {"auto": "auto", "none": "none", "required": "required"}


class _Tool(msgspec.Struct):
    type: str
    name: str = ""
    description: str | None = None
    parameters: msgspec.Raw = UNSET
    strict: bool | None = None
    defer_loading: bool | None = None
    format: dict[str, Any] | None = None
    tools: list[msgspec.Raw] | None = None


class Choice(msgspec.Struct):
    """A choice that is an object."""

    type: str
    name: str | None = None
    namespace: str | None = None


class _ItemHead(msgspec.Struct):
    type: str = "message"
    tools: list[msgspec.Raw] | None = None


_ITEMS = JsonDecoder(str | list[_ItemHead])


def tools_of(listed: list[msgspec.Raw] | None, given_input: msgspec.Raw | None, extra: _Extra) -> tuple[Tool, ...]:
    """All tools, each name once: the first of two; raises `Wrong`. Other tools than functions go to `extra`."""
    found = [*_tools(listed or (), "tools", None, extra, 0)]
    for number, item in enumerate(_heads(given_input)):
        if item.type in ITEMS_WITH_TOOLS:
            found += _tools(item.tools or (), f"input[{number}].tools", None, extra, 0)
    return tuple({tool.name: tool for tool in reversed(found)}.values())[::-1]


def choice_of(
    choice: str | Choice | None, raw: msgspec.Raw | None, tools: tuple[Tool, ...], extra: _Extra
) -> tuple[tuple[Tool, ...], ToolChoice | None]:
    """The choice, and the tools that it leaves; a choice of a tool that the caller does not run goes to `extra`."""
    if choice is None or raw is None:
        return tools, None
    if isinstance(choice, str):
        mode = _MODES.get(choice)
        if mode is None:
            raise Wrong(bad("tool_choice", "It is none of auto, none and required, and no object."))
        return tools, ToolChoice(mode=mode)
    if choice.type == "allowed_tools" and (left := only_allowed(tools, raw)) is not None:
        return left
    if choice.type not in ("function", "custom"):
        extra[f"tool_choice.{choice.type}"] = raw
        return tools, None
    if choice.name is None:
        raise Wrong(bad("tool_choice.name", "The field is missing."))
    name = choice.name if choice.namespace is None else grouped_name(choice.namespace, choice.name)
    return tools, ToolChoice(mode="tool", name=name)


def _heads(given_input: msgspec.Raw | None) -> list[_ItemHead]:
    if given_input is None or not any(kind.encode() in bytes(given_input) for kind in ITEMS_WITH_TOOLS):
        return []
    items = _ITEMS.decode(given_input)
    return items if isinstance(items, list) else []


def _tools(
    listed: list[msgspec.Raw] | tuple[()], place: str, group: str | None, extra: _Extra, depth: int
) -> Iterator[Tool]:
    for number, raw in enumerate(listed):
        here = f"{place}[{number}]"
        try:
            tool = decode_json(raw, _Tool)
        except JSON_ERRORS as error:
            raise Wrong(unreadable(error, here)) from None
        if tool.type == "namespace" and depth < _DEPTH_MAX:
            yield from _tools(tool.tools or (), f"{here}.tools", tool.name, extra, depth + 1)
        elif tool.type in ("function", "custom"):
            if tool.defer_loading:
                extra[f"{here}.defer_loading"] = _TRUE
            yield _grouped(_tool(tool), group)
        else:
            extra[f"{here}.{tool.type}"] = raw


def _tool(tool: _Tool) -> Tool:
    if tool.type == "custom":
        return custom_tool(tool.name, Custom(description=tool.description, format=tool.format))
    parameters = tool.parameters if is_set(tool.parameters) else None
    return Tool(name=tool.name, description=tool.description, parameters=parameters, strict=tool.strict)


def _grouped(tool: Tool, group: str | None) -> Tool:
    if group is None:
        return tool
    return msgspec.structs.replace(tool, name=grouped_name(group, tool.name), group=(group, tool.name))
