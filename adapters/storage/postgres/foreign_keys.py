"""The rows that others refer to must exist: what a foreign key would check, for all rows of a batch together.

Most of them are in the working copy already, because the rule has seen them. For those that are not, one statement for
each table asks.
"""

from collections.abc import Iterator
from operator import attrgetter
from typing import Any

from adapters.storage.postgres.connection import Connection
from adapters.storage.working_set import Dirty
from domain.accounts.rows import ApiKey, Member, User
from domain.books.rows import Call, Hold
from domain.books.working_copy import Books
from domain.catalog.rows import Credential, ProviderRow
from domain.ledger.rows import Adjustment, Grant
from domain.limits.rows import Budget, BudgetSpent, Limit, LimitCell, Run
from domain.pricing.rate import Rate

# By the type of a row: the type that it refers to, and how.
_PARENTS: dict[type, tuple[tuple[type, Any], ...]] = {
    Member: ((User, attrgetter("team_id")), (User, attrgetter("user_id"))),
    ApiKey: ((User, attrgetter("user_id")), (User, attrgetter("team_id"))),
    Grant: ((User, attrgetter("user_id")),),
    Hold: ((User, attrgetter("user_id")), (ApiKey, attrgetter("key_id")), (User, attrgetter("wallet_id"))),
    Credential: ((ProviderRow, attrgetter("provider")),),
    Rate: ((ProviderRow, attrgetter("provider")),),
    Adjustment: ((Call, attrgetter("call_id")),),
    LimitCell: ((Limit, attrgetter("limit_id")),),
    BudgetSpent: ((Budget, attrgetter("budget_id")),),
    Run: ((User, attrgetter("user_id")),),
}
_FOUND: dict[type, str] = {
    User: "select id from users where id = any($1::text[])",
    ApiKey: "select id from api_keys where id = any($1::text[])",
    ProviderRow: "select name from providers where name = any($1::text[])",
    Call: "select id from calls where id = any($1::text[])",
    Limit: "select id from limits where id = any($1::text[])",
    Budget: "select id from budgets where id = any($1::text[])",
}


async def check_parents(connection: Connection, dirty: Dirty, books: Books) -> None:
    """AssertionError if a row refers to one that neither exists nor is written with it."""
    missing: dict[type, set[str]] = {}
    for parent, key in _unknown(dirty, books):
        missing.setdefault(parent, set()).add(key)
    for parent, keys in missing.items():
        found = {record[0] for record in await connection.fetch(_FOUND[parent], [*keys])}
        if nowhere := keys - found:
            raise AssertionError(f"the books refuse a row: it names {parent.__name__} {min(nowhere)}, which is nowhere")


def _unknown(dirty: Dirty, books: Books) -> Iterator[tuple[type, str]]:
    """The rows that are referred to and are not in the working copy, which contains what is written as well."""
    for kind, rows in dirty.items():
        for parent, key_of in _PARENTS.get(kind, ()):
            known = books.rows_of(parent)
            for row in rows.values():
                key = key_of(row)
                if key is not None and key not in known:
                    yield parent, key
