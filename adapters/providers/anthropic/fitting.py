"""Fit a body in Anthropic's dialect to what Anthropic's API accepts.

House rule: the meaning does not change, and a body that fits stays byte for byte. Ids of tool calls belong to the
dialect, so they are fitted for every server that uses it. All other changes are made for Anthropic only; an unknown
server receives the body as the caller sent it.
"""

from typing import Any

import msgspec

from adapters.providers.anthropic.history import fitted_messages, fitted_system
from adapters.providers.anthropic.schema import strict_schema
from adapters.providers.decode_errors import DECODE_ERRORS
from adapters.providers.input_schema import input_schema
from domain.dialects.claude_generations import SAMPLING, sampling_left_out

_Fields = dict[str, Any]


class _Tool(msgspec.Struct, frozen=True):
    type: str | None = None
    input_schema: msgspec.Raw = msgspec.Raw()


_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_TOOLS = msgspec.json.Decoder(list[_Tool])
_ANY = msgspec.json.Decoder()
# Most messages are one short text each and contain none of these.
_SUSPECT = (b'"assistant"', b'"type"', b"\\u")


def fit(fields: _Fields, model: str, known: bool) -> _Fields:
    """Return the body for a server; `known` if it is Anthropic's own, or AWS's with Claude. May change `fields`."""
    messages = fields.get("messages")
    if messages is not None and any(mark in bytes(messages) for mark in _SUSPECT):
        fields["messages"] = fitted_messages(messages, known)
    if not known:
        return fields
    if "system" in fields:
        fields["system"] = fitted_system(fields["system"])
        if fields["system"] is None:
            del fields["system"]
    if "tools" in fields:
        fields["tools"] = _tools(fields["tools"])
    if "stop_sequences" in fields:
        fields["stop_sequences"] = _visible(fields["stop_sequences"])
    if "output_config" in fields:
        fields["output_config"] = _output_config(fields["output_config"])
    sampling = [name for name in SAMPLING if name in fields and bytes(fields[name]) != b"null"]
    for name in sampling_left_out(model, sampling) if sampling else ():
        del fields[name]
    return fields


def _tools(given: msgspec.Raw) -> Any:
    """Return the tools, each with an object schema."""
    try:
        changes = [_tool(tool) for tool in _TOOLS.decode(given)]
        if not any(changes):
            return given
        return [
            raw if changed is None else raw | changed for raw, changed in zip(_LIST.decode(given), changes, strict=True)
        ]
    except DECODE_ERRORS:
        return given


def _tool(tool: _Tool) -> _Fields | None:
    if tool.type not in (None, "custom") or bytes(tool.input_schema)[:1] != b"{":
        return None
    schema = input_schema(tool.input_schema)
    return None if schema is tool.input_schema else {"input_schema": schema}


def _visible(given: msgspec.Raw) -> Any:
    """Return the stop sequences that are not blank: "each stop sequence must contain non-whitespace"."""
    try:
        stops = _ANY.decode(given)
    except DECODE_ERRORS:
        return given
    if not isinstance(stops, list) or all(not isinstance(text, str) or text.strip() for text in stops):
        return given
    return [text for text in stops if not isinstance(text, str) or text.strip()]


def _output_config(given: msgspec.Raw) -> Any:
    """Return the schema of a structured output, limited to the keywords that Anthropic accepts."""
    try:
        config = _FIELDS.decode(given)
        form = _FIELDS.decode(config["format"]) if "format" in config else {}
        if "schema" not in form:
            return given
    except DECODE_ERRORS:
        return given
    schema = strict_schema(form["schema"])
    return given if schema is form["schema"] else config | {"format": form | {"schema": schema}}
