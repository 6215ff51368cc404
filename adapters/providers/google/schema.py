"""JSON Schema as Gemini takes it.

House rule: what Gemini would reject or pass over is said in other words that mean the same, or `is_narrowed` tells that
something is left out.

`parametersJsonSchema` and `responseJsonSchema` take JSON Schema. `$ref` must stand alone; `const` and `allOf` are not
among the keywords that are known, and what is not known is passed over. Limits on the length or the pattern of a text
are left as they are: they narrow what is asked for and lose nothing of its shape.
https://ai.google.dev/api/generate-content#FIELDS.response_json_schema
"""

from typing import Any

import msgspec

_ANY = msgspec.json.Decoder()
# A schema without these, and without an escape that could spell them, is taken as it is.
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
    """The schema in words that Gemini knows, byte for byte where nothing has to be changed."""
    if not _is_suspect(schema):
        return schema
    return msgspec.Raw(msgspec.json.encode(_cleaned(_ANY.decode(schema))))


def is_narrowed(schema: msgspec.Raw) -> bool:
    """Whether something that narrows a value is left out, for Gemini can be told one of several such words only."""
    return _is_suspect(schema) and _loses(_ANY.decode(schema))


def _is_suspect(schema: msgspec.Raw) -> bool:
    spelled = bytes(schema)
    return any(mark in spelled for mark in _SUSPECT)


def _cleaned(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    told = {name: _value(name, value) for name, value in schema.items() if name not in ("$schema", "$comment")}
    if "const" in told:
        # The type is needed beside an enum, and const often stands alone.
        constant = told.pop("const")
        kind = next(name for of, name in _TYPES if isinstance(constant, of))
        told = {"type": kind, **told, "enum": [constant]}
    if _all_of(told):
        told = _joined(told)[0]
    if "$ref" in told and not all(name.startswith("$") for name in told):
        told = {"anyOf": [{"$ref": told.pop("$ref")}], **told} if "anyOf" not in told else told
    return told


def _all_of(schema: dict[str, Any]) -> bool:
    parts = schema.get("allOf")
    return isinstance(parts, list) and bool(parts) and all(isinstance(part, dict) for part in parts)


def _joined(schema: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """Schemas that must hold at once as one, and whether it says all that they did.

    {"allOf": [{"properties": {"a": …}}, {"properties": {"b": …}}]} is {"properties": {"a": …, "b": …}}; of two
    patterns the first stays.
    """
    told = {name: value for name, value in schema.items() if name != "allOf"}
    if len(schema["allOf"]) == 1 and not _MERGED & told.keys() & schema["allOf"][0].keys():
        only = schema["allOf"][0]
        if "$ref" in only and "anyOf" not in told:
            return {**told, "anyOf": [only]}, True
    whole = True
    for part in schema["allOf"]:
        inner, exact = _joined(part) if _all_of(part) else (part, True)
        whole &= exact
        for name, value in inner.items():
            if name not in told:
                told[name] = value
            elif told[name] != value and name not in _PROSE:
                told[name], exact = _both(name, told[name], value)
                whole &= exact
    closed = "additionalProperties" in told and any("properties" in part for part in schema["allOf"])
    return told, whole and not closed


# Words that tell a reader something and ask for nothing.
_PROSE = frozenset(("title", "description", "$comment", "examples", "default"))
_MERGED = frozenset(("properties", "required", "enum"))
_LEAST = frozenset(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"))
_MOST = frozenset(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"))


def _both(name: str, one: Any, other: Any) -> tuple[Any, bool]:
    """Two values of a word that must both hold as one, and whether it says all that they did."""
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
    """Whether schemas that must hold at once cannot be said as one."""
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
