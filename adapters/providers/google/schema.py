"""Fit JSON Schema to Gemini's API.

House rule: what Gemini would reject or ignore is replaced by an equivalent schema, or `is_narrowed` reports that
something is left out.

`parametersJsonSchema` and `responseJsonSchema` accept JSON Schema. `$ref` must stand alone; `const` and `allOf` are not
supported keywords, and unsupported ones are ignored. Limits on the length or the pattern of a string are kept: they
only narrow the value and do not change its shape.
https://ai.google.dev/api/generate-content#FIELDS.response_json_schema
"""

from typing import Any

import msgspec

_ANY = msgspec.json.Decoder()
# A schema without these, and without an escape that could spell them, needs no change.
_SUSPECT = (b'"$ref"', b'"const"', b'"allOf"', b'"$schema"', b'"$comment"', b"\\u")
_MAPS = frozenset(("properties", "$defs", "definitions", "patternProperties", "dependentSchemas"))
_DATA = frozenset(("enum", "const", "default", "example", "examples", "required"))
_TYPES: tuple[tuple[type, str], ...] = (
    (bool, "boolean"),
    (str, "string"),
    (int, "integer"),
    (float, "number"),
    (dict, "object"),
    (list, "array"),
    (type(None), "null"),
)


def cleaned(schema: msgspec.Raw) -> msgspec.Raw:
    """Return the schema with supported keywords only, byte for byte if nothing has to change."""
    if not _is_suspect(schema):
        return schema
    return msgspec.Raw(msgspec.json.encode(_cleaned(_ANY.decode(schema))))


def is_narrowed(schema: msgspec.Raw) -> bool:
    """Whether a narrowing keyword is left out, because Gemini accepts only one of several."""
    return _is_suspect(schema) and _loses(_ANY.decode(schema))


def _is_suspect(schema: msgspec.Raw) -> bool:
    spelled = bytes(schema)
    return any(mark in spelled for mark in _SUSPECT)


def _cleaned(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    kept = {name: _value(name, value) for name, value in schema.items() if name not in ("$schema", "$comment")}
    if "const" in kept:
        # An enum needs a type, and const often has none.
        constant = kept.pop("const")
        kind = next(name for of, name in _TYPES if isinstance(constant, of))
        kept = {"type": kind, **kept, "enum": [constant]}
    if _all_of(kept):
        kept = _joined(kept)[0]
    if "$ref" in kept and not all(name.startswith("$") for name in kept):
        kept = {"anyOf": [{"$ref": kept.pop("$ref")}], **kept} if "anyOf" not in kept else kept
    return kept


def _all_of(schema: dict[str, Any]) -> bool:
    parts = schema.get("allOf")
    return isinstance(parts, list) and bool(parts) and all(isinstance(part, dict) for part in parts)


def _joined(schema: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """Merge schemas that must all hold; also return whether the result is equivalent.

    {"allOf": [{"properties": {"a": …}}, {"properties": {"b": …}}]} is {"properties": {"a": …, "b": …}}; of two patterns
    the first stays.
    """
    joined = {name: value for name, value in schema.items() if name != "allOf"}
    if len(schema["allOf"]) == 1 and not _MERGED & joined.keys() & schema["allOf"][0].keys():
        only = schema["allOf"][0]
        if "$ref" in only and "anyOf" not in joined:
            return {**joined, "anyOf": [only]}, True
    is_exact = True
    for part in schema["allOf"]:
        inner, exact = _joined(part) if _all_of(part) else (part, True)
        is_exact &= exact
        for name, value in inner.items():
            if name not in joined:
                joined[name] = value
            elif joined[name] != value and name not in _PROSE:
                joined[name], exact = _both(name, joined[name], value)
                is_exact &= exact
    closed = "additionalProperties" in joined and any("properties" in part for part in schema["allOf"])
    return joined, is_exact and not closed


# Keywords that inform a reader and restrict nothing.
_PROSE = frozenset(("title", "description", "$comment", "examples", "default"))
_MERGED = frozenset(("properties", "required", "enum"))
_LEAST = frozenset(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"))
_MOST = frozenset(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"))


def _both(name: str, one: Any, other: Any) -> tuple[Any, bool]:
    """Merge two values of a keyword that must both hold; also return whether the result is equivalent."""
    if name == "properties" and isinstance(one, dict) and isinstance(other, dict):
        return {**other, **one}, all(one[key] == other[key] for key in one.keys() & other.keys())
    if name == "required" and isinstance(one, list) and isinstance(other, list):
        return list(dict.fromkeys((*one, *other))), True
    if name == "enum" and isinstance(one, list) and isinstance(other, list):
        both = [value for value in one if value in other]
        return (both, True) if both else (one, False)
    if name in _LEAST | _MOST and isinstance(one, int | float) and isinstance(other, int | float):
        return (max(one, other) if name in _LEAST else min(one, other)), True
    return one, False


def _value(name: str, value: Any) -> Any:
    if name in _DATA:
        return value
    if name in _MAPS and isinstance(value, dict):
        return {key: _cleaned(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_cleaned(inner) for inner in value]
    return _cleaned(value)


def _loses(schema: Any) -> bool:
    """Whether schemas that must all hold cannot be expressed as one."""
    if isinstance(schema, list):
        return any(map(_loses, schema))
    if not isinstance(schema, dict):
        return False
    if _all_of(schema) and not _joined(schema)[1]:
        return True
    return any(
        any(map(_loses, value.values())) if name in _MAPS and isinstance(value, dict) else _loses(value)
        for name, value in schema.items()
        if name not in _DATA
    )
