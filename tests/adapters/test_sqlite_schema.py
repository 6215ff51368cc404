"""What the tables refuse by themselves, who writes to them."""

import sqlite3
from typing import Any

import pytest

from adapters.storage.group_commit import Operation
from adapters.storage.sqlite.batch import Writer
from adapters.storage.sqlite.tables import CALLS
from domain.books.management_scopes import UserScope
from tests.adapters.storage_rules import (
    Decided,
    a_call,
    a_grant,
    a_hold,
    a_key,
    a_provider,
    a_transfer,
    a_user,
    an_adjustment,
    an_entry,
    write,
)

pytestmark = pytest.mark.anyio

NOBODY = UserScope(name="nobody")


def run(writer: Writer, connection: sqlite3.Connection, *operations: Operation) -> list[Any]:
    """Decide them as one batch; what each caller would be reported."""
    writer.run(connection, list(operations))
    return [operation.error or operation.decision for operation in operations]


def account() -> Operation:
    return Operation(NOBODY, write(a_user(), a_key(), a_grant(nanos=10_000), a_transfer(amount_nanos=10_000)))


@pytest.mark.parametrize("table", ["journal", "calls", "adjustments", "audit", "rates"])
@pytest.mark.parametrize("change", ["update {} set {} = 9", "delete from {}"])
async def test_what_is_append_only_cannot_be_changed(connection: sqlite3.Connection, table: str, change: str) -> None:
    connection.execute("insert into providers (name, dialect, base_url, created_ms) values ('acme', 'x', 'y', 1)")
    connection.execute(
        """insert into rates (id, provider, model, effective_ms, known_ms, source, prices, removed)
        values ('rate-1', 'acme', 'm', 1, 1, 's', '{}', 0)"""
    )
    call = (a_user(), a_key(), a_hold(), a_call())
    run(Writer(), connection, Operation(NOBODY, write(a_transfer(), an_entry(), *call, an_adjustment())))
    column = "step" if table == "journal" else "seq"

    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(change.format(table, column))


BAD_CHANGES = (
    "update users set role = 'king'",
    "update grants set available_nanos = -1",
    "update grants set held_nanos = -1",
    "update grants set held_nanos = 1",
    "update grants set amount_nanos = 0",
    "update grants set available_nanos = 0.5",
    "update grants set user_id = 'nobody'",
    "update holds set stream = 2",
    "update holds set hold_nanos = -1",
    "update holds set user_id = 'nobody'",
    "update holds set key_id = 'none'",
    "insert into journal values (x'07', 0, 0, x'01', 1, 1)",
    "insert into journal values (x'07', 14, 0, x'01', 1, 1)",
    "insert into journal values (x'07', 2, -1, x'01', 1, 1)",
    "insert into journal values (x'07', 2, 0, x'01', 0, 1)",
    "insert into journal values (x'07', 2, 0, null, 1, 1)",
    "insert into journal values (x'07', 3, 0, x'01', 1, 1)",
    "insert into journal select cause, kind, step, grant_id, 1, 1 from journal",
    """insert into rates (id, provider, model, effective_ms, known_ms, source, prices, removed)
        values ('rate-1', 'acme', 'm', 1, 1, 's', 'no', 0)""",
    """insert into rates (id, provider, model, effective_ms, known_ms, source, prices, removed)
        values ('rate-1', 'nobody', 'm', 1, 1, 's', '{}', 0)""",
    "insert into meta (id, version) values (2, 0)",
)


@pytest.mark.parametrize("change", BAD_CHANGES)
async def test_the_schema_refuses_what_the_domain_refuses(connection: sqlite3.Connection, change: str) -> None:
    rows = (a_user(), a_key(), a_grant(), a_transfer(), a_hold(), a_provider())
    assert isinstance(run(Writer(), connection, Operation(NOBODY, write(*rows)))[0], Decided)

    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(change)


BAD_CALLS: tuple[dict[str, Any], ...] = (
    {"ending": None},
    {"ending": "bored"},
    {"ended_ms": None},
    {"charge_nanos": -1},
    {"charge_nanos": 11},
    {"uncollected_nanos": -1},
    {"cost_nanos": -1},
    {"usage_source": "a guess"},
    {"stream": 2},
    {"complete": 2},
)


@pytest.mark.parametrize("changes", BAD_CALLS)
async def test_the_schema_refuses_a_call_that_the_domain_refuses(
    connection: sqlite3.Connection, changes: dict[str, Any]
) -> None:
    row = CALLS.encode(a_call(**changes))
    insert = f"insert into calls ({', '.join(CALLS.fields)}) values ({', '.join('?' * len(row))})"

    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(insert, row)

    connection.execute(insert, CALLS.encode(a_call()))
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        connection.execute(insert, CALLS.encode(a_call()))
