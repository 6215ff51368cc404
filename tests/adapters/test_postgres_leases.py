"""Which processes live, on machines that cannot see each other: by leases of the database's clock."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

asyncpg = pytest.importorskip("asyncpg", reason="no PostgreSQL: its driver asyncpg is not installed")

from adapters.liveness import FlockLiveness
from adapters.storage.postgres.connection import Database
from adapters.storage.postgres.leases import LEASE_MS, LeaseLiveness, leases
from tests.support.postgres import new_books, server_or_skip

pytestmark = pytest.mark.anyio

ELSEWHERE = "w1-2-00000000-0123456789"  # a process of another machine


@pytest.fixture
def url() -> str:
    server_or_skip()
    return new_books()


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    opened = Database(url)
    yield opened
    await opened.close()


@pytest.fixture
async def outsider(url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close()


async def seen(outsider: Any, owner: str, ago_ms: int) -> None:
    now = "(extract(epoch from clock_timestamp()) * 1000)::bigint"
    await outsider.execute(
        f"insert into processes values ($1, {now} - $2) on conflict (owner) do update set seen_ms = excluded.seen_ms",
        owner,
        ago_ms,
    )


@pytest.mark.parametrize(("ago_ms", "is_gone"), [(0, False), (LEASE_MS - 5_000, False), (LEASE_MS + 1, True)])
async def test_a_process_of_another_machine_is_gone_when_its_lease_has_ended(
    database: Database, outsider: Any, tmp_path: Path, ago_ms: int, is_gone: bool
) -> None:
    """(G2)"""
    liveness = LeaseLiveness(database, FlockLiveness(tmp_path / "workers"))
    await seen(outsider, ELSEWHERE, ago_ms)

    assert liveness.is_gone(ELSEWHERE) is None, "nothing was read yet"
    await liveness.beat()
    assert liveness.is_gone(ELSEWHERE) is is_gone
    assert liveness.is_gone("w9-9-00000000-9876543210") is None, "who has never shown a sign of life is not judged"


async def test_what_was_read_last_decides_so_a_late_sign_of_life_is_seen_at_the_next_beat(
    database: Database, outsider: Any, tmp_path: Path
) -> None:
    liveness = LeaseLiveness(database, FlockLiveness(tmp_path / "workers"))
    await seen(outsider, ELSEWHERE, LEASE_MS + 1)
    await liveness.beat()
    await seen(outsider, ELSEWHERE, 0)

    assert liveness.is_gone(ELSEWHERE)
    await liveness.beat()
    assert not liveness.is_gone(ELSEWHERE)


async def test_a_process_shows_that_it_lives_from_its_first_call_to_its_end(
    database: Database, outsider: Any, tmp_path: Path
) -> None:
    async with leases(database, FlockLiveness(tmp_path / "workers"), every_s=0.01) as liveness:
        assert await outsider.fetch("select * from processes") == [], "a command that makes no calls needs no lease"
        own = liveness.own()
        await liveness.beat()
        assert [row["owner"] for row in await outsider.fetch("select owner from processes")] == [own]
        assert liveness.is_gone(own) is False

    assert await outsider.fetchval("select seen_ms from processes where owner = $1", own) == 0
    other = LeaseLiveness(database, FlockLiveness(tmp_path / "others"))
    await other.beat()
    await seen(outsider, ELSEWHERE, 0)
    assert other.is_gone(own) is False, "the process itself still lives here, whatever its lease says"
