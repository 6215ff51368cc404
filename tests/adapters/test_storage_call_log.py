"""The call log of every storage: any filter, any page, in one order."""

import random
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.books.call_query import CallQuery, LineQuery, LoggedCall, Search
from domain.books.ids import CALL, unpacked
from domain.books.rows import Call, Hold, Row, call_of
from domain.ledger.rows import LateUsage, TransferKind
from domain.usage import Usage
from ports.books import Storage
from tests.adapters.storage_rules import a_hold, a_key, a_transfer, a_user, an_adjustment, open_account, write
from tests.adapters.test_storage_reading import NOBODY
from tests.support.memory_storage import MemoryStorage

pytestmark = pytest.mark.anyio

CALLS = 60
MINUTE_MS, DAY_MS = 60_000, 86_400_000
TEXTS = ("gpt-5", "gpt_5%", "GPT\\5", "d")
LINES: tuple[TransferKind, ...] = ("hold", "capture", "adjustment", "refund")


def made(number: int) -> tuple[Hold, Call | None]:
    """A call with an id of the usual form; every seventh runs."""
    draw = random.Random(number)
    started_ms = 1_700_000_000_000 + number * 7 * MINUTE_MS
    user = draw.choice((1, 2))
    held = a_hold(
        unpacked((started_ms - 5).to_bytes(6, "big") + number.to_bytes(10, "big"), CALL),
        user_id=f"user-{user}",
        key_id=f"key-{user}",
        model=f"acme/{draw.choice(TEXTS)}",
        started_ms=started_ms,
        hold_lines=(),
        app=draw.choice((None, "shop", "key-1")),
        run_id=draw.choice((None, "run-1")),
        trace_id=draw.choice((None, "trace-1")),
        operation=draw.choice(("chat", "images")),
        wallet_id=draw.choice((None, None, "user-1")),
    )
    if number % 7 == 0:
        return held, None
    ending = draw.choice(("completed", "lost", "timed_out"))
    call = call_of(
        held,
        owner=None,
        ending=ending,
        complete=ending == "completed",
        ended_ms=started_ms + draw.choice((10, 20_000)),
        provider=draw.choice((None, "acme", "other")),
        provider_model=draw.choice((None, *TEXTS)),
    )
    return held, call


async def fill(storage: Storage) -> None:
    await open_account(storage)
    await storage.decide(NOBODY, write(a_user(2), a_key(2)))
    rows: list[Row] = []
    for number in range(CALLS):
        held, call = made(number)
        rows.append(held)
        if call is None:
            continue
        rows.append(call)
        for step, kind in enumerate(LINES[: number % 5]):
            of_grant = None if kind == "capture" else "grant-1"
            rows.append(a_transfer(call.id, kind=kind, step=step, grant_id=of_grant, amount_nanos=number + 1))
        if number % 3 == 0:
            late = LateUsage(usage=Usage(input_tokens=1), source="provider") if number % 2 else None
            rows.append(an_adjustment(call.id, lines=(), late=late))
    await storage.decide(NOBODY, write(*rows))


def maybe(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from((None, None, None, *values))


IDS = [made(number)[0].id for number in range(CALLS)]
MOMENTS = st.integers(-2, CALLS + 2).map(lambda n: 1_700_000_000_000 + n * 7 * MINUTE_MS)
FILTERS: dict[str, tuple[Any, ...]] = {
    "ids": ((IDS[3], IDS[9], IDS[10], "call-none"),),
    "user_id": ("user-1", "user-3"),
    "key_id": ("key-2",),
    "app": ("shop",),
    "run_id": ("run-1",),
    "trace_id": ("trace-1",),
    "provider": ("acme",),
    "operation": ("images",),
    "endings": (("lost",), ("completed", "timed_out")),
    "operations": (("images",), ("chat", "video")),
    "state": ("ended", "running", "succeeded", "failed"),
    "model": ("gpt-5", "acme/d"),
    "model_part": ("gpt", "T_5", "5%", "\\", "ACME", "ACME/D ACME"),
    "project": ("shop", "key-1", "key-2"),
    "min_duration_ms": (10, 11),
    "search": tuple(
        Search(text=text, fields=fields, user_ids=users)
        for text in ("call_", IDS[9][:24], "GPT", "%", "_", "\\", "trace", "nothing")
        for fields in (("id",), ("model", "trace_id"), ("user",), ("id", "model", "trace_id", "user"))
        for users in ((), ("user-2",))
    ),
}
QUERIES = st.builds(
    lambda chosen, **page: CallQuery(**dict(chosen), **page),
    st.lists(
        st.sampled_from([*FILTERS]).flatmap(lambda name: st.tuples(st.just(name), st.sampled_from(FILTERS[name]))),
        max_size=3,
    ),
    from_ms=st.none() | MOMENTS,
    to_ms=st.none() | MOMENTS,
    beyond=maybe(*IDS[::9]),
    oldest_first=st.booleans(),
    limit=st.integers(1, 70),
    skip=st.sampled_from((0, 0, 1, 30)),
)
LINE_QUERIES = st.builds(
    LineQuery,
    user_id=st.sampled_from(("user-1", "user-2")),
    from_ms=st.none() | MOMENTS,
    to_ms=st.none() | MOMENTS,
    beyond=maybe((IDS[20], "capture", 1), (IDS[20], "hold", 0), (IDS[20], "refund", 3)),
    limit=st.integers(1, 70),
    skip=st.sampled_from((0, 0, 1, 30)),
)


async def test_every_filter_and_every_page_is_that_of_the_model(storage: Storage) -> None:
    model = MemoryStorage()
    await fill(model)
    await fill(storage)
    drawn: list[tuple[CallQuery, LineQuery]] = []

    @settings(max_examples=150, database=None, suppress_health_check=[HealthCheck.too_slow])
    @given(QUERIES, LINE_QUERIES)
    def draw(query: CallQuery, lines: LineQuery) -> None:
        drawn.append((query, lines))

    draw()
    matched = 0
    for query, lines in drawn:
        expected = await model.call_log(query)
        matched += len(expected)
        assert expected == await storage.call_log(query), query
        assert await model.call_count(query) == await storage.call_count(query), query
        assert await model.call_lines(lines) == await storage.call_lines(lines), lines
        assert await model.call_line_count(lines) == await storage.call_line_count(lines), lines
    assert matched > 150, "the queries find something"


async def test_pages_by_cursor_and_by_number_reach_every_call_once(storage: Storage) -> None:
    await fill(storage)
    query, seen = CallQuery(limit=7), list[LoggedCall]()
    while page := await storage.call_log(query):
        seen += page
        query = msgspec.structs.replace(query, beyond=page[-1].call.id)
    numbered = [one for n in range(10) for one in await storage.call_log(CallQuery(limit=7, skip=n * 7))]

    assert sorted(IDS, reverse=True) == [one.call.id for one in seen]
    assert seen == numbered
    assert CALLS == await storage.call_count(CallQuery(limit=1, skip=3, beyond=IDS[4]))


async def test_the_lines_of_calls_and_grants_are_found_by_their_causes(storage: Storage) -> None:
    await fill(storage)
    causes = {IDS[4]: "call", "grant-1": "grant", "call-none": "call"}

    assert {("grant-1", "grant"), *((IDS[4], kind) for kind in LINES)} == {
        (line.cause, line.kind) for line in await storage.lines_of(causes)
    }


async def test_the_net_of_a_call_and_its_late_usage() -> None:
    storage = MemoryStorage()
    await fill(storage)
    (one,) = await storage.call_log(CallQuery(ids=(IDS[9],)))

    assert (3, one.call.charge_nanos + 3) == (one.adjusted_nanos, one.net_nanos)
    assert Usage(input_tokens=1) == one.usage
