"""JSON as Google's API reads it, with names in camelCase or in snake_case, and its errors.

https://protobuf.dev/programming-guides/json/: a parser accepts both spellings of a field's name.
"""

from functools import lru_cache
from typing import Any, TypeVar

import msgspec

from domain.refusals import BadRequest
from entrypoints.http.decode_errors import JSON_ERRORS, JsonDecoder, WrongForm, decode_json, written_path

Json = dict[str, msgspec.Raw]
_T = TypeVar("_T")
_FIELDS = JsonDecoder(Json)


class Malformed(Exception):
    """A part of the request has the wrong type; caught where the request is read."""

    def __init__(self, problem: BadRequest) -> None:
        super().__init__(problem.problem)
        self.problem = problem


@lru_cache(maxsize=1024)
def camel(name: str) -> str:
    """The name in camelCase: `max_output_tokens` is `maxOutputTokens`."""
    first, *rest = name.split("_")
    if not first:
        return name
    return first + "".join(entry[:1].upper() + entry[1:] for entry in rest)


def fields_of(raw: bytes | msgspec.Raw, path: str = "") -> Json:
    """The fields of an object that are set, their names in camelCase; raises `Malformed`."""
    try:
        fields = _FIELDS.decode(raw)
    except JSON_ERRORS as problem:
        raise Malformed(complaint(problem, path)) from None
    return {camel(name): value for name, value in fields.items() if bytes(value) != b"null"}


def first_of(raw: msgspec.Raw) -> bytes:
    """The first byte of a value, which shows its kind; the value is not copied for that."""
    return bytes(memoryview(raw)[:1])


def value_of(raw: msgspec.Raw, kind: type[_T] | Any, path: str) -> Any:
    """A value of the expected type; raises `Malformed` with the path."""
    try:
        return decode_json(raw, kind)
    except JSON_ERRORS as problem:
        raise Malformed(complaint(problem, path)) from None


def take(fields: Json, name: str, kind: type[_T] | Any, path: str = "") -> Any:
    """The value of a field, which is removed from `fields`; None if it is not set."""
    raw = fields.pop(name, None)
    return None if raw is None else value_of(raw, kind, f"{path}.{name}" if path else name)


def complaint(problem: Exception, path: str = "") -> BadRequest:
    """The error of decoding, at its path as Google writes it (`contents[0].parts[1]`)."""
    if isinstance(problem, RecursionError):
        return BadRequest(field=path or None, problem="The JSON is nested too deeply. Send it with fewer levels.")
    if isinstance(problem, UnicodeDecodeError):
        return BadRequest(field=None, problem="The body is not UTF-8. Send JSON encoded as UTF-8.")
    if not isinstance(problem, WrongForm):
        return BadRequest(field=path or None, problem=f"The body is not valid JSON ({problem}). Send a JSON object.")
    field = (path + written_path(problem.steps)).lstrip(".")
    return BadRequest(field=field or None, problem=f"{problem.problem}. Correct it or leave it out.")
