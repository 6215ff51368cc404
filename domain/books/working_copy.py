"""The working copy over which a storage adapter folds decisions.

A storage holds in it what one batch of rules needs; the model in the tests holds everything.
"""

from collections.abc import Collection
from typing import Any

from domain.accounts.rows import ApiKey, User
from domain.books.limit_rows import LimitRows
from domain.books.rows import AuditEntry, Call, Hold, Idempotency, Row
from domain.books.usage_sum import UsageSum, added
from domain.catalog.aliases import Alias
from domain.catalog.rows import Credential, ProviderRow
from domain.ledger.rows import Adjustment, Grant, LineKey, Transfer
from domain.limits.rows import Budget, BudgetSpent, Limit, LimitCell, Run
from domain.pricing.price_book import Price
from domain.pricing.rate import Rate


class Books:
    """A working copy of some rows. It is not shared: its owner folds one batch of decisions over it."""

    def __init__(self, version: int = 0) -> None:
        """An empty copy at catalogue version `version`."""
        self.version = version
        self.users: dict[str, User] = {}
        self.users_by_name: dict[str, str] = {}
        self.keys: dict[str, ApiKey] = {}
        self.keys_by_fingerprint: dict[str, str] = {}
        self.providers: dict[str, ProviderRow] = {}
        self.credentials: dict[str, Credential] = {}
        self.rates: dict[tuple[str, str], list[Rate]] = {}
        self.aliases: dict[str, list[Alias]] = {}
        self.prices: list[Price] = []
        self.grants: dict[str, Grant] = {}
        self.grants_by_user: dict[str, set[str]] = {}
        self.holds: dict[str, Hold] = {}
        self.calls: dict[str, Call] = {}
        self.idempotency: dict[tuple[str, str], Idempotency] = {}
        self.journal: dict[LineKey, Transfer] = {}
        self.adjustments: dict[str, list[Adjustment]] = {}
        self.usage_sums: dict[tuple[str | int, ...], UsageSum] = {}
        self.audit: list[AuditEntry] = []
        self.limiting = LimitRows()

        self._replaced: dict[type, Collection[Any]] = {
            User: self.users,
            ApiKey: self.keys,
            ProviderRow: self.providers,
            Credential: self.credentials,
            Grant: self.grants,
            Hold: self.holds,
            Call: self.calls,
            Idempotency: self.idempotency,
            Limit: self.limiting.limits,
            LimitCell: self.limiting.cells,
            Budget: self.limiting.budgets,
            BudgetSpent: self.limiting.spent,
            Run: self.limiting.runs,
        }

    def apply(self, row: Row) -> None:
        """Store the row; a call takes the place of its hold.

        A change of the catalogue (provider, credential, rate, alias, price) makes a new version.
        """
        match row:
            case Hold():
                assert row.id not in self.calls, f"call {row.id} has ended already"
                self.holds[row.id] = row
            case Call():
                assert row.id not in self.calls, f"call {row.id} has ended already"
                self.calls[row.id] = row
                self.holds.pop(row.id, None)
            case Grant():
                self.grants[row.id] = row
                self.grants_by_user.setdefault(row.user_id, set()).add(row.id)
            case Transfer():
                assert row.key not in self.journal, f"{row.key} is in the journal already"
                self.journal[row.key] = row
            case UsageSum():
                known = self.usage_sums.get(row.key)
                self.usage_sums[row.key] = row if known is None else added(known, row)
            case Limit() | LimitCell() | Budget() | BudgetSpent() | Run():
                self.limiting.apply(row)
            case Adjustment():
                self.adjustments.setdefault(row.call_id, []).append(row)
            case Idempotency():
                self.idempotency[row.user_id, row.key] = row
            case ApiKey():
                self.keys[row.id] = row
                self.keys_by_fingerprint[row.fingerprint] = row.id
            case User():
                self.users[row.id] = row
                self.users_by_name[row.name] = row.id
            case ProviderRow():
                self.providers[row.name] = row
                self.version += 1
            case Credential():
                self.credentials[row.id] = row
                self.version += 1
            case Rate():
                self.rates.setdefault((row.provider, row.model), []).append(row)
                self.version += 1
            case Alias():
                self.aliases.setdefault(row.name, []).append(row)
                self.version += 1
            case Price():
                self.prices.append(row)
                self.version += 1
            case AuditEntry():
                self.audit.append(row)

    def rows_of(self, kind: type) -> Collection[Any]:
        """The keys of the rows of a type that replace each other. Rows that are only added are not here."""
        rows = self._replaced.get(kind)
        return () if rows is None else rows

    def wallet(self, user_id: str) -> tuple[Grant, ...]:
        """The user's grants, in no particular order."""
        return tuple(self.grants[grant_id] for grant_id in self.grants_by_user.get(user_id, ()))
