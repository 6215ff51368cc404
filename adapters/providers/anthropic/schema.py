"""Fit the JSON Schema of a structured output to Anthropic's API.

House rule: a schema that is accepted stays byte for byte. A keyword that only narrows a value and is not accepted is
put into the description, where the model may follow it, as Anthropic's own SDK does.
"""

from typing import Any

import msgspec

from adapters.providers.decode_errors import DECODE_ERRORS

_Json = dict[str, Any]
_ANY = msgspec.json.Decoder()
# https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations
_FORMATS = frozenset(
    ("date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid")
)  # fmt: skip
_KEPT = frozenset(("$ref", "type", "enum", "const", "default", "title", "description", "required"))
_LISTS = {"anyOf": "anyOf", "oneOf": "anyOf", "allOf": "allOf"}
_MAPS = frozenset(("properties", "$defs", "definitions"))
_DROPPED = frozenset(("additionalProperties", "$schema", "$id", "$comment"))


def strict_schema(given: msgspec.Raw) -> Any:
    """Return the schema with the accepted keywords only; every object is closed, and other keywords are left out."""
    try:
        schema = _ANY.decode(given)
    except DECODE_ERRORS:
        return given
    strict = _strict(schema)
    return given if strict == schema else strict


def _strict(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:  # A reference must not have siblings.
        return {name: _inside(name, value) for name, value in schema.items() if name == "$ref" or name in _MAPS}
    strict: _Json = {}
    hints: _Json = {}
    for name, value in schema.items():
        if name in _LISTS and isinstance(value, list):
            strict.setdefault(_LISTS[name], [_strict(inner) for inner in value])
        elif name in _MAPS or name == "items":
            strict[name] = _inside(name, value)
        elif name in _KEPT or (name == "format" and value in _FORMATS) or (name == "minItems" and value in (0, 1)):
            strict[name] = value
        elif name not in _DROPPED:
            hints[name] = value
    if schema.get("type") == "object" or "properties" in schema or _may_be(schema.get("type"), "object"):
        strict["additionalProperties"] = False
    if hints:
        hint = ", ".join(f"{name}: {msgspec.json.encode(value).decode()}" for name, value in hints.items())
        strict["description"] = "\n\n".join(text for text in (schema.get("description"), f"{{{hint}}}") if text)
    return strict


def _inside(name: str, value: Any) -> Any:
    if name in _MAPS and isinstance(value, dict):
        return {key: _strict(inner) for key, inner in value.items()}
    return _strict(value)


def _may_be(kind: Any, name: str) -> bool:
    return isinstance(kind, list) and name in kind
