"""Google's `Schema`, its own form of an OpenAPI schema, as the JSON Schema that every other dialect has.

Types are written in capitals, `nullable` stands for a type of null, and 64-bit numbers are texts.
https://ai.google.dev/api/caching#Schema
"""

from typing import Any

import msgspec

from entrypoints.http.dialects.google.json_names import JSON_ERRORS, Malformed, camel, complaint

_NUMBERS = frozenset(("minItems", "maxItems", "minProperties", "maxProperties", "minLength", "maxLength"))
_LEFT_OUT = frozenset(("propertyOrdering", "nullable", "example"))


def json_schema(raw: msgspec.Raw, path: str) -> msgspec.Raw:
    """The schema as JSON Schema; raises `Malformed`."""
    try:
        return msgspec.Raw(msgspec.json.encode(_said(msgspec.json.decode(raw))))
    except JSON_ERRORS as problem:
        raise Malformed(complaint(problem, path)) from None


def _said(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    told: dict[str, Any] = {}
    nullable = False
    for spelled, value in schema.items():
        name = camel(spelled)
        nullable = nullable or (name == "nullable" and value is True)
        if name in _LEFT_OUT or value is None or (name == "type" and value == "TYPE_UNSPECIFIED"):
            continue
        told[name] = _value(name, value)
    if nullable and isinstance(told.get("type"), str):
        told["type"] = [told["type"], "null"]
        if isinstance(told.get("enum"), list) and None not in told["enum"]:
            told["enum"] = [*told["enum"], None]
    elif nullable and isinstance(told.get("anyOf"), list):
        told["anyOf"] = [*told["anyOf"], {"type": "null"}]
    return told


def _value(name: str, value: Any) -> Any:
    if name == "type":
        return value.lower() if isinstance(value, str) else value
    if name in ("properties", "$defs", "defs") and isinstance(value, dict):
        return {key: _said(inner) for key, inner in value.items()}
    if name in ("anyOf", "oneOf", "allOf", "prefixItems") and isinstance(value, list):
        return [_said(inner) for inner in value]
    if name in ("items", "additionalProperties"):
        return _said(value)
    if name in _NUMBERS and isinstance(value, str) and value.isdigit():
        return int(value)
    return value
