"""Parts of rows, as a storage reads them for a proof."""

from typing import Any, TypeVar

import msgspec

P = TypeVar("P", bound=msgspec.Struct)


def part_of(kind: type[P], row: Any) -> P:
    """The struct of that type with the row's fields."""
    return kind(*[getattr(row, field) for field in kind.__struct_fields__])
