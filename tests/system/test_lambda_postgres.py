"""The streaming function on a database that its environments share, each frozen and ended as Lambda does it."""

import signal
from pathlib import Path

import pytest

from tests.support.postgres import new_books
from tests.support.runtime_api import RuntimeApiDouble
from tests.system.lambda_function import function, requested
from tests.system.scripted_answers import Script
from tests.system.scripted_provider import ScriptedProvider

pytestmark = pytest.mark.anyio
MASTER_KEY = "ab" * 32


@pytest.fixture
def url() -> str:
    return new_books()


async def test_two_environments_charge_one_wallet_and_a_freeze_holds_up_nobody(
    tmp_path: Path, provider: ScriptedProvider, url: str
) -> None:
    """One is stopped at the last byte of its answer: its charge is in the books, and it keeps no lock there."""
    async with RuntimeApiDouble() as first, RuntimeApiDouble() as second:
        with (
            function(
                tmp_path / "one" / "data", first, provider.base_url, DATABASE_URL=url, AIHUB_MASTER_KEY=MASTER_KEY
            ) as one,
            function(tmp_path / "two" / "data", second, DATABASE_URL=url, AIHUB_MASTER_KEY=MASTER_KEY),
        ):
            frozen = await first.invoke(requested(one.hub, Script(id="frozen")), held=True)
            while b"data: [DONE]\n\n" not in frozen.body:
                assert await frozen.chunk() is not None
            one.signal(signal.SIGSTOP)
            for number in range(3):
                served = await second.invoke(requested(one.hub, Script(id=f"second{number}")))
                await served.whole()
                assert 200 == served.prelude["statusCode"]
            calls = one.hub.calls()
            one.signal(signal.SIGCONT)
            frozen.accept.set()
            await first.until(2)
            again = await first.invoke(requested(one.hub, Script(id="thawed")))
            await again.whole()
            verified = one.hub.cli("ledger", "verify")

    assert ["completed"] * 4 == [call["ending"] for call in calls]
    assert 200 == again.prelude["statusCode"]
    assert (True, 0) == (verified["ok"], verified["open_holds"])


async def test_a_database_that_does_not_answer_is_an_init_error(tmp_path: Path) -> None:
    url = "postgresql://nobody@127.0.0.1:9/nothing"
    async with RuntimeApiDouble() as api:
        with function(tmp_path / "data", api, DATABASE_URL=url, AIHUB_MASTER_KEY=MASTER_KEY) as made:
            await api.until_init_error()
            assert 1 == made.ended()

    assert "Function.CannotStart" == api.init_error["errorType"]
