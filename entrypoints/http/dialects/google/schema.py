"""Google's `Schema`, its own form of an OpenAPI schema, as the JSON Schema that every other dialect has.

Types are written in capitals, `nullable` stands for a type of null, and 64-bit numbers are texts.
https://ai.google.dev/api/caching#Schema
"""

from typing import Any

import msgspec

from entrypoints.http.decode_errors import JSON_ERRORS
from entrypoints.http.dialects.google.json_names import Malformed, camel, complaint

_NUMBERS = frozenset(("minItems", "maxItems", "minProperties", "maxProperties", "minLength", "maxLength"))
_LEFT_OUT = frozenset(("propertyOrdering", "nullable", "example"))


def json_schema(raw: msgspec.Raw, path: str) -> msgspec.Raw:
    """The schema as JSON Schema; raises `Malformed`."""
    try:
        return msgspec.Raw(msgspec.json.encode(_converted(msgspec.json.decode(raw))))
    except JSON_ERRORS as problem:
        raise Malformed(complaint(problem, path)) from None


def _converted(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    result: dict[str, Any] = {}
    nullable = False
    for spelled, value in schema.items():
        name = camel(spelled)
        nullable = nullable or (name == "nullable" and value is True)
        if name in _LEFT_OUT or value is None or (name == "type" and value == "TYPE_UNSPECIFIED"):
            continue
        result[name] = _value(name, value)
    if nullable and isinstance(result.get("type"), str):
        result["type"] = [result["type"], "null"]
        if isinstance(result.get("enum"), list) and None not in result["enum"]:
            result["enum"] = [*result["enum"], None]
    elif nullable and isinstance(result.get("anyOf"), list):
        result["anyOf"] = [*result["anyOf"], {"type": "null"}]
    return result


def _value(name: str, value: Any) -> Any:
    if name == "type":
        return value.lower() if isinstance(value, str) else value
    if name in ("properties", "$defs", "defs") and isinstance(value, dict):
        return {key: _converted(inner) for key, inner in value.items()}
    if name in ("anyOf", "oneOf", "allOf", "prefixItems") and isinstance(value, list):
        return [_converted(inner) for inner in value]
    if name in ("items", "additionalProperties"):
        return _converted(value)
    if name in _NUMBERS and isinstance(value, str) and value.isdigit():
        return int(value)
    return value
