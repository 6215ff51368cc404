"""What must be locked before a row is read in order to permit something: a user's wallet, or the catalogue.

A storage engine whose transactions run side by side locks the guard of a row before it reads the row, and holds the
lock until it commits. So two decisions about one wallet, or about the catalogue, come one after the other. SQLite has
one writer at a time and needs none of this.

A sweep looks at the rows of many wallets and changes few, so it names none: only those that it writes are locked. Then
it looks again.
"""

from collections.abc import Callable
from operator import attrgetter
from typing import Any

import msgspec

from domain.accounts.rows import User
from domain.books.limit_scopes import RunScope
from domain.books.management_scopes import (
    AliasScope,
    CredentialScope,
    GrantScope,
    KeyScope,
    PriceScope,
    ProviderScope,
    RepeatableScope,
    TransferScope,
    UserScope,
)
from domain.books.rows import ROW_TYPES, AuditEntry, ImportedCall, Row
from domain.books.scopes import CallScope, RerateScope, SettleScope
from domain.books.statistics.usage_sum import UsageSum
from domain.books.team_scopes import TeamScope, accounts_of_team
from domain.books.working_copy import Books
from domain.catalog.aliases import Alias
from domain.catalog.rows import Credential, ProviderRow
from domain.ledger.rows import Adjustment, Transfer
from domain.limits.notices import Webhook
from domain.limits.rows import Budget, BudgetSpent, Limit, LimitCell
from domain.pricing.price_book import Price
from domain.pricing.rate import Rate

# Rows whose change makes a new version of the catalogue.
CATALOGUE: frozenset[type] = frozenset((ProviderRow, Credential, Rate, Alias, Price))
# Rows that are only added together with guarded ones, and that no rule reads; calls of another gateway, of which a key
# refuses a second one; and what limits calls. A limit holds for
# the decisions after it. What counts against it is written with a hold or a call, behind the lock of their user; where
# several users share a limit, an engine must let their decisions come one after the other.
UNGUARDED: frozenset[type] = frozenset(
    (Transfer, UsageSum, AuditEntry, ImportedCall, Limit, LimitCell, Budget, BudgetSpent, Webhook)
)


def _user_of(kind: type[msgspec.Struct]) -> Callable[[Any], str] | None:
    """How a row of this type names the user whose wallet guards it: the one who pays, where it names one."""
    if kind is User:
        return attrgetter("id")
    if kind in UNGUARDED or "user_id" not in kind.__struct_fields__:
        return None
    if "wallet_id" in kind.__struct_fields__:
        return attrgetter("payer_id")
    return attrgetter("user_id")


_USER_OF: dict[type, Callable[[Any], str]] = {kind: found for kind in ROW_TYPES if (found := _user_of(kind))}
GUARDED: frozenset[type] = frozenset((*_USER_OF, Adjustment))


_CATALOGUE_SCOPES = (ProviderScope, CredentialScope, AliasScope, PriceScope)


def is_of_catalogue(scope: object) -> bool:
    """Whether the catalogue guards what the scope shows."""
    return isinstance(scope.within if isinstance(scope, RepeatableScope) else scope, _CATALOGUE_SCOPES)


def wallets_of(scope: object, books: Books) -> tuple[str, ...]:
    """The users whose wallets guard what the scope shows; `books` has its rows, or as many as could be loaded."""
    match scope:
        case RepeatableScope():
            own = () if scope.key is None else (scope.user_id,)
            return (*own, *wallets_of(scope.within, books))
        case CallScope():
            key = books.keys.get(books.keys_by_fingerprint.get(scope.fingerprint, ""))
            return () if key is None else key.account_ids
        case SettleScope():
            hold = books.holds.get(scope.call_id)
            return (scope.user_id,) if hold is None else (scope.user_id, hold.user_id)
        case RunScope():
            return (scope.user_id,)
        case RerateScope():
            call = books.calls.get(scope.call_id)
            return () if call is None else (call.payer_id,)
        case KeyScope():
            key = books.keys.get(scope.key_id)
            by = () if scope.by is None else (scope.by,)
            return () if key is None else (key.user_id,) if key.team_id is None else (*key.account_ids, *by)
        case TeamScope():
            return accounts_of_team(scope, books)
        case GrantScope():
            grant = books.grants.get(scope.grant_id)
            return () if grant is None else (grant.user_id,)
        case TransferScope():
            ids = (books.users_by_name.get(name) for name in (scope.sender, scope.receiver))
            return tuple(user_id for user_id in ids if user_id is not None)
        case UserScope():
            user_id = books.users_by_name.get(scope.name)
            return () if user_id is None else (user_id,)
    return ()


def is_shared(row: Row) -> bool:
    """Whether the row counts for several users, so that the wallet of none of them guards it."""
    return isinstance(row, LimitCell | BudgetSpent) and not row.subject.startswith(("key:", "user:"))


def guard_of(row: Row, books: Books) -> str | None:
    """The user whose wallet guards the row; None if it is guarded by the catalogue, or by nothing.

    An adjustment is guarded by the wallet that paid for its call.
    """
    if isinstance(row, Adjustment):
        call = books.calls.get(row.call_id)
        return None if call is None else call.payer_id
    user_of = _USER_OF.get(type(row))
    return None if user_of is None else user_of(row)
