"""Parts of rows: a struct with some fields of a row type, read in portions and decoded column by column.

A proof reads millions of rows; decoding a column at a time leaves no Python code for each row.
"""

import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from domain.ledger.audited import KeptId

P = TypeVar("P", bound=msgspec.Struct)

Decode = Callable[[Any], Any]


class Part(Generic[P]):
    """Reads rows of `table` as `kind`. `decoders` are by field of the whole row; None is never decoded.

    A field of type `KeptId` stays as the engine keeps it.
    """

    def __init__(self, table: str, kind: type[P], decoders: Mapping[str, Decode]) -> None:
        fields = kind.__struct_fields__
        hints = typing.get_type_hints(kind)
        self.columns = ", ".join(f"{table}.{field}" for field in fields)
        self._kind = kind
        self._decoders = [
            (at, decoders[field]) for at, field in enumerate(fields) if field in decoders and not _is_kept(hints[field])
        ]

    def decoded(self, rows: Sequence[Sequence[Any]]) -> list[P]:
        """The rows as structs."""
        if not rows:
            return []
        columns: list[Iterable[Any]] = [*zip(*rows, strict=True)]
        for at, decode in self._decoders:
            columns[at] = [None if value is None else decode(value) for value in columns[at]]
        return [*map(self._kind, *columns)]


def _is_kept(hint: Any) -> bool:
    return set(typing.get_args(hint)) - {type(None)} == set(typing.get_args(KeptId))
