"""What a scope can look up in the books: rows of one type, by the values of some columns.

A lookup is data. A storage engine makes one statement of each, and its loader runs the steps of all scopes of a batch.
Here are those of the rows that several scopes look up; another one can stand in the file of its scope.
"""

from collections.abc import Callable, Collection
from typing import Any, Literal, TypeAlias

import msgspec

from domain.accounts.rows import ApiKey, Member, User
from domain.books.rows import Call, Hold, Idempotency, ImportedCall
from domain.books.working_copy import Books
from domain.catalog.aliases import Alias
from domain.catalog.rows import Credential, ProviderRow
from domain.ledger.rows import Adjustment, Grant
from domain.limits.notices import Notice, Webhook
from domain.limits.rows import Budget, BudgetSpent, Limit, LimitCell, Run
from domain.pricing.price_book import Price
from domain.pricing.rate import Rate

Test: TypeAlias = Literal["null", "not null", "positive"]


def _nothing(_: Books) -> Collection[Any]:
    return ()


class Lookup(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Rows of type `kind`, looked up by the values that a scope names.

    by        columns that equal a value (a tuple of values for several columns); a batch looks up many until instead: a
    column that is at most a value; a batch looks up once, for the largest oldest    instead: a column to order by; the
    value is how many rows to read; a batch looks up once, for the most where     tests of columns that every row
    passes: the sum of the columns is positive, or the column is (not) null in_order  whether the rows come in the order
    in which they were written present   values that need no loading, because the working copy has their only row covers
    a lookup whose rows are all among these, for the same value complete  whether a copy that is kept knows for which
    values it has all rows

    Without `by`, `until` and `oldest` all rows of the type are read.
    """

    kind: type
    by: tuple[str, ...] = ()
    until: str | None = None
    oldest: str | None = None
    where: tuple[tuple[Test, tuple[str, ...]], ...] = ()
    in_order: bool = False
    present: Callable[[Books], Collection[Any]] = _nothing
    covers: "Lookup | None" = None
    complete: bool = False


KEY_BY_FINGERPRINT = Lookup(kind=ApiKey, by=("fingerprint",), present=lambda books: books.keys_by_fingerprint)
KEY_BY_ID = Lookup(kind=ApiKey, by=("id",), present=lambda books: books.keys)
USER_BY_ID = Lookup(kind=User, by=("id",), present=lambda books: books.users)
USER_BY_NAME = Lookup(kind=User, by=("name",), present=lambda books: books.users_by_name)
MEMBER_BY_IDS = Lookup(kind=Member, by=("team_id", "user_id"), present=lambda books: books.members)
CALL_BY_ID = Lookup(kind=Call, by=("id",), present=lambda books: books.calls)
HOLD_BY_ID = Lookup(kind=Hold, by=("id",), present=lambda books: books.holds)
OPEN_HOLDS = Lookup(kind=Hold, oldest="id")
GRANT_BY_ID = Lookup(kind=Grant, by=("id",), present=lambda books: books.grants)
GRANTS_WITH_CREDIT = Lookup(
    kind=Grant, by=("user_id",), where=(("positive", ("available_nanos", "held_nanos")),), complete=True
)
GRANTS_OF_USER = Lookup(kind=Grant, by=("user_id",), covers=GRANTS_WITH_CREDIT)
EXPIRED_GRANTS = Lookup(
    kind=Grant, until="expires_ms", where=(("not null", ("expires_ms",)), ("positive", ("available_nanos",)))
)
# A call that held a part of a voided grant has given some of it back.
VOIDED_GRANTS = Lookup(kind=Grant, where=(("not null", ("voided_ms",)), ("positive", ("available_nanos",))))
ANSWER_BY_KEY = Lookup(kind=Idempotency, by=("user_id", "key"), present=lambda books: books.idempotency)
STALE_ANSWERS = Lookup(kind=Idempotency, until="created_ms", where=(("not null", ("answer",)),))
PROVIDER_BY_NAME = Lookup(kind=ProviderRow, by=("name",), present=lambda books: books.providers)
PROVIDERS = Lookup(kind=ProviderRow, in_order=True)
CREDENTIAL_BY_ID = Lookup(kind=Credential, by=("id",), present=lambda books: books.credentials)
CREDENTIALS_OF_PROVIDER = Lookup(kind=Credential, by=("provider",), in_order=True)
RATES_OF_PROVIDER = Lookup(kind=Rate, by=("provider",), in_order=True)
ALIASES_BY_NAME = Lookup(kind=Alias, by=("name",), in_order=True)
ALIASES = Lookup(kind=Alias, in_order=True)
PRICES_OF_PROVIDER = Lookup(kind=Price, by=("provider",), in_order=True)
ADJUSTMENTS_OF_CALL = Lookup(kind=Adjustment, by=("call_id",), in_order=True)
# Whether there is anything of the kind at all: one row is enough, and mostly there is none.
ANY_LIMIT = Lookup(kind=Limit, oldest="created_ms", where=(("null", ("removed_ms",)),), complete=True)
ANY_BUDGET = Lookup(kind=Budget, oldest="created_ms", where=(("null", ("removed_ms",)),), complete=True)
LIMITS_OF_SUBJECT = Lookup(kind=Limit, by=("subject",), where=(("null", ("removed_ms",)),), complete=True)
BUDGETS_OF_SUBJECT = Lookup(kind=Budget, by=("subject",), where=(("null", ("removed_ms",)),), complete=True)
RUN_BY_ID = Lookup(kind=Run, by=("user_id", "run_id"), complete=True)
LIMIT_BY_ID = Lookup(kind=Limit, by=("id",), present=lambda books: books.limiting.limits)
CELL_OF_LIMIT = Lookup(kind=LimitCell, by=("limit_id", "subject"), complete=True)
BUDGET_BY_ID = Lookup(kind=Budget, by=("id",), present=lambda books: books.limiting.budgets)
IMPORTED_CALL_BY_ID = Lookup(kind=ImportedCall, by=("id",), present=lambda books: books.imported_calls)
WEBHOOK_BY_ID = Lookup(kind=Webhook, by=("id",))
NOTICE_BY_ID = Lookup(kind=Notice, by=("id",))
SPENT_OF_BUDGET = Lookup(kind=BudgetSpent, by=("budget_id", "subject"), complete=True)
