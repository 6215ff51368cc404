"""The sweep gives back what the dead held and nothing else, and the proof can fail."""

from functools import partial

import msgspec
import pytest

from domain.accounts.rows import ApiKey, User
from domain.billing.sweep import LEASE_MARGIN_MS
from domain.billing.verification import Difference, Totals
from domain.books.management_scopes import UserFacts, UserScope
from domain.books.rows import Hold, Row
from domain.ledger.ledger import add_grant, balance, hold
from domain.ledger.rows import Grant, HoldLine
from entrypoints.usecases.manage.maintenance import sweep, verify
from ports.books import Storage
from ports.environment import Liveness
from tests.entrypoints.management_context import CREDIT, At
from tests.support.memory_storage import MemoryStorage

pytestmark = pytest.mark.anyio


class Register(Liveness):
    """Knows of each process whether it is dead."""

    def __init__(self, *dead: str, unseen: tuple[str, ...] = ()) -> None:
        self._dead = dead
        self._unseen = unseen

    def own(self) -> str:
        return "me"

    def is_gone(self, owner: str) -> bool | None:
        return None if owner in self._unseen else owner in self._dead

    def renew(self) -> None:
        """Nobody removes these."""


class Write(msgspec.Struct, frozen=True):
    writes: tuple[Row, ...]


async def ada_with(storage: Storage, *grants: Grant, calls: int = 0, owner: str = "w1", hold_nanos: int = 10) -> None:
    """Ada, her grants, and so many open calls of `owner`, which hold from the first grant."""
    user = User(id="ada", name="ada", role="guest", created_ms=0)
    key = ApiKey(id="key", user_id="ada", name="", fingerprint="f", prefix="p", created_ms=0)
    granted: list[Row] = []
    for grant in grants:
        granted += [grant, *add_grant(grant).transfers]
    await storage.decide(UserScope(name="ada"), lambda _: Write((user, key, *granted)))
    await start_calls(storage, calls, owner, hold_nanos)


async def start_calls(storage: Storage, calls: int, owner: str, hold_nanos: int = 10) -> None:
    for n in range(calls):
        await storage.decide(UserScope(name="ada"), partial(started, f"{owner}-{n:05}", owner, hold_nanos))


def started(call_id: str, owner: str, hold_nanos: int, facts: UserFacts) -> Write:
    return Write(open_call(facts.grants[0], call_id, owner, hold_nanos))


def a_grant(nanos: int = CREDIT, grant_id: str = "grant", expires_ms: int | None = None) -> Grant:
    return Grant(
        id=grant_id, user_id="ada", amount_nanos=nanos, available_nanos=nanos, held_nanos=0, priority=1,
        effective_ms=0, expires_ms=expires_ms, created_ms=0, source="test",
    )  # fmt: skip


def open_call(grant: Grant, call_id: str, owner: str, nanos: int, deadline_ms: int = 10_000) -> tuple[Row, ...]:
    moves = hold([grant], call_id, nanos, 1)
    held = Hold(
        id=call_id, user_id="ada", key_id="key", dialect="openai", model="m", stream=False, billed=True, started_ms=1,
        deadline_ms=deadline_ms, owner=owner, hold_nanos=nanos, hold_lines=(HoldLine(grant.id, nanos),),
    )  # fmt: skip
    return (*moves.grants, held, *moves.transfers)


async def held(storage: Storage) -> int:
    return balance(await storage.wallet("ada"), 5).held_nanos


async def test_a_sweep_gives_back_what_the_dead_held_and_leaves_the_living_alone() -> None:
    storage = MemoryStorage()
    await ada_with(storage, a_grant(), calls=3, owner="dead")
    await start_calls(storage, 1, "alive", hold_nanos=7)

    swept = await sweep(storage, Register("dead"), At(5))

    assert sorted(call.id for call in swept.lost) == ["dead-00000", "dead-00001", "dead-00002"]
    assert await held(storage) == 7
    assert isinstance(await verify(storage), Totals)
    assert (await sweep(storage, Register("dead"), At(5))).lost == ()


async def test_no_clock_ends_the_call_of_a_process_that_lives() -> None:
    """The clock may have been stepped, or the caller may not read: the process itself ends the call."""
    storage = MemoryStorage()
    await ada_with(storage, a_grant(), calls=1, owner="alive")

    assert (await sweep(storage, Register(), At(10**15))).lost == ()
    assert await held(storage) == 10


async def test_a_process_that_cannot_be_seen_has_a_lease_by_the_clock() -> None:
    storage = MemoryStorage()
    await ada_with(storage, a_grant(), calls=1, owner="far")

    assert (await sweep(storage, Register(unseen=("far",)), At(10_000 + LEASE_MARGIN_MS - 1))).lost == ()
    (lost,) = (await sweep(storage, Register(unseen=("far",)), At(10_000 + LEASE_MARGIN_MS))).lost

    call = await storage.call(lost.id)
    assert call is not None
    assert call.ending == "lost"
    assert "deadline" in (call.error or "")


async def test_what_a_living_process_has_open_and_does_not_run_is_lost() -> None:
    """A hold that became durable though its caller was answered that the books could not be written, say."""
    storage = MemoryStorage()
    await ada_with(storage, a_grant(), calls=2, owner="me")
    await start_calls(storage, 1, "other")

    swept = await sweep(storage, Register(), At(5), {"me-00001"}.__contains__)

    assert [call.id for call in swept.lost] == ["me-00000"]
    assert await held(storage) == 20


async def test_a_sweep_goes_on_until_nothing_is_left_also_behind_a_batch_of_the_living() -> None:
    storage = MemoryStorage()
    await ada_with(storage, a_grant(), calls=600, owner="alive")
    await start_calls(storage, 700, "dead")

    swept = await sweep(storage, Register("dead"), At(5))

    assert len(swept.lost) == 700
    assert await held(storage) == 600 * 10


async def test_credit_past_its_expiry_becomes_breakage_once() -> None:
    storage = MemoryStorage()
    await ada_with(storage, a_grant(50, "old", expires_ms=4), a_grant(50, "young"))

    first = await sweep(storage, Register(), At(5))
    second = await sweep(storage, Register(), At(6))

    assert [grant.id for grant in first.expired_grants] == ["old"]
    assert second.expired_grants == ()
    totals = await verify(storage)
    assert isinstance(totals, Totals)
    assert (totals.breakage_nanos, totals.available_nanos) == (50, 50)


async def test_the_proof_names_the_first_thing_that_does_not_add_up() -> None:
    storage = MemoryStorage()
    await ada_with(storage, a_grant(50))
    forged = msgspec.structs.replace(a_grant(50), available_nanos=49)
    await storage.decide(UserScope(name="ada"), lambda _: Write((forged,)))

    difference = await verify(storage)

    assert isinstance(difference, Difference)
    assert (difference.subject, difference.booked, difference.derived) == ("grant", "49", "50")
