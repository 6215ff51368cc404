"""Reading JSON of callers, so that an error names the place and the problem in words that any programmer knows.

msgspec decodes, and checks at the same time. Only when it refuses a value, the value is compared with the type once
more, to find where they differ: no text of the library is interpreted.
"""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar, overload

import msgspec
from msgspec import inspect

# The exceptions of reading JSON: msgspec's own, text that is not UTF-8, nesting that is too deep.
JSON_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

ANY_KEY = "..."
Steps: TypeAlias = tuple[str | int, ...]
_Json: TypeAlias = "bytes | msgspec.Raw"
_T = TypeVar("_T")


class Mismatch(NamedTuple):
    """Where a value differs from its type: names of fields and numbers of items lead there.

    A missing field is the last step. A key of a mapping is the caller's own, so it is the step `ANY_KEY`.
    """

    steps: Steps
    problem: str
    is_missing: bool = False


class WrongForm(msgspec.ValidationError):
    """JSON whose form is not the expected one."""

    def __init__(self, mismatch: Mismatch) -> None:
        super().__init__(mismatch.problem)
        self.steps = mismatch.steps
        self.problem = mismatch.problem
        self.is_missing = mismatch.is_missing


class JsonDecoder(Generic[_T]):
    """A decoder of JSON into a type; it raises WrongForm where msgspec's own raises a ValidationError."""

    @overload
    def __init__(self: "JsonDecoder[_T]", kind: type[_T]) -> None: ...
    @overload
    def __init__(self: "JsonDecoder[Any]", kind: Any) -> None: ...
    def __init__(self, kind: Any) -> None:
        self._kind = kind
        self._decode: Callable[[_Json], _T] = msgspec.json.Decoder(kind).decode

    def decode(self, raw: _Json) -> _T:
        """The value. Raises one of JSON_ERRORS."""
        try:
            return self._decode(raw)
        except msgspec.ValidationError as error:
            raise wrong_form(msgspec.json.decode(raw), self._kind, error) from None


def decode_json(raw: _Json, kind: type[_T]) -> _T:
    """The value of JSON. Raises one of JSON_ERRORS."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        raise wrong_form(msgspec.json.decode(raw), kind, error) from None


def wrong_form(value: Any, kind: Any, error: msgspec.ValidationError) -> WrongForm:
    """The error of a value that msgspec refused, with the place. A rule of our own is stated by its ValueError."""
    rule = str(error.__cause__) if error.__cause__ is not None else "It has another form than expected"
    return WrongForm(_first(value, _described(kind)) or Mismatch((), rule))


def written_path(steps: Steps) -> str:
    """The steps as they are written in many languages: `.messages[0].content`."""
    return "".join(f".{step}" if isinstance(step, str) and step != ANY_KEY else f"[{step}]" for step in steps)


@lru_cache(maxsize=1024)
def _described(kind: Any) -> inspect.Type:
    return inspect.type_info(kind)


# JSON's kinds of values by their types in Python, in the order in which they are named.
_KINDS: Mapping[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    dict: "an object",
    list: "a list",
    type(None): "null",
}
_EVERY = frozenset(_KINDS)
_UNKNOWN_VALUE = "It is none of the known values"


def _accepted(kind: inspect.Type) -> frozenset[type]:
    """The kinds of JSON values that a type is written as; one with a form of its own is not looked into."""
    match kind:
        case inspect.Metadata(type=inner):
            return _accepted(inner)
        case inspect.UnionType(types=parts):
            return frozenset().union(*map(_accepted, parts))
        case inspect.BoolType():
            return frozenset((bool,))
        case inspect.IntType():
            return frozenset((int,))
        case inspect.FloatType() | inspect.DecimalType():
            return frozenset((float,))
        case inspect.StrType():
            return frozenset((str,))
        case inspect.LiteralType(values=values):
            return frozenset(map(type, values))
        case inspect.NoneType():
            return frozenset((type(None),))
        case inspect.StructType(array_like=False) | inspect.DictType():
            return frozenset((dict,))
        case inspect.ListType() | inspect.VarTupleType():
            return frozenset((list,))
    return _EVERY


def _kind_of(value: Any) -> type:
    """The kind of a JSON value: a number with a fraction may have been read as a decimal."""
    return float if isinstance(value, Decimal) else type(value)


def _takes(kind: inspect.Type, value: Any) -> bool:
    accepted, given = _accepted(kind), _kind_of(value)
    return given in accepted or (given is int and float in accepted)


def _first(value: Any, kind: inspect.Type) -> Mismatch | None:
    """The first difference between a value and its type."""
    if not _takes(kind, value):
        expected = " or ".join(word for each, word in _KINDS.items() if each in _accepted(kind))
        return Mismatch((), f"Expected {expected}, got {_KINDS[_kind_of(value)]}")
    match kind:
        case inspect.Metadata(type=inner):
            return _first(value, inner)
        case inspect.UnionType(types=parts):
            return _first(value, next(part for part in parts if _takes(part, value)))
        case inspect.LiteralType(values=values):
            return None if value in values else Mismatch((), _UNKNOWN_VALUE)
        case inspect.IntType() | inspect.FloatType():
            return _out_of_bounds(value, kind)
        case inspect.StrType():
            return _of_wrong_length(value, kind)
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            items = ((number, each, item) for number, each in enumerate(value))
            return _of_wrong_length(value, kind) or _first_of(items)
        case inspect.DictType(value_type=item):
            return _first_of((ANY_KEY, each, item) for each in value.values())
        case inspect.StructType(array_like=False):
            return _first_of_fields(value, kind)
    return None


def _first_of(parts: Iterator[tuple[str | int, Any, inspect.Type]]) -> Mismatch | None:
    for step, value, kind in parts:
        if (found := _first(value, kind)) is not None:
            return found._replace(steps=(step, *found.steps))
    return None


def _first_of_fields(value: Mapping[str, Any], kind: inspect.StructType) -> Mismatch | None:
    fields = {field.encode_name: field for field in kind.fields}
    known = ((name, each, fields[name].type) for name, each in value.items() if name in fields)
    if (found := _first_of(known)) is not None:
        return found
    missing = next((name for name, field in fields.items() if field.required and name not in value), None)
    return None if missing is None else Mismatch((missing,), "The field is missing", is_missing=True)


def _out_of_bounds(value: float, kind: inspect.IntType | inspect.FloatType) -> Mismatch | None:
    word = _KINDS[int if isinstance(kind, inspect.IntType) else float]
    if kind.ge is not None and value < kind.ge:
        return Mismatch((), f"Expected {word} >= {kind.ge}")
    if kind.le is not None and value > kind.le:
        return Mismatch((), f"Expected {word} <= {kind.le}")
    return None


def _of_wrong_length(
    value: str | list[Any], kind: inspect.StrType | inspect.ListType | inspect.VarTupleType
) -> Mismatch | None:
    word = _KINDS[type(value)]
    if kind.min_length is not None and len(value) < kind.min_length:
        return Mismatch((), f"Expected {word} of length >= {kind.min_length}")
    if kind.max_length is not None and len(value) > kind.max_length:
        return Mismatch((), f"Expected {word} of length <= {kind.max_length}")
    return None
