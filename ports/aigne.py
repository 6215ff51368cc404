"""Reading the books of an AIGNE Hub: its file `aikit.db`, as rows of its tables."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeAlias

ForeignRow: TypeAlias = Mapping[str, Any]


class AigneError(Exception):
    """The file cannot be read; the message contains the reason and the remedy."""


class AigneBooks(Protocol):
    """The tables that are taken over. A row has the columns of its table; older files lack some."""

    def rows(self, table: str) -> list[ForeignRow]:
        """All rows of a small table by their ids; none if the file has no such table."""
        ...

    def count(self, table: str) -> int:
        """How many rows a table has."""
        ...

    def calls(self, batch: int) -> Iterator[list[ForeignRow]]:
        """The calls by their ids, so many at once."""
        ...

    def users(self) -> list[str]:
        """Everybody who called, by their DIDs."""
        ...

    def uncharged(self) -> list[tuple[str, int, str]]:
        """By user: how many usages were never reported for charging, and their credits."""
        ...

    def secret(self, value: str) -> str | None:
        """A secret in clear; None if it is encrypted and the keys that are given do not open it."""
        ...


class AigneOpener(Protocol):
    """Opens a file."""

    def __call__(self, file: str) -> AbstractContextManager[AigneBooks]:
        """The books in the file. Raises AigneError."""
        ...
