"""Reading what a provider sent, where a null is as good as a field that is not there.

House rule: only where reading fails is a null looked for, so that no answer pays for it; and only the null that it
failed on is taken away, so that one which means something, as in a tool's input, stays.
"""

import re
from typing import Generic, TypeVar

import msgspec

_T = TypeVar("_T")
_NULL = re.compile(r"Expected .*, got `null` - at `\$(?P<path>[^`]+)`")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")
_NULLS_MAX = 64

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])


class NullsAside(Generic[_T]):
    """A decoder of one shape, which raises as msgspec's own does, but not for the nulls of optional fields."""

    __slots__ = ("_decoder",)

    def __init__(self, shape: type[_T]) -> None:
        self._decoder = msgspec.json.Decoder(shape)

    def decode(self, data: bytes | msgspec.Raw) -> _T:
        """The value; `{"id": null}` is `{}` where an id must be a text."""
        try:
            return self._decoder.decode(data)
        except msgspec.ValidationError as error:
            return self._without(bytes(data), error)

    def _without(self, data: bytes, error: msgspec.ValidationError) -> _T:
        for _ in range(_NULLS_MAX):
            found = _NULL.search(str(error))
            if found is None:
                break
            steps = _STEP.findall(found["path"])
            data = _dropped(data, [name if name else int(place) for name, place in steps], error)
            try:
                return self._decoder.decode(data)
            except msgspec.ValidationError as next_error:
                error = next_error
        raise error


def _dropped(data: bytes | msgspec.Raw, path: list[str | int], error: msgspec.ValidationError) -> bytes:
    """The JSON without what stands at the path; all else is as it was written."""
    step, *rest = path
    if isinstance(step, int):
        items = _ITEMS.decode(data)
        items[step : step + 1] = [msgspec.Raw(_dropped(items[step], rest, error))] if rest else []
        return msgspec.json.encode(items)
    fields = _FIELDS.decode(data)
    if step not in fields:
        raise error  # A name with a dot in it cannot be told from two.
    within = fields.pop(step)
    if rest:
        fields[step] = msgspec.Raw(_dropped(within, rest, error))
    return msgspec.json.encode(fields)
