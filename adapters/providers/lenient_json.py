"""Decode a provider's JSON leniently: a part with an unexpected type counts as missing.

House rule: no answer is discarded for a detail. A value with the expected types is decoded at msgspec's speed. If that
fails, each field and each element is decoded separately: unreadable ones are left out, but a field without a default is
required. A number is accepted as a text and a text of digits as a number (`number_of`, which `usage_counts` shares).
Lone halves of surrogate pairs, which JSON allows (RFC 8259, 8.2), stay in texts, for `surrogates` to join or replace.
"""

import json
import re
from decimal import Decimal
from functools import lru_cache
from types import UnionType
from typing import Any, Generic, TypeVar

import msgspec

_T = TypeVar("_T")

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])
_ANY = msgspec.json.Decoder()
_EXACT = msgspec.json.Decoder(float_hook=Decimal)
_SPELLED_NUMBER = re.compile(r"-?\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,2})?", re.ASCII)
_INTEGER_MAX = 10**40

SPELLED = msgspec.Meta(extra={"spelled": True})
"""Marks a field whose value counts even if it is not a text: then it is read as its JSON source."""


class Lenient(Generic[_T]):
    """A decoder of one shape. It raises like msgspec for invalid JSON or a missing required field."""

    __slots__ = ("_decode", "_shape")

    def __init__(self, shape: type[_T] | UnionType) -> None:
        self._shape: Any = shape
        self._decode = msgspec.json.Decoder(shape).decode

    def decode(self, data: bytes | msgspec.Raw) -> _T:
        """Return the value; `{"id": null, "count": "7"}` is `{"count": 7}` if an id must be a text."""
        try:
            value: _T = self._decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            try:
                value = _read(_shape_of(self._shape), bytes(data))
            except (_Mismatch, ValueError):
                raise error from None
        return value

    def part(self, data: bytes | msgspec.Raw) -> _T | None:
        """Return an optional part of an answer; None if it has another type."""
        try:
            return self.decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None


class _Mismatch(Exception):
    """The value cannot be read as the expected type."""


@lru_cache(maxsize=256)
def _shape_of(shape: Any) -> Any:
    from msgspec import inspect  # Needed for irregular answers only.

    return inspect.type_info(shape)


def _read(shape: Any, data: bytes) -> Any:
    """Return the JSON value as `shape`, of `msgspec.inspect`. Raises _Mismatch if it has another type."""
    from msgspec import inspect

    match shape:
        case inspect.Metadata():
            return _marked(shape, data)
        case inspect.UnionType():
            return _first(shape.types, data)
        case inspect.StructType():
            return _struct(shape, data)
        case inspect.ListType():
            return [item for raw in items(data) if (item := _or_mismatch(shape.item_type, raw)) is not _Mismatch]
        case inspect.VarTupleType():
            return tuple(item for raw in items(data) if (item := _or_mismatch(shape.item_type, raw)) is not _Mismatch)
        case inspect.DictType():
            read = {name: _or_mismatch(shape.value_type, raw) for name, raw in fields(data).items()}
            return {name: value for name, value in read.items() if value is not _Mismatch}
        case inspect.RawType():
            return msgspec.Raw(data)
        case inspect.AnyType():
            return plain(data)
        case inspect.NoneType():
            return _checked(data.strip() == b"null", None)
        case inspect.BoolType():
            return _checked(data.strip() in (b"true", b"false"), data.strip() == b"true")
        case inspect.StrType():
            return _text(data)
        case inspect.IntType() | inspect.FloatType():
            return _number(shape, data, isinstance(shape, inspect.IntType))
    raise _Mismatch


def _marked(shape: Any, data: bytes) -> Any:
    try:
        return _read(shape.type, data)
    except _Mismatch:
        if not (shape.extra or {}).get("spelled"):
            raise
        return data.decode("utf-8", "replace").strip()


def _first(shapes: Any, data: bytes) -> Any:
    """Return the value as the first of these shapes that fits; a null as None, if that is one of them."""
    from msgspec import inspect

    for shape in sorted(shapes, key=lambda each: not isinstance(each, inspect.NoneType)):
        if (value := _or_mismatch(shape, data)) is not _Mismatch:
            return value
    raise _Mismatch


def _struct(shape: Any, data: bytes) -> Any:
    given, values = fields(data), {}
    for field in shape.fields:
        raw = given.get(field.encode_name)
        value = _Mismatch if raw is None else _or_mismatch(field.type, raw)
        if value is not _Mismatch:
            values[field.name] = value
        elif field.required:
            raise _Mismatch
    return shape.cls(**values)


def _or_mismatch(shape: Any, data: bytes) -> Any:
    try:
        return _read(shape, data)
    except _Mismatch:
        return _Mismatch


def _text(data: bytes) -> str:
    data = data.strip()
    if data[:1] == b'"':
        text: str = plain(data)
        return text
    return str(_checked(data[:1] in (b"-", *(b"%d" % digit for digit in range(10))), data.decode()))


def _number(shape: Any, data: bytes, integral: bool) -> Any:
    """Return a number within its bounds; an integer may have a zero fraction."""
    number = number_of(_EXACT.decode(data))
    if number is None or not -_INTEGER_MAX <= number <= _INTEGER_MAX or (integral and number % 1):
        raise _Mismatch
    value: Any = int(number) if integral else float(number)
    _checked(shape.ge is None or value >= shape.ge, value)
    return _checked(shape.le is None or value <= shape.le, value)


def number_of(value: object) -> int | Decimal | None:
    """Return a number exactly, also one that a text spells; None for anything else, such as a boolean."""
    if isinstance(value, str) and _SPELLED_NUMBER.fullmatch(value.strip()):
        return Decimal(value.strip())
    return None if isinstance(value, bool) or not isinstance(value, int | Decimal) else value


def _checked(holds: bool, value: Any) -> Any:
    if not holds:
        raise _Mismatch
    return value


def fields(data: bytes) -> dict[str, bytes]:
    """Return the fields of a JSON object as JSON.

    Raises _Mismatch if it is no object, ValueError if it is no JSON.
    """
    try:
        return {name: bytes(raw) for name, raw in _FIELDS.decode(data).items()}
    except msgspec.ValidationError:
        raise _Mismatch from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        value = plain(data)
        return {name: _spelled(each) for name, each in _checked(isinstance(value, dict), value).items()}


def items(data: bytes) -> list[bytes]:
    """Return the elements of a JSON list as JSON.

    Raises _Mismatch if it is no list, ValueError if it is no JSON.
    """
    try:
        return [bytes(raw) for raw in _ITEMS.decode(data)]
    except msgspec.ValidationError:
        raise _Mismatch from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        value = plain(data)
        return [_spelled(each) for each in _checked(isinstance(value, list), value)]


def plain(data: bytes) -> Any:
    """Return any JSON value as Python's own; its texts may have lone halves. Raises ValueError if it is no JSON."""
    try:
        return _ANY.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # `strict=False` allows control characters in texts, as some servers write line breaks and tabs.
        return json.loads(data.decode("utf-8", "replace"), strict=False)


def _spelled(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
