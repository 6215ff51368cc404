"""Opening the books where the settings have them: in one SQLite file, or in a database that many machines share."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from adapters.storage.migrate import MigrationError
from adapters.storage.sqlite.file import Synchronous
from adapters.storage.sqlite.storage import SqliteStorage
from ports.books import StorageError
from ports.environment import Liveness

if TYPE_CHECKING:
    from adapters.storage.postgres.storage import PostgresStorage

Books: TypeAlias = "SqliteStorage | PostgresStorage"

__all__ = ["Books", "MigrationError", "alive_in", "open_books"]


async def open_books(path: Path, url: str | None, *, synchronous: Synchronous, statements: int) -> Books:
    """The books of the database at `url`; without one, those in the file at `path`.

    Raises MigrationError if this hub may not write them, StorageError if they cannot be opened.
    """
    if url is None:
        return await SqliteStorage.open(path, synchronous=synchronous)
    try:
        from adapters.storage.postgres.storage import PostgresStorage
    except ModuleNotFoundError as missing:
        raise StorageError(f"DATABASE_URL needs the package {missing.name}: pip install 'aihub[postgres]'") from missing
    return await PostgresStorage.open(url, statements=statements)


@asynccontextmanager
async def alive_in(books: Books, files: Liveness) -> AsyncIterator[Liveness]:
    """Who is alive: by lock files on one machine, by leases as well where the books are in a database."""
    if isinstance(books, SqliteStorage):
        yield files
        return
    async with books.leases(files) as shared:
        yield shared
