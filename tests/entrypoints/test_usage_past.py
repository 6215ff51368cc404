"""The sums of days that are over are remembered, and are always those of the books."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.books.management_scopes import UserScope
from domain.books.statistics.summary import PastUsage, UsageQuery, merged, nothing, total
from domain.books.statistics.usage_sum import SLOT_MS, UsageSum
from entrypoints.usecases.manage.usage_past import HOUR_MS, UsagePast
from entrypoints.usecases.management_context import ManagementPorts
from tests.adapters.storage_rules import a_user, an_adjustment, capture_one, hold_one, open_account, write
from tests.entrypoints.management_context import a_management_context
from tests.support.memory_storage import MemoryStorage

pytestmark = pytest.mark.anyio
DAY_MS = 24 * HOUR_MS
TODAY_MS = 20_000 * DAY_MS
NOW_MS = TODAY_MS + 10 * HOUR_MS + 20 * 60_000
NOBODY = UserScope(name="nobody")


class At:
    """A clock that stands still."""

    def __init__(self, now_ms: int) -> None:
        self.at_ms = now_ms

    def now_ms(self) -> int:
        return self.at_ms

    def monotonic_us(self) -> int:
        return 0


class CountingStorage(MemoryStorage):
    """Books that count the reads of sums."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[UsageQuery] = []

    async def usage(self, query: UsageQuery) -> list[UsageSum]:
        self.reads.append(query)
        return await super().usage(query)


def a_sum(slot_ms: int, **fields: Any) -> UsageSum:
    usual = {"slot_ms": slot_ms, "user_id": "user-1", "model": "small", "calls": 1, "charge_nanos": 10}
    return msgspec.structs.replace(nothing(), **(usual | fields))


async def a_hub(*sums: UsageSum) -> ManagementPorts:
    hub = a_management_context(CountingStorage(), At(NOW_MS))
    await open_account(hub.storage)
    await hub.storage.decide(NOBODY, write(a_user(2), *sums))
    return hub


def reads(hub: ManagementPorts) -> list[UsageQuery]:
    assert isinstance(hub.storage, CountingStorage)
    done, hub.storage.reads[:] = [*hub.storage.reads], []
    return done


MONTH = UsageQuery(from_ms=TODAY_MS - 3 * DAY_MS, to_ms=NOW_MS + SLOT_MS, by=("model",))


async def test_days_that_are_over_are_read_once_and_the_last_hours_every_time() -> None:
    hub, past = await a_hub(a_sum(TODAY_MS - 3 * DAY_MS), a_sum(TODAY_MS - DAY_MS), a_sum(TODAY_MS)), UsagePast()

    first = await past.usage(hub, "UTC", MONTH)
    await past.read_ahead()
    before = reads(hub)
    await hub.storage.decide(NOBODY, write(a_sum(NOW_MS - NOW_MS % SLOT_MS)))
    second = await past.usage(hub, "UTC", MONTH)
    after = reads(hub)
    await past.usage(hub, "UTC", msgspec.structs.replace(MONTH, by=("user_id",), model="small"))

    assert (3, 4) == (total(first).calls, total(second).calls)
    assert [3 * DAY_MS, 0, DAY_MS, 2 * DAY_MS, 3 * DAY_MS] == [TODAY_MS - query.from_ms for query in before]
    assert [TODAY_MS + 9 * HOUR_MS] == [query.from_ms for query in after]
    assert 1 == len(reads(hub))


async def test_an_adjustment_of_a_past_call_is_seen_at_once() -> None:
    hub, past = await a_hub(a_sum(TODAY_MS - DAY_MS)), UsagePast()
    assert await hold_one(hub.storage, "call-1")
    assert await capture_one(hub.storage, "call-1")
    assert 0 == total(await past.usage(hub, "UTC", MONTH)).adjusted_nanos
    await past.read_ahead()

    await hub.storage.decide(NOBODY, write(an_adjustment(), a_sum(TODAY_MS - DAY_MS, calls=0, adjusted_nanos=7)))
    assert 7 == total(await past.usage(hub, "UTC", MONTH)).adjusted_nanos


async def test_a_day_in_which_a_running_call_began_is_not_remembered() -> None:
    class WithOpenCall(CountingStorage):
        async def past_usage(self) -> PastUsage:
            return PastUsage(
                first_ms=TODAY_MS - 3 * DAY_MS, open_since_ms=TODAY_MS - 2 * DAY_MS + 90 * 60_000, adjusted=()
            )

    hub, past = a_management_context(WithOpenCall(), At(NOW_MS)), UsagePast()
    await past.usage(hub, "UTC", MONTH)
    await past.read_ahead()
    reads(hub)
    await past.usage(hub, "UTC", MONTH)
    assert [TODAY_MS - 2 * DAY_MS + HOUR_MS] == [query.from_ms for query in reads(hub)]


async def test_too_many_sums_are_not_kept() -> None:
    hub = await a_hub(a_sum(TODAY_MS - DAY_MS), a_sum(TODAY_MS - DAY_MS, model="large"))
    past = UsagePast(sums_of_piece_max=1)
    for _ in range(2):
        assert 2 == total(await past.usage(hub, "UTC", MONTH)).calls
        await past.read_ahead()
    yesterday = [query for query in reads(hub) if query.from_ms == TODAY_MS - DAY_MS]
    assert [8, 1, 1] == [len(query.by) for query in yesterday]


SUMS = st.builds(
    a_sum,
    st.integers(-20, 41).map(lambda slot: TODAY_MS - 2 * DAY_MS + 5 * slot * SLOT_MS),
    user_id=st.sampled_from(["user-1", "user-2"]),
    model=st.sampled_from(["small", "large"]),
    app=st.sampled_from(["", "shop"]),
    ending=st.sampled_from(["completed", "lost"]),
)
QUERIES = st.builds(
    UsageQuery,
    from_ms=st.integers(-600, 40).map(lambda slot: TODAY_MS + slot * SLOT_MS),
    to_ms=st.integers(41, 60).map(lambda slot: TODAY_MS + slot * SLOT_MS),
    user_id=st.sampled_from([None, "user-1"]),
    app=st.sampled_from([None, "shop"]),
    by=st.sampled_from([(), ("model",), ("user_id", "ending")]),
)


def in_order(sums: list[UsageSum]) -> list[UsageSum]:
    return sorted(merged(sums), key=lambda one: one.key)


@given(st.lists(SUMS, max_size=20), QUERIES, st.sampled_from(["UTC", "Asia/Kolkata", "Europe/Berlin"]))
async def test_the_sums_are_those_of_the_books(sums: list[UsageSum], query: UsageQuery, zone: str) -> None:
    hub, past = await a_hub(*sums), UsagePast()
    expected = in_order(await hub.storage.usage(query))
    by_slot = msgspec.structs.replace(query, by_slot=True)
    for _ in range(2):
        await past.read_ahead()
        assert expected == in_order(await past.usage(hub, zone, query))
        assert expected == in_order(await past.usage_by_hour(hub, zone, by_slot))
        hours = {one.slot_ms - one.slot_ms % HOUR_MS for one in await hub.storage.usage(by_slot)}
        assert hours == {one.slot_ms - one.slot_ms % HOUR_MS for one in await past.usage_by_hour(hub, zone, by_slot)}
