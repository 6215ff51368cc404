"""The sums of usage in every storage: they are added to, and read by subject and by time."""

from typing import Any

import msgspec
import pytest

from domain.books.management_scopes import UserScope
from domain.books.statistics.summary import PastUsage, UsageQuery, nothing
from domain.books.statistics.usage_sum import SLOT_MS, UsageSum
from ports.books import Storage
from tests.adapters.storage_rules import an_adjustment, capture_one, hold_one, open_account, write

pytestmark = pytest.mark.anyio

NOBODY = UserScope(name="nobody")
ALWAYS = UsageQuery(from_ms=0, to_ms=10 * SLOT_MS)


def a_sum(**fields: Any) -> UsageSum:
    usual = {"user_id": "user-1", "key_id": "key-1", "model": "small", "writer": "one", "calls": 1, "charge_nanos": 10}
    return msgspec.structs.replace(nothing(), **(usual | fields))


def query(**fields: Any) -> UsageQuery:
    return msgspec.structs.replace(ALWAYS, **fields)


async def figures(storage: Storage, chosen: UsageQuery, *names: str) -> list[tuple[Any, ...]]:
    found = await storage.usage(chosen)
    return sorted(tuple(getattr(one, name) for name in (*names, "calls", "charge_nanos")) for one in found)


async def test_sums_of_one_key_are_added_within_a_decision_and_across_decisions(storage: Storage) -> None:
    await open_account(storage)

    await storage.decide(NOBODY, write(a_sum(), a_sum(charge_nanos=5)))
    await storage.decide(NOBODY, write(a_sum(adjusted_nanos=-3)))

    (one,) = await storage.usage(ALWAYS)
    assert (3, 25, -3) == (one.calls, one.charge_nanos, one.adjusted_nanos)
    assert ("", 0, "", "") == (one.user_id, one.slot_ms, one.model, one.writer)


async def test_a_query_limits_and_separates_subjects_and_times(storage: Storage) -> None:
    await open_account(storage)
    await storage.decide(
        NOBODY,
        write(
            a_sum(),
            a_sum(writer="two"),
            a_sum(model="large", provider="acme", credential_id="cred-1"),
            a_sum(user_id="user-2", slot_ms=SLOT_MS),
            a_sum(slot_ms=9 * SLOT_MS),
            a_sum(slot_ms=10 * SLOT_MS),
        ),
    )

    assert [("large", 1, 10), ("small", 4, 40)] == await figures(storage, query(by=("model",)), "model")
    assert [("user-1", 4, 40), ("user-2", 1, 10)] == await figures(storage, query(by=("user_id",)), "user_id")
    assert [("", 4, 40), ("cred-1", 1, 10)] == await figures(storage, query(by=("credential_id",)), "credential_id")
    assert [(0, 3, 30), (SLOT_MS, 1, 10), (9 * SLOT_MS, 1, 10)] == await figures(
        storage, query(by_slot=True), "slot_ms"
    )
    assert [(3, 30)] == await figures(storage, query(user_id="user-1", model="small"))
    assert [(1, 10)] == await figures(storage, query(credential_id="cred-1"))
    assert [] == await figures(storage, query(user_id="nobody"))
    assert [(2, 20)] == await figures(storage, UsageQuery(from_ms=SLOT_MS, to_ms=10 * SLOT_MS))


async def test_every_sum_is_in_a_snapshot(storage: Storage) -> None:
    await open_account(storage)
    sums = [a_sum(), a_sum(writer="two"), a_sum(slot_ms=SLOT_MS)]
    await storage.decide(NOBODY, write(*sums))

    async with storage.snapshot() as snapshot:
        found = [one async for one in snapshot.usage_sums()]

    assert sorted(sums, key=repr) == sorted(found, key=repr)


async def test_what_may_still_change_the_past_is_reported(storage: Storage) -> None:
    await open_account(storage)
    assert PastUsage(first_ms=None, open_since_ms=None, adjusted=()) == await storage.past_usage()

    await storage.decide(NOBODY, write(a_sum(slot_ms=3 * SLOT_MS), a_sum(slot_ms=2 * SLOT_MS)))
    assert await hold_one(storage, "call-1")
    assert await hold_one(storage, "call-2")
    held = await storage.past_usage()
    assert await capture_one(storage, "call-1")
    assert await capture_one(storage, "call-2")
    await storage.decide(NOBODY, write(an_adjustment()))
    later = await storage.past_usage()
    await storage.decide(NOBODY, write(an_adjustment(id="another", call_id="call-2")))

    first, second = (await storage.call("call-1")), (await storage.call("call-2"))
    assert first is not None
    assert second is not None
    assert (2 * SLOT_MS, first.started_ms, ()) == (held.first_ms, held.open_since_ms, held.adjusted)
    assert (None, 1) == (later.open_since_ms, len(later.adjusted))
    assert later.adjusted != (await storage.past_usage()).adjusted
