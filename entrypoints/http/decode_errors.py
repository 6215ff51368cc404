"""Errors of a JSON decoder, with types that callers in any language know: a list, a whole number, text."""

import re

_TYPES = re.compile(r"`([a-z |]+)`")
_ENUM = re.compile(r"Invalid enum value '.*'", re.DOTALL)  # The value is the caller's, of any length.
_KINDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


def plain(found: str) -> str:
    """Msgspec's "Expected `str`, got `int`" as "Expected text, got a whole number"; a caller's value is left out."""
    return _TYPES.sub(_named, _ENUM.sub("It is none of the known values", found))


def _named(types: re.Match[str]) -> str:
    return " or ".join(_KINDS.get(kind, kind) for kind in types[1].split(" | "))
