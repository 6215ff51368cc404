"""Fixtures of the adapters' tests: both storages, a file for the one that has any, and both transports."""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import httpx2
import pytest

from adapters.providers.http import HttpProviders
from adapters.providers.transport import Http1Transport
from adapters.storage.migrate import read_migrations
from adapters.storage.sqlite.file import open_writer
from adapters.storage.sqlite.storage import SqliteStorage
from ports.books import Storage
from tests.adapters.http_attempts import shell
from tests.adapters.transport_identity import Identity
from tests.support.memory_storage import MemoryStorage

_NEEDS_UVLOOP = pytest.mark.skipif(find_spec("uvloop") is None, reason="uvloop is not installed")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Whatever uses the transport runs on both event loops that a hub may run on."""
    if {"transport", "providers"} & {*metafunc.fixturenames}:
        loops = [
            ("asyncio", {"use_uvloop": False}),
            pytest.param(("asyncio", {"use_uvloop": True}), marks=_NEEDS_UVLOOP),
        ]
        metafunc.parametrize("anyio_backend", loops, ids=["asyncio", "uvloop"])


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


@pytest.fixture(params=["ours", "httpx2"])
async def providers(request: pytest.FixtureRequest) -> AsyncIterator[HttpProviders]:
    """The shell, over the transport that the hub uses and over httpx2's own: it relies on the seam between, not on
    either."""
    transport = Http1Transport() if request.param == "ours" else httpx2.AsyncHTTPTransport(verify=False)
    yield shell(transport)
    await transport.aclose()


@pytest.fixture
async def transport() -> AsyncIterator[Http1Transport]:
    async with Http1Transport() as made:
        yield made


@pytest.fixture
def identity(tmp_path: Path) -> Identity:
    return Identity(tmp_path)


@pytest.fixture
def no_proxy_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
