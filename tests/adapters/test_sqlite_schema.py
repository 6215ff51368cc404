"""What the tables refuse by themselves, who writes to them."""

import sqlite3
from typing import Any

import pytest

from adapters.storage.group_commit import Operation
from adapters.storage.sqlite.batch import Writer
from domain.books.management_scopes import UserScope
from tests.adapters.storage_rules import (
    Decided,
    a_call,
    a_grant,
    a_key,
    a_provider,
    a_transfer,
    a_user,
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


@pytest.mark.parametrize("table", ["transfers", "audit", "rates"])
@pytest.mark.parametrize("change", ["update {} set seq = 9", "delete from {}"])
async def test_what_is_append_only_cannot_be_changed(connection: sqlite3.Connection, table: str, change: str) -> None:
    connection.execute("insert into providers (name, dialect, base_url, created_ms) values ('acme', 'x', 'y', 1)")
    connection.execute(
        """insert into rates (id, provider, model, effective_ms, known_ms, source, prices, removed)
        values ('rate-1', 'acme', 'm', 1, 1, 's', '{}', 0)"""
    )
    run(Writer(), connection, Operation(NOBODY, write(a_transfer(), an_entry())))

    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(change.format(table))


BAD_CHANGES = (
    "update users set role = 'king'",
    "update grants set available_nanos = -1",
    "update grants set held_nanos = -1",
    "update grants set held_nanos = 1",
    "update grants set amount_nanos = 0",
    "update grants set available_nanos = 0.5",
    "update grants set user_id = 'nobody'",
    "update calls set ending = 'bored', ended_ms = 1",
    "update calls set ending = 'lost'",
    "update calls set charge_nanos = 1",
    "update calls set ending = 'lost', ended_ms = 1, charge_nanos = 11",
    "update calls set usage_source = 'a guess'",
    "update calls set stream = 2",
    "insert into transfers values (7, 'new', 'gift', 'a', 'b', 1, 1, null)",
    "insert into transfers values (7, 'new', 'hold', 'a', 'b', 0, 1, null)",
    "insert into transfers values (7, 'new', 'hold', 'a', 'a', 1, 1, null)",
    "insert into transfers values (7, 'new', 'hold', 'a', 'b', 1, 1, 'call-9')",
    "insert into transfers values (7, 'transfer-1', 'hold', 'a', 'b', 1, 1, null)",
    """insert into rates (id, provider, model, effective_ms, known_ms, source, prices, removed)
        values ('rate-1', 'acme', 'm', 1, 1, 's', 'no', 0)""",
    """insert into rates (id, provider, model, effective_ms, known_ms, source, prices, removed)
        values ('rate-1', 'nobody', 'm', 1, 1, 's', '{}', 0)""",
    "insert into meta (id, version) values (2, 0)",
)


@pytest.mark.parametrize("change", BAD_CHANGES)
async def test_the_schema_refuses_what_the_domain_refuses(connection: sqlite3.Connection, change: str) -> None:
    rows = (a_user(), a_key(), a_grant(), a_transfer(), a_call(), a_provider())
    assert isinstance(run(Writer(), connection, Operation(NOBODY, write(*rows)))[0], Decided)

    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(change)
