"""Read providers' usage counts, separately from the answer that they count.

House rule: an irregular count never costs the answer. Whatever can be read is used: 100.0 and "100" are 100. A
contradiction is resolved to the nearest consistent counts, never below what the provider surely counted, and a note
names the field and the correction. Unreadable counts are left out, and the meter estimates them.
"""

from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import inspect

from adapters.providers.decode_errors import DECODE_ERRORS
from adapters.providers.lenient_json import number_of
from domain.model_api.events import UsageReported
from domain.usage import PIECES, PIECES_MAX, UNITS_MAX, Usage

UNREPORTED = msgspec.Raw()
"""A usage object that is missing; null is equivalent."""

_NULL = b"null"
_NOTE_CHARS_MAX = 60
_TEXT_CHARS_MAX = 300
_NOTES_MAX = 8
_ANYTHING = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")

S = TypeVar("S", bound=msgspec.Struct)


class Reader(Generic[S]):
    """Reads usage objects of one shape: a struct of optional counts, and of structs and lists of them."""

    __slots__ = ("_decoder", "_shape")

    def __init__(self, shape: type[S]) -> None:
        self._shape = shape
        self._decoder = msgspec.json.Decoder(shape)

    def read(self, raw: msgspec.Raw, notes: list[str]) -> S | None:
        """Return the object; None if it is missing, or unreadable, which adds a note.

        Most objects have the expected types, so only the others pay for reading field by field.
        """
        if not is_reported(raw):
            return None
        try:
            return self._decoder.decode(raw)
        except DECODE_ERRORS:
            return self._leniently(raw, notes)

    def _leniently(self, raw: msgspec.Raw, notes: list[str]) -> S | None:
        try:
            value = _ANYTHING.decode(raw)
            if isinstance(value, dict):
                cleaned = _cleaned(inspect.type_info(self._shape), value, "", notes)
                return self._decoder.decode(_ENCODER.encode(cleaned))
        except DECODE_ERRORS:
            pass
        _note(notes, f"usage cannot be read: {_shown(bytes(raw).decode('utf-8', 'replace'))}")
        return None


def is_reported(raw: msgspec.Raw) -> bool:
    """Whether there is a usage object; null is none."""
    return len(raw) > len(_NULL) or (len(raw) > 0 and bytes(raw) != _NULL)


def greatest(before: S | None, now: S) -> S:
    """Merge a later report into an earlier one: a counter never falls, and a count that is left out stays.

    Of two counts of one field the greater is used, so a 0 after a count is ignored. Other fields are the later
    report's.
    """
    if before is None or before == now:
        return now
    kept = {name: _greater(getattr(before, name), getattr(now, name)) for name in now.__struct_fields__}
    return type(now)(**kept)


def revised(before: S | None, now: S) -> S:
    """Return a later report that replaces the earlier one, but a 0 after a count is ignored."""
    if before is None:
        return now
    names = (name for name in now.__struct_fields__ if getattr(now, name) == 0)
    standing = {name: count for name in names if (count := getattr(before, name))}
    return msgspec.structs.replace(now, **standing) if standing else now


def covering(notes: list[str], whole: tuple[str, int], *parts: tuple[str, int]) -> int:
    """Return the whole's count, or that of its greatest part if that is more: both have a name and a count."""
    name, count = whole
    part, most = max(parts, key=lambda each: each[1])
    if most <= count:
        return count
    _note(notes, f"{part} is {most}, more than {name}, which is {count}: {name} is read as {most}")
    return most


def disagreeing(notes: list[str], contradiction: str, correction: str) -> None:
    """Note two counts that contradict each other, and the correction."""
    _note(notes, " ".join(f"{contradiction}: {correction}".split())[:_TEXT_CHARS_MAX])


def usage_of(notes: list[str], units: Mapping[str, int]) -> Usage:
    """Return the units as a usage; a count above the limit of the books is reduced to it."""
    try:
        return Usage(**units)
    except ValueError:
        return _held(notes, units)


def counted(tokens: int | None, notes: list[str]) -> tuple[UsageReported, ...]:
    """Return the report of an operation with input only. A missing count and 0 are no count, so the meter estimates."""
    if not tokens and not notes:
        return ()
    return (UsageReported(usage=usage_of(notes, {"input_tokens": tokens or 0}), notes=tuple(notes)),)


def _held(notes: list[str], units: Mapping[str, int]) -> Usage:
    held = dict(units)
    for name, count in units.items():
        most = PIECES_MAX if name in PIECES else UNITS_MAX
        if count > most:
            _note(notes, f"{name} is {_shown(count)}, counted as {most}")
            held[name] = most
    return Usage(**held)


def _greater(before: Any, now: Any) -> Any:
    if isinstance(now, msgspec.Struct) and before is not None:
        return greatest(before, now)
    if type(now) is int and type(before) is int:
        return max(before, now)
    # An empty list, an empty text and a missing field count nothing.
    return before if now is None or (hasattr(now, "__len__") and not len(now)) or now == "" else now


def _cleaned(shape: inspect.Type, value: Any, path: str, notes: list[str]) -> Any:
    """Return the parts of the value that fit the shape; None for the others."""
    options = shape.types if isinstance(shape, inspect.UnionType) else (shape,)
    if value is None:
        return None
    for option in options:
        match option:
            case inspect.IntType() | inspect.FloatType():
                return _number(option.le, value, path, notes)
            case inspect.StructType() if isinstance(value, dict):
                kept = {
                    field.encode_name: _cleaned(
                        field.type, value[field.encode_name], f"{path}{field.encode_name}.", notes
                    )
                    for field in option.fields
                    if field.encode_name in value
                }
                return {name: part for name, part in kept.items() if part is not None}
            case inspect.ListType() if isinstance(value, list):
                parts = [_cleaned(option.item_type, part, path, notes) for part in value]
                return [part for part in parts if part is not None]
            case inspect.StrType() if isinstance(value, str):
                return value
            case inspect.AnyType() | inspect.RawType():
                return value
    _note(notes, f"{path[:-1]} cannot be read: {_shown(value)}")
    return None


def _number(most: float | None, value: Any, path: str, notes: list[str]) -> int | None:
    """Return a count from a number or a text of one; a fraction is rounded up."""
    name, number = path[:-1], number_of(value)
    if number is None or number < 0:
        _note(notes, f"{name} cannot be read: {_shown(value)}")
        return None
    limit = UNITS_MAX if most is None else int(most)
    if number > limit:
        _note(notes, f"{name} is {_shown(value)}, counted as {limit}")
        return limit
    count = int(Decimal(number).to_integral_value(ROUND_CEILING))
    if count != number:
        _note(notes, f"{name} is {_shown(value)}, counted as {count}")
    return count


def _note(notes: list[str], text: str) -> None:
    if len(notes) < _NOTES_MAX and text not in notes:
        notes.append(text)


def _shown(value: object) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= _NOTE_CHARS_MAX else f"{text[:_NOTE_CHARS_MAX]}…"
