"""Fixtures of the adapters' tests: both storages, and a file for the one that has any."""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from adapters.storage.memory import MemoryStorage
from adapters.storage.migrate import read_migrations
from adapters.storage.sqlite import SqliteStorage
from adapters.storage.sqlite_file import open_writer
from ports.storage import Storage


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def books_path(tmp_path: Path) -> Path:
    return tmp_path / "books.db"


@pytest.fixture
def connection(books_path: Path) -> Iterator[sqlite3.Connection]:
    """The connection that a writer writes through, without the storage around it."""
    with closing(open_writer(str(books_path), read_migrations(), "NORMAL", 1_000)) as opened:
        yield opened


@pytest.fixture(params=["memory", "sqlite"])
async def storage(request: pytest.FixtureRequest, books_path: Path, anyio_backend: str) -> AsyncIterator[Storage]:
    if request.param == "memory":
        yield MemoryStorage()
    else:
        async with SqliteStorage.open(books_path, synchronous="NORMAL") as opened:
            yield opened
