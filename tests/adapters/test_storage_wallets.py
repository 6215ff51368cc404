"""Credit changed by hand on every storage: many at once, beside calls that hold and are charged, and the books add up."""

import asyncio

import pytest

from domain.billing.sweep import Owners, sweep
from domain.billing.verification import Totals
from domain.books.management_scopes import GrantScope, TransferScope, UserScope
from domain.books.scopes import SweepScope
from domain.ledger.ledger import add_grant, available
from domain.management import wallets
from domain.management.changes import Actor
from domain.management.wallets import WalletTransfer
from entrypoints.usecases.manage.maintenance import verify
from ports.books import Storage
from tests.adapters.storage_rules import a_grant, a_user, hold_one, open_account, write

pytestmark = pytest.mark.anyio

NOW_MS = 5_000


async def test_a_voided_grant_is_read_back_and_ends_with_a_sweep(storage: Storage) -> None:
    await open_account(storage)
    await hold_one(storage, "call-1", nanos=10)

    await void(storage, "grant-1", 1)

    assert await storage.grant("grant-1") == a_grant(available_nanos=0, held_nanos=10, voided_ms=NOW_MS)
    assert await storage.grant("grant-9") is None
    owners = Owners(gone=frozenset(["process-1"]))
    await storage.decide(SweepScope(now_ms=NOW_MS), lambda facts: sweep(facts, owners, NOW_MS))
    assert await storage.grant("grant-1") == a_grant(available_nanos=0, held_nanos=0, voided_ms=NOW_MS)
    assert (await proved(storage)).withdrawn_nanos == 100


async def test_whatever_is_changed_by_hand_at_once_the_books_add_up(storage: Storage) -> None:
    """Two wallets that send each other credit, one that is taken from, and calls that hold, all in one moment. (G26)"""
    await open_account(storage, nanos=1_000)
    grants = [a_grant(n, nanos=100, user_id="user-2") for n in range(2, 7)]
    await storage.decide(UserScope(name="name-2"), write(a_user(2)))
    await storage.decide(
        UserScope(name="name-2"), write(*grants, *(line for grant in grants for line in add_grant(grant).transfers))
    )

    await asyncio.gather(
        *(transfer(storage, "name-1", "name-2", 90 + n, n) for n in range(8)),
        *(transfer(storage, "name-2", "name-1", 130 + n, 100 + n) for n in range(8)),
        *(take(storage, "name-1", 60 + n, 200 + n) for n in range(8)),
        *(hold_one(storage, f"call-{n}", nanos=50) for n in range(8)),
        *(void(storage, grant.id, 300 + n) for n, grant in enumerate(grants[:2])),
    )

    totals = await proved(storage)
    assert totals.issued_nanos == 1_500
    assert 1_500 == totals.withdrawn_nanos + totals.available_nanos + totals.held_nanos
    left = [available(await storage.wallet(f"user-{n}"), NOW_MS) for n in (1, 2)]
    assert sum(left) == totals.available_nanos


async def transfer(storage: Storage, sender: str, receiver: str, nanos: int, n: int) -> None:
    order = WalletTransfer(sender=sender, receiver=receiver, nanos=nanos, reason="a test", grant_id=f"moved-{n}")
    scope = TransferScope(sender=sender, receiver=receiver)
    await storage.decide(scope, lambda facts: wallets.transfer_credit(facts, actor(n), order))


async def take(storage: Storage, name: str, nanos: int, n: int) -> None:
    scope = UserScope(name=name)
    await storage.decide(scope, lambda facts: wallets.take_credit(facts, actor(n), name, nanos, "a test"))


async def void(storage: Storage, grant_id: str, n: int) -> None:
    scope = GrantScope(grant_id=grant_id)
    await storage.decide(scope, lambda facts: wallets.void_grant(facts, actor(n), grant_id, "a test"))


async def proved(storage: Storage) -> Totals:
    found = await verify(storage)
    assert isinstance(found, Totals), found
    return found


def actor(n: int) -> Actor:
    return Actor(name="ops", now_ms=NOW_MS, audit_id=f"audit-{n}")
