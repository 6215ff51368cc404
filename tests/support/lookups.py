"""All lookups that the scopes of the books use."""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import domain.books
from domain.books.lookups import Lookup

SCOPES: list[Any] = [
    scope
    for module in iter_modules(domain.books.__path__, "domain.books.")
    for scope in vars(import_module(module.name)).values()
    if isinstance(scope, type) and isinstance(getattr(scope, "steps", None), tuple)
]


def all_lookups() -> list[Lookup]:
    """Every lookup, once, in the order of the scopes."""
    return [*dict.fromkeys(_lookups())]


def _lookups() -> Iterator[Lookup]:
    for scope in SCOPES:
        for step in scope.steps:
            for lookup, _ in step:
                yield from (lookup,) if isinstance(lookup, Lookup) else lookup
