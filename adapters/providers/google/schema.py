"""JSON Schema as Gemini takes it.

House rule: what Gemini would reject or pass over is said in other words that mean the same, or `unsayable` names it.

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
_PLAIN = frozenset(("type", "properties", "required", "title", "description"))
_AROUND = frozenset(("$defs", "definitions", "$schema", "$comment", "$id"))
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


def unsayable(schema: msgspec.Raw) -> str | None:
    """The keyword that would be passed over though it says what the value looks like, or None."""
    return "allOf" if _is_suspect(schema) and _has_all_of(_ANY.decode(schema)) else None


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
    if (whole := _one_object(told)) is not None:
        told = whole
    elif len(only := told.get("allOf") or ()) == 1 and "anyOf" not in told:
        del told["allOf"]
        told["anyOf"] = only
    if "$ref" in told and not all(name.startswith("$") for name in told):
        told = {"anyOf": [{"$ref": told.pop("$ref")}], **told} if "anyOf" not in told else told
    return told


def _one_object(schema: dict[str, Any]) -> dict[str, Any] | None:
    """Objects that must hold at once as the one object with all their properties, where it is plain that they are.

    {"allOf": [{"properties": {"a": …}}, {"properties": {"b": …}}]} is {"properties": {"a": …, "b": …}}.
    """
    parts = schema.get("allOf")
    if not isinstance(parts, list) or len(parts) < 2:
        return None
    rest = {name: value for name, value in schema.items() if name != "allOf"}
    every = [rest, *parts]
    if not all(isinstance(part, dict) and part.get("type", "object") == "object" for part in every):
        return None
    if not all(part.keys() <= _PLAIN for part in parts) or not rest.keys() <= _PLAIN | _AROUND:
        return None
    names = [name for part in every for name in part.get("properties", {})]
    if len(names) != len(set(names)):
        return None
    properties = {name: value for part in every for name, value in part.get("properties", {}).items()}
    required = list(dict.fromkeys(name for part in every for name in part.get("required", ())))
    return {**rest, "type": "object", "properties": properties, **({"required": required} if required else {})}


def _value(name: str, value: Any) -> Any:
    if name in _DATA:
        return value
    if name in _MAPS and isinstance(value, dict):
        return {key: _cleaned(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_cleaned(inner) for inner in value]
    return _cleaned(value)


def _has_all_of(schema: Any) -> bool:
    """Whether several schemas must hold at once, which Gemini has no word for, or one beside alternatives."""
    if isinstance(schema, list):
        return any(map(_has_all_of, schema))
    if not isinstance(schema, dict):
        return False
    told = schema.get("allOf")
    if isinstance(told, list) and told and (len(told) > 1 or "anyOf" in schema) and _one_object(schema) is None:
        return True
    return any(
        any(map(_has_all_of, value.values())) if name in _MAPS and isinstance(value, dict) else _has_all_of(value)
        for name, value in schema.items()
        if name not in _DATA
    )
