"""Fixtures of the adapters' tests: both storages, a file for the one that has any, and both transports."""

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
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
from tests.support.postgres import new_books, server_or_skip

_NEEDS_UVLOOP = pytest.mark.skipif(find_spec("uvloop") is None, reason="uvloop is not installed")

MakeTransport = Callable[..., httpx2.AsyncBaseTransport]
# What aiohttp lacks, by the test that states it and a part of its parameters.
LACKS: tuple[tuple[str, str, str], ...] = (
    ("bytes_on_an_idle_connection_are_no_answer", "", "an idle connection with bytes on it stays until its next use"),
    ("may_not_serve_again", "bytes-too-many", "an answer with bytes after it is an error, and not returned"),
    ("never_comes_to_its_point", "interim-answers", "only the call's deadline ends interim answers"),
    ("never_comes_to_its_point", "chunk-extension", "only the call's deadline ends a chunk's extension"),
    ("crosses_the_close_of_a_kept_connection", "", "a POST is not repeated, whatever the kernel knows"),
    ("over_tls_too", "", "a POST is not repeated, whatever the kernel knows"),
    ("does_not_put_us_through", "speaks-out-of-turn", "a proxy's early bytes are passed to TLS, which waits"),
)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Whatever uses the transport runs on both event loops that a hub may run on."""
    if {"make_transport", "transport", "providers"} & {*metafunc.fixturenames}:
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


@pytest.fixture(params=["memory", "sqlite", "postgres", "snapshots"])
def engine(request: pytest.FixtureRequest) -> str:
    """What keeps the books: "snapshots" is PostgreSQL, made to refuse what engines that are like it refuse."""
    if request.param in ("postgres", "snapshots"):
        server_or_skip()
    return str(request.param)


@pytest.fixture
def database(engine: str) -> str:
    """The URL of a database of the test's own; none for engines that need none."""
    return new_books() if engine in ("postgres", "snapshots") else ""


@pytest.fixture
async def storage(engine: str, database: str, books_path: Path, anyio_backend: str) -> AsyncIterator[Storage]:
    if engine == "memory":
        yield MemoryStorage()
    elif engine == "sqlite":
        async with SqliteStorage.open(books_path, synchronous="NORMAL") as opened:
            yield opened
    else:
        from tests.support.postgres_books import opened_in  # its driver is an extra

        async with opened_in(database, strict=engine == "snapshots") as books:
            yield books


@pytest.fixture(params=["ours", "httpx2"])
async def providers(request: pytest.FixtureRequest) -> AsyncIterator[HttpProviders]:
    """The shell, over the transport that the hub uses and over httpx2's own: it relies on the seam between, not on
    either."""
    transport = Http1Transport() if request.param == "ours" else httpx2.AsyncHTTPTransport(verify=False)
    yield shell(transport)
    await transport.aclose()


@pytest.fixture(params=["ours", "aiohttp"])
def make_transport(request: pytest.FixtureRequest) -> MakeTransport:
    """Make the transport that the hub uses, or its replacement, which passes the same tests but for `LACKS`."""
    if request.param == "ours":
        return Http1Transport
    pytest.importorskip("aiohttp", reason="aihub[aiohttp] is not installed")
    for test, parameter, reason in LACKS:
        if test in request.node.name and parameter in request.node.name:
            pytest.skip(f"aiohttp: {reason}")
    from adapters.providers.aiohttp_transport import AiohttpTransport

    return AiohttpTransport


@pytest.fixture
async def exact() -> AsyncIterator[HttpProviders]:
    """The shell with AIHUB_PASS_THROUGH=exact: nothing of an answer is repaired."""
    async with Http1Transport() as made:
        yield shell(made, pass_through="exact")


@pytest.fixture
async def transport(make_transport: MakeTransport) -> AsyncIterator[httpx2.AsyncBaseTransport]:
    async with make_transport() as made:
        yield made


@pytest.fixture
def identity(tmp_path: Path) -> Identity:
    return Identity(tmp_path)


@pytest.fixture
def no_proxy_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
