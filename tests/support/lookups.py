"""All lookups that the scopes of the books use."""

from typing import Any

from domain.books import limit_scopes, management_scopes, scopes
from domain.books.lookups import Lookup

SCOPES: list[Any] = [
    scope
    for module in (scopes, management_scopes, limit_scopes)
    for scope in vars(module).values()
    if isinstance(scope, type) and isinstance(getattr(scope, "steps", None), tuple)
]


def all_lookups() -> list[Lookup]:
    """Every lookup, once, in the order of the scopes."""
    return [*dict.fromkeys(lookup for scope in SCOPES for step in scope.steps for lookup, _ in step)]
