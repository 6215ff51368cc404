"""Fit the JSON Schema of a tool's input to the vendors that require one object at its top: Anthropic and OpenAI.

House rule: a schema that is accepted stays byte for byte.
"""

from typing import Any

import msgspec

from adapters.providers.decode_errors import DECODE_ERRORS

ANY_OBJECT = {"type": "object", "properties": {}}

_Json = dict[str, Any]
_NOT_SET = msgspec.Raw()


class _Head(msgspec.Struct, frozen=True):
    type: msgspec.Raw = _NOT_SET
    any_of: msgspec.Raw = msgspec.field(default=_NOT_SET, name="anyOf")
    one_of: msgspec.Raw = msgspec.field(default=_NOT_SET, name="oneOf")
    all_of: msgspec.Raw = msgspec.field(default=_NOT_SET, name="allOf")
    ref: msgspec.Raw = msgspec.field(default=_NOT_SET, name="$ref")


_HEAD = msgspec.json.Decoder(_Head)
_ANY = msgspec.json.Decoder()


def input_schema(given: msgspec.Raw | None) -> msgspec.Raw | _Json:
    """Return the schema of a tool's input with an object at its top: "input_schema.type: Field required".

    "input_schema does not support oneOf, allOf, or anyOf at the top level", nor do OpenAI's functions, so alternatives
    become one object with the properties of all; a property is required if each of them requires it. An invalid schema
    is left as it is.
    """
    if given is None or bytes(given) in (b"{}", b"null"):
        return ANY_OBJECT
    try:
        if is_an_object(given):
            return given
        schema = _ANY.decode(given)
    except DECODE_ERRORS:
        return given
    return _one_object(schema, schema, ()) if isinstance(schema, dict) else given


def is_an_object(given: msgspec.Raw) -> bool:
    """Whether a schema is of an object without alternatives. Raises what decoding raises."""
    head = _HEAD.decode(given)
    alternatives = (head.any_of, head.one_of, head.all_of, head.ref)
    return bytes(head.type) == b'"object"' and not any(bytes(alternative) for alternative in alternatives)


def _one_object(schema: _Json, root: _Json, seen: tuple[str, ...]) -> _Json:
    merged = {name: value for name, value in schema.items() if name not in ("$ref", "anyOf", "oneOf", "allOf")}
    kind = merged.get("type")
    if kind in (None, "null") or (isinstance(kind, list) and "object" in kind):
        merged["type"] = "object"
    parts = [_referred(schema["$ref"], root, seen)] if "$ref" in schema else []
    all_of = _schemas(schema.get("allOf"))
    parts += [_one_object(part, root, seen) for part in all_of]
    for part in parts:
        _add(merged, part, required=set(part.get("required", ())))
    for name in ("anyOf", "oneOf"):
        branches = [_one_object(branch, root, seen) for branch in _schemas(schema.get(name))]
        by_all = [set(branch.get("required", ())) for branch in branches if branch.get("type") == "object"]
        for branch in branches:
            _add(merged, branch, required=set.intersection(*by_all) if by_all else set())
    if merged["type"] == "object":
        merged.setdefault("properties", {})
    return merged


def _add(merged: _Json, part: _Json, required: set[str]) -> None:
    """Add the properties of a part; a property in two parts may have either schema."""
    properties = dict(merged.get("properties") or {})
    for name, value in (part.get("properties") or {}).items():
        properties[name] = value if properties.get(name, value) == value else _either(properties[name], value)
    merged["properties"] = properties
    if names := [*merged.get("required", ()), *sorted(required - set(merged.get("required", ())))]:
        merged["required"] = names
    for name in ("description", "title", "$defs", "definitions"):
        if name in part:
            merged.setdefault(name, part[name])


def _either(one: Any, other: Any) -> _Json:
    known = one["anyOf"] if isinstance(one, dict) and one.keys() == {"anyOf"} else [one]
    return {"anyOf": known if other in known else [*known, other]}


def _schemas(given: Any) -> list[_Json]:
    return [schema for schema in given if isinstance(schema, dict)] if isinstance(given, list) else []


def _referred(path: Any, root: _Json, seen: tuple[str, ...]) -> _Json:
    """Return the object that a local reference names; nothing for a cyclic or external one."""
    found: Any = root
    if not isinstance(path, str) or not path.startswith("#/") or path in seen:
        return {}
    for step in path[2:].split("/"):
        found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
    return _one_object(found, root, (*seen, path)) if isinstance(found, dict) else {}
