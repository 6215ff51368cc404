"""A batch of decisions in one transaction: what it costs, and who pays when a part of it fails."""

import sqlite3
from typing import Any

import pytest

from adapters.storage.group_commit import Operation
from adapters.storage.queries import INDEXED
from adapters.storage.sqlite.batch import Writer
from adapters.storage.sqlite.load import statement_of
from adapters.storage.sqlite.tables import BY_KIND
from domain.books.management_scopes import KeyScope, UserScope
from domain.books.scopes import CallScope, SweepScope
from ports.books import StorageError
from tests.adapters.storage_rules import (
    Decided,
    a_call,
    a_grant,
    a_hold,
    a_key,
    a_provider,
    a_transfer,
    a_user,
    an_entry,
    capture,
    hold,
    look,
    settle_scope,
    write,
)
from tests.support.lookups import all_lookups

pytestmark = pytest.mark.anyio

NOBODY = UserScope(name="nobody")
CALLER = CallScope(fingerprint="print-1")


def run(writer: Writer, connection: sqlite3.Connection, *operations: Operation) -> list[Any]:
    """Decide them as one batch; what each caller would be reported."""
    writer.run(connection, list(operations))
    return [operation.error or operation.decision for operation in operations]


def account() -> Operation:
    return Operation(NOBODY, write(a_user(), a_key(), a_grant(nanos=10_000), a_transfer(amount_nanos=10_000)))


# --- the batch ---


async def test_the_hot_statements_use_an_index(connection: sqlite3.Connection) -> None:
    """(G16)"""
    queries = [(BY_KIND[query.kind], f"from {BY_KIND[query.kind].name} {query.rest}") for query in INDEXED]
    lookups = [(BY_KIND[lookup.kind], statement_of(lookup)) for lookup in all_lookups()]
    for table, rest in (*((table, rest) for table, rest in lookups if "?" in rest), *queries):
        parameters = ["[]" if "json_each" in rest else 1] * rest.count("?")
        plan = connection.execute(f"explain query plan select {table.columns} {rest}", parameters).fetchall()
        # A list of keys is itself scanned; and so are holds, in their order, because all of them are of running calls, and
        # what stands, in the order of an index with nothing else.
        in_order = ("SCAN holds", "limits_standing", "budgets_standing")
        steps = [step for *_, step in plan if not any(name in step for name in ("VIRTUAL TABLE", *in_order))]

        assert steps or any(name in str(plan) for name in in_order), "every statement is looked at"
        assert [step for step in steps if step.startswith("SCAN")] == [], rest
        assert all(" INDEX " in step or " PRIMARY KEY " in step for step in steps if step.startswith("SEARCH")), steps
        if table.name in ("api_keys", "grants", "holds", "calls", "idempotency") and "created_ms, id" not in rest:
            assert [step for step in steps if "TEMP B-TREE" in step] == [], rest


async def test_a_batch_takes_the_same_statements_to_load_however_long_it_is(connection: sqlite3.Connection) -> None:
    """(G16)"""
    people = range(1, 101)
    rows = [(a_user(n), a_key(n), a_grant(n, user_id=f"user-{n}")) for n in people]
    run(Writer(), connection, *(Operation(NOBODY, write(*row)) for row in rows))
    traced: list[str] = []
    connection.set_trace_callback(traced.append)

    def selects(n: int) -> int:
        traced.clear()
        scopes = [CallScope(fingerprint=f"print-{m}", idempotency_key="k") for m in people[:n]]
        answers = run(Writer(), connection, *(Operation(scope, look) for scope in scopes))
        assert [answer.shown.user.id for answer in answers] == [f"user-{m}" for m in people[:n]]
        return sum(statement.startswith("select") for statement in traced)

    assert selects(1) == selects(100)


async def test_one_that_cannot_be_stored_fails_alone(connection: sqlite3.Connection) -> None:
    writer = Writer()
    run(writer, connection, account())

    answers = run(
        writer,
        connection,
        Operation(CALLER, hold("call-1")),
        Operation(NOBODY, write(a_user(2), a_hold("big", started_ms=2**63))),
        Operation(NOBODY, write(a_user(3), a_grant(3, user_id="user-9"))),
        Operation(NOBODY, write(a_transfer())),
        Operation(CALLER, hold("call-2")),
    )

    kinds = [type(answer) for answer in answers]
    assert kinds == [Decided, AssertionError, AssertionError, AssertionError, Decided]
    assert connection.execute("select id from holds").fetchall() == [(b"\xffcall-1",), (b"\xffcall-2",)]
    assert connection.execute("select id from users").fetchall() == [("user-1",)]
    assert connection.execute("select held_nanos from grants").fetchall() == [(20,)]


async def test_a_row_that_was_not_loaded_cannot_change_hands_either(connection: sqlite3.Connection) -> None:
    run(Writer(), connection, account(), Operation(NOBODY, write(a_user(2))))

    (answer,) = run(Writer(), connection, Operation(NOBODY, write(a_grant(nanos=10_000, user_id="user-2"))))

    assert type(answer) is AssertionError
    assert connection.execute("select user_id from grants").fetchall() == [("user-1",)]


async def test_a_user_is_shown_with_spent_grants_that_were_not_loaded_for_their_calls(
    connection: sqlite3.Connection,
) -> None:
    run(Writer(), connection, account(), Operation(NOBODY, write(a_grant(2, available_nanos=0))))

    called, managed = run(Writer(), connection, Operation(CALLER, look), Operation(UserScope(name="name-1"), look))
    (alone,) = run(Writer(), connection, Operation(CALLER, look))

    assert len(managed.shown.grants) == 2
    assert len(called.shown.grants) == 2, "it may see more than it needs"
    assert alone.shown.grants == (a_grant(nanos=10_000),)


async def test_a_key_made_in_the_batch_does_not_show_half_a_caller_to_a_call_in_it(
    connection: sqlite3.Connection,
) -> None:
    run(Writer(), connection, account())

    _, called = run(
        Writer(),
        connection,
        Operation(KeyScope(key_id="key-2"), write(a_key(2, user_id="user-1"))),
        Operation(CallScope(fingerprint="print-2"), look),
    )

    assert called.shown.key is None, "with its key it would have been shown an empty wallet"


async def test_a_sweep_sees_the_grants_of_every_open_call_whatever_was_loaded_before(
    connection: sqlite3.Connection,
) -> None:
    run(Writer(), connection, account())
    run(Writer(), connection, *(Operation(CALLER, hold(f"call-{n}")) for n in range(3)))

    (alone,) = run(Writer(), connection, Operation(SweepScope(now_ms=1), look))
    assert sorted(held.id for held in alone.shown.holds) == ["call-0", "call-1", "call-2"]
    assert [(grant.id, grant.held_nanos) for grant in alone.shown.grants] == [("grant-1", 30)]

    settled, beside = run(
        Writer(),
        connection,
        Operation(settle_scope("call-2"), capture),
        Operation(SweepScope(now_ms=1, calls_max=2), look),
    )
    assert len(settled.writes) == 3
    assert sorted(held.id for held in beside.shown.holds) == ["call-0", "call-1"]
    assert [(grant.id, grant.held_nanos) for grant in beside.shown.grants] == [("grant-1", 20)]


async def test_a_change_of_the_catalogue_has_a_version_that_other_processes_see(connection: sqlite3.Connection) -> None:
    writer = Writer()
    versions = []
    for row in (a_user(), a_provider(), a_provider("other")):
        run(writer, connection, Operation(NOBODY, write(row)))
        versions += connection.execute("select version from meta").fetchone()

    assert versions == [versions[0], versions[0] + 1, versions[0] + 2]


async def test_between_batches_only_what_the_next_needs_is_kept(connection: sqlite3.Connection) -> None:
    writer = Writer()
    run(writer, connection, account())
    run(writer, connection, *(Operation(CALLER, hold(f"call-{n}")) for n in range(50)))
    run(writer, connection, *(Operation(settle_scope(f"call-{n}"), capture) for n in range(49)))
    run(writer, connection, Operation(settle_scope("call-7"), look), Operation(NOBODY, write(an_entry())))

    assert writer.copy is not None
    books = writer.copy.books
    assert (list(books.holds), list(books.grants), list(books.keys)) == (["call-49"], ["grant-1"], ["key-1"])
    assert (books.calls, books.journal, books.audit) == ({}, {}, [])


async def test_a_call_that_begins_and_ends_in_one_batch_leaves_no_hold(connection: sqlite3.Connection) -> None:
    run(Writer(), connection, account())

    run(Writer(), connection, Operation(CALLER, hold("call-1")), Operation(NOBODY, write(a_call())))

    assert connection.execute("select count(*) from holds").fetchone() == (0,)
    assert connection.execute("select id from calls").fetchall() == [(b"\xffcall-1",)]


async def test_a_call_that_another_process_has_ended_is_not_ended_again(connection: sqlite3.Connection) -> None:
    """Not even by a rule that does not look: neither its hold is there, nor room for a second row. (G10)"""
    for operation in (account(), Operation(CALLER, hold("call-1")), Operation(settle_scope("call-1"), capture)):
        run(Writer(), connection, operation)

    (answer,) = run(Writer(), connection, Operation(NOBODY, write(a_call())))

    assert type(answer) is AssertionError
    assert connection.execute("select ending from calls").fetchall() == [("completed",)]


async def test_a_writer_that_failed_fails_until_something_is_written_again(connection: sqlite3.Connection) -> None:
    writer = Writer()
    run(writer, connection, account())
    connection.execute("pragma query_only = on")
    run(writer, connection, Operation(CALLER, hold("call-1")))
    failing = [writer.failing]
    with pytest.raises(StorageError, match="readonly"):
        writer.try_again(connection)
    run(writer, connection, Operation(NOBODY, look))
    failing.append(writer.failing)
    connection.execute("pragma query_only = off")
    run(writer, connection, Operation(CALLER, hold("call-1")))
    failing.append(writer.failing)
    before = connection.execute("select * from meta").fetchall()
    writer.try_again(connection)

    assert failing == [True, True, False], "a decision that writes nothing shows nothing"
    assert connection.execute("select * from meta").fetchall() == before


async def test_a_full_disk_changes_nothing_and_is_survived(connection: sqlite3.Connection) -> None:
    writer = Writer()
    run(writer, connection, account())
    (pages,) = connection.execute("pragma page_count").fetchone()
    connection.execute(f"pragma max_page_count = {pages}")
    big = Operation(NOBODY, write(*(a_user(n) for n in range(1_000, 3_000))))

    answers = run(writer, connection, Operation(CALLER, hold("call-1")), big)

    assert [type(answer) for answer in answers] == [StorageError, StorageError]
    assert connection.execute("select count(*) from holds").fetchone() == (0,)
    connection.execute("pragma max_page_count = 100000")
    (again,) = run(writer, connection, Operation(CALLER, hold("call-1")))
    assert again.shown.grants == (a_grant(nanos=10_000),)
