"""How a scope is built: the rows that it looks up, step by step, and the facts that it shows to a rule."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeAlias, TypeVar

from domain.books.lookups import Lookup
from domain.books.working_copy import Books

F_co = TypeVar("F_co", covariant=True)


# A lookup, and the values of it that a scope wants, from its own fields and the rows that are there already. Several
# lookups may have one function: it returns the values of each, or nothing at all, which is cheap where most scopes
# want none of them.
Want: TypeAlias = tuple[Lookup | tuple[Lookup, ...], Callable[[Any, Books], Iterable[Any]]]


Steps: TypeAlias = tuple[tuple[Want, ...], ...]


class View(Protocol[F_co]):
    """A scope names the rows that a rule needs (its fields and `steps`) and shows them as facts (`view`)."""

    @property
    def steps(self) -> Steps:
        """What to look up, step by step."""
        ...

    def view(self, books: Books) -> F_co:
        """The facts, from a working copy that holds at least the rows this scope names."""
        ...
