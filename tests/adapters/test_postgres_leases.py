"""Life signs in PostgreSQL: what a process that stood still does before it makes calls again."""

from importlib.util import find_spec
from pathlib import Path

import pytest

if find_spec("asyncpg") is None:
    pytest.skip("asyncpg is not installed", allow_module_level=True)

import asyncpg

from adapters.liveness import FlockLiveness
from adapters.storage.postgres.leases import LeaseLiveness
from adapters.storage.postgres.storage import PostgresStorage
from tests.support.postgres import new_books

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def url() -> str:
    return new_books()


async def test_a_lease_that_may_have_run_out_is_renewed_before_the_next_call(tmp_path: Path, url: str) -> None:
    async with PostgresStorage.open(url) as storage:
        liveness = LeaseLiveness(storage._database, FlockLiveness(tmp_path))
        owner = liveness.own()
        await liveness.resume()
        first = await _seen_ms(url, owner)
        await liveness.resume()
        second = await _seen_ms(url, owner)

    assert first is not None
    assert first == second, "a lease that was renewed just now is left alone"


async def _seen_ms(url: str, owner: str) -> int | None:
    connection = await asyncpg.connect(url)
    try:
        seen: int | None = await connection.fetchval("select seen_ms from processes where owner = $1", owner)
        return seen
    finally:
        await connection.close()
