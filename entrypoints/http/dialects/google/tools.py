"""`tools` and `toolConfig` of Gemini's API in canonical form.

https://ai.google.dev/api/caching#Tool
"""

import re

import msgspec

from domain.model_api.requests import Tool, ToolChoice
from entrypoints.http.dialects.google.json_names import Json, fields_of, take
from entrypoints.http.dialects.google.read import listed
from entrypoints.http.dialects.google.schema import json_schema

_INNER_CAPITAL = re.compile(r"(?<=[a-z0-9])([A-Z])")


def tools(raw: msgspec.Raw | None, extra: Json) -> tuple[Tool, ...]:
    """The caller's functions. Google's own tools are kept in `extra`, by their path and their name in snake_case."""
    reported: list[Tool] = []
    for number, one in enumerate(listed(raw, "tools") if raw is not None else ()):
        path = f"tools[{number}]"
        for name, value in fields_of(one, path).items():
            if name == "functionDeclarations":
                declared = listed(value, f"{path}.{name}")
                reported += [_declared(each, f"{path}.{name}[{at}]") for at, each in enumerate(declared)]
            else:
                extra[f"{path}.{_snake(name)}"] = value
    return tuple(reported)


def _snake(name: str) -> str:
    return _INNER_CAPITAL.sub(r"_\1", name).lower()


def _declared(raw: msgspec.Raw, path: str) -> Tool:
    """A function. Its response schema and its behaviour are hints for the model that other dialects lack."""
    fields = fields_of(raw, path)
    own, standard = fields.get("parameters"), fields.get("parametersJsonSchema")
    return Tool(
        name=take(fields, "name", str, path) or "",
        description=take(fields, "description", str, path),
        parameters=standard if own is None else json_schema(own, f"{path}.parameters"),
    )


def chosen(raw: msgspec.Raw | None, given: tuple[Tool, ...]) -> tuple[tuple[Tool, ...], ToolChoice | None]:
    """The functions that may be called, and whether one must be called. All others are left out."""
    if raw is None:
        return given, None
    config = fields_of(raw, "toolConfig").get("functionCallingConfig")
    if config is None:
        return given, None
    path = "toolConfig.functionCallingConfig"
    fields = fields_of(config, path)
    mode = (take(fields, "mode", str, path) or "").upper()
    names: list[str] = take(fields, "allowedFunctionNames", list[str], path) or []
    allowed = tuple(tool for tool in given if tool.name in names) if names and mode != "NONE" else given
    if mode == "ANY":
        only = ToolChoice(mode="tool", name=names[0]) if len(names) == 1 else ToolChoice(mode="required")
        return allowed, only
    if mode == "NONE":
        return allowed, ToolChoice(mode="none")
    return allowed, ToolChoice(mode="auto") if mode in ("AUTO", "VALIDATED") and allowed else None
