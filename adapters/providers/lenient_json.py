"""Reading what a provider sent, part by part: a part that has another type than is read is as good as one not there.

House rule: no answer is thrown away for a detail. What reads as promised is read at msgspec's speed; only where that
fails is the value taken apart, each field and each element on its own: what cannot be read is left out, and a field
without a default is one that the answer makes no sense without. A number is a text where a text is due, and a text of
digits a number. Lone halves of surrogate pairs, which JSON allows (RFC 8259, 8.2), are kept in texts as they come, for
`surrogates` to join or to replace.
"""

import json
from functools import lru_cache
from types import UnionType
from typing import Any, Generic, TypeVar

import msgspec

_T = TypeVar("_T")

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])
_ANY = msgspec.json.Decoder()
_NUMBER = frozenset(b"-0123456789")

SPELLED = msgspec.Meta(extra={"spelled": True})
"""Marks a field whose value counts even where it is no text: then it is read as the JSON that it was written in."""


class Lenient(Generic[_T]):
    """A decoder of one shape. It raises as msgspec's own does, for what is no JSON or lacks what it must have."""

    __slots__ = ("_decode", "_shape")

    def __init__(self, shape: type[_T] | UnionType) -> None:
        self._shape: Any = shape
        self._decode = msgspec.json.Decoder(shape).decode

    def decode(self, data: bytes | msgspec.Raw) -> _T:
        """The value; `{"id": null, "count": "7"}` is `{"count": 7}` where an id must be a text."""
        try:
            value: _T = self._decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            try:
                value = _read(_shape_of(self._shape), bytes(data))
            except (_Odd, ValueError):
                raise error from None
        return value

    def part(self, data: bytes | msgspec.Raw) -> _T | None:
        """The value of an optional part of an answer; None where it is nothing of the kind."""
        try:
            return self.decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None


class _Odd(Exception):
    """A value that cannot be read as what is due."""


@lru_cache(maxsize=256)
def _shape_of(shape: Any) -> Any:
    from msgspec import inspect  # Needed for odd answers alone.

    return inspect.type_info(shape)


def _read(shape: Any, data: bytes) -> Any:
    """The JSON value as what `shape`, of `msgspec.inspect`, says; _Odd if it is nothing of the kind."""
    from msgspec import inspect

    match shape:
        case inspect.Metadata():
            return _marked(shape, data)
        case inspect.UnionType():
            return _first(shape.types, data)
        case inspect.StructType():
            return _struct(shape, data)
        case inspect.ListType():
            return [item for raw in items(data) if (item := _or_odd(shape.item_type, raw)) is not _Odd]
        case inspect.VarTupleType():
            return tuple(item for raw in items(data) if (item := _or_odd(shape.item_type, raw)) is not _Odd)
        case inspect.DictType():
            read = {name: _or_odd(shape.value_type, raw) for name, raw in fields(data).items()}
            return {name: value for name, value in read.items() if value is not _Odd}
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
    raise _Odd


def _marked(shape: Any, data: bytes) -> Any:
    try:
        return _read(shape.type, data)
    except _Odd:
        if not (shape.extra or {}).get("spelled"):
            raise
        return data.decode("utf-8", "replace").strip()


def _first(shapes: Any, data: bytes) -> Any:
    """As the first of these that it can be read as: a null as None, if that is one of them."""
    from msgspec import inspect

    for shape in sorted(shapes, key=lambda each: not isinstance(each, inspect.NoneType)):
        if (value := _or_odd(shape, data)) is not _Odd:
            return value
    raise _Odd


def _struct(shape: Any, data: bytes) -> Any:
    given, values = fields(data), {}
    for field in shape.fields:
        raw = given.get(field.encode_name)
        value = _Odd if raw is None else _or_odd(field.type, raw)
        if value is not _Odd:
            values[field.name] = value
        elif field.required:
            raise _Odd
    return shape.cls(**values)


def _or_odd(shape: Any, data: bytes) -> Any:
    try:
        return _read(shape, data)
    except _Odd:
        return _Odd


def _text(data: bytes) -> str:
    data = data.strip()
    if data[:1] == b'"':
        text: str = plain(data)
        return text
    return str(_checked(data[:1] in (b"-", *(b"%d" % digit for digit in range(10))), data.decode()))


def _number(shape: Any, data: bytes, whole: bool) -> Any:
    """A number within its bounds; one in a text counts, and a whole number may be written with a zero fraction."""
    data = data.strip()
    if data[:1] == b'"':
        data = plain(data).strip().encode("utf-8", "replace")
    try:
        value = msgspec.json.decode(data, type=int | float)
    except msgspec.MsgspecError:
        raise _Odd from None
    if whole and isinstance(value, float):
        value = int(_checked(value.is_integer(), value))
    _checked(shape.ge is None or value >= shape.ge, value)
    return _checked(shape.le is None or value <= shape.le, value)


def _checked(holds: bool, value: Any) -> Any:
    if not holds:
        raise _Odd
    return value


def fields(data: bytes) -> dict[str, bytes]:
    """The fields of a JSON object, each as its JSON; _Odd if it is no object, ValueError if it is no JSON."""
    try:
        return {name: bytes(raw) for name, raw in _FIELDS.decode(data).items()}
    except msgspec.ValidationError:
        raise _Odd from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        value = plain(data)
        return {name: _spelled(each) for name, each in _checked(isinstance(value, dict), value).items()}


def items(data: bytes) -> list[bytes]:
    """The elements of a JSON list, each as its JSON; _Odd if it is no list, ValueError if it is no JSON."""
    try:
        return [bytes(raw) for raw in _ITEMS.decode(data)]
    except msgspec.ValidationError:
        raise _Odd from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        value = plain(data)
        return [_spelled(each) for each in _checked(isinstance(value, list), value)]


def plain(data: bytes) -> Any:
    """Any JSON value as Python's own; its texts may have lone halves of characters. ValueError if it is no JSON."""
    try:
        return _ANY.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return json.loads(data.decode("utf-8", "replace"))


def _spelled(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
