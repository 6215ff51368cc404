"""The working copy over which a storage adapter folds decisions.

A storage holds in it what one batch of rules needs; the model in the tests holds everything.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeAlias

from domain.accounts.rows import ApiKey, Member, User
from domain.books.rows import AuditEntry, Call, Hold, Idempotency, ImportedCall, Row
from domain.books.statistics.usage_sum import UsageSum, added
from domain.catalog.aliases import Alias
from domain.catalog.rows import Credential, ProviderRow
from domain.ledger.rows import Adjustment, Grant, LineKey, Transfer
from domain.limits.reserve import BudgetOn, CallLimits, LimitOn
from domain.limits.rows import Budget, BudgetSpent, Limit, LimitCell, Run
from domain.limits.subjects import concrete
from domain.pricing.price_book import Price
from domain.pricing.rate import Rate

LimitRow: TypeAlias = Limit | LimitCell | Budget | BudgetSpent | Run


class LimitRows:
    """Limits and budgets by id and by subject, and what counts against them by its keys."""

    def __init__(self) -> None:
        self.limits: dict[str, Limit] = {}
        self.limits_of: dict[str, dict[str, Limit]] = {}
        self.cells: dict[tuple[str, str], LimitCell] = {}
        self.budgets: dict[str, Budget] = {}
        self.budgets_of: dict[str, dict[str, Budget]] = {}
        self.spent: dict[tuple[str, str], BudgetSpent] = {}
        self.runs: dict[tuple[str, str], Run] = {}

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing that could limit a call."""
        return not (self.limits or self.budgets or self.runs)

    def __len__(self) -> int:
        return len(self.limits) + len(self.cells) + len(self.budgets) + len(self.spent) + len(self.runs)

    def apply(self, row: LimitRow) -> None:
        """Store the row."""
        match row:
            case LimitCell():
                self.cells[row.limit_id, row.subject] = row
            case BudgetSpent():
                self.spent[row.budget_id, row.subject] = row
            case Run():
                self.runs[row.user_id, row.run_id] = row
            case Limit():
                self.limits[row.id] = row
                self.limits_of.setdefault(row.subject, {})[row.id] = row
            case Budget():
                self.budgets[row.id] = row
                self.budgets_of.setdefault(row.subject, {})[row.id] = row

    def of_call(self, subjects: tuple[str, ...], user_id: str, run_id: str | None) -> CallLimits | None:
        """All limits that a call with these subjects is under; None if there are none."""
        limits = tuple(
            LimitOn(limit=limit, subject=one, cell=self.cells.get((limit.id, one)))
            for subject in subjects
            for limit in self.limits_of.get(subject, {}).values()
            if limit.removed_ms is None
            for one in concrete(subject, subjects)
        )
        budgets = tuple(
            BudgetOn(budget=budget, subject=one, spent=self.spent.get((budget.id, one)))
            for subject in subjects
            for budget in self.budgets_of.get(subject, {}).values()
            if budget.removed_ms is None
            for one in concrete(subject, subjects)
        )
        run = self.runs.get((user_id, run_id)) if run_id is not None else None
        if not (limits or budgets or run):
            return None
        return CallLimits(limits=limits, budgets=budgets, run_id=run_id, run=run)


class Books:
    """A working copy of some rows. It is not shared: its owner folds one batch of decisions over it."""

    def __init__(self, version: int = 0) -> None:
        """An empty copy at catalogue version `version`."""
        self.version = version
        self.users: dict[str, User] = {}
        self.users_by_name: dict[str, str] = {}
        self.members: dict[tuple[str, str], Member] = {}
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
        self.imported_calls: dict[str, ImportedCall] = {}
        self.limiting = LimitRows()
        self.others: dict[type, dict[Any, Any]] = {}

        self._replaced: dict[type, Collection[Any]] = {
            User: self.users,
            Member: self.members,
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
            ImportedCall: self.imported_calls,
        }

    def apply(self, row: Row) -> None:
        """Store the row; a call takes the place of its hold.

        A change of the catalogue (provider, credential, rate, alias, price) makes a new version.
        """
        _APPLY.get(type(row), _other)(self, row)

    def rows_of(self, kind: type) -> Collection[Any]:
        """The keys of the rows of a type that replace each other. Rows that are only added are not here."""
        rows = self._replaced.get(kind)
        return self.others.get(kind, ()) if rows is None else rows

    def wallet(self, user_id: str) -> tuple[Grant, ...]:
        """The user's grants, in no particular order."""
        return tuple(self.grants[grant_id] for grant_id in self.grants_by_user.get(user_id, ()))


# What becomes of a row, by its type: a table, since a comparison with one type after the other costs a call more than
# its rules do.


def _hold(books: Books, row: Hold) -> None:
    assert row.id not in books.calls, f"call {row.id} has ended already"
    books.holds[row.id] = row


def _call(books: Books, row: Call) -> None:
    assert row.id not in books.calls, f"call {row.id} has ended already"
    books.calls[row.id] = row
    books.holds.pop(row.id, None)


def _grant(books: Books, row: Grant) -> None:
    books.grants[row.id] = row
    books.grants_by_user.setdefault(row.user_id, set()).add(row.id)


def _transfer(books: Books, row: Transfer) -> None:
    key = row.key
    assert key not in books.journal, f"{key} is in the journal already"
    books.journal[key] = row


def _usage_sum(books: Books, row: UsageSum) -> None:
    key = row.key
    known = books.usage_sums.get(key)
    books.usage_sums[key] = row if known is None else added(known, row)


def _limiting(books: Books, row: LimitRow) -> None:
    books.limiting.apply(row)


def _adjustment(books: Books, row: Adjustment) -> None:
    books.adjustments.setdefault(row.call_id, []).append(row)


def _idempotency(books: Books, row: Idempotency) -> None:
    books.idempotency[row.user_id, row.key] = row


def _key(books: Books, row: ApiKey) -> None:
    books.keys[row.id] = row
    books.keys_by_fingerprint[row.fingerprint] = row.id


def _user(books: Books, row: User) -> None:
    known = books.users.get(row.id)
    if known is not None and known.name != row.name:  # A team was renamed.
        del books.users_by_name[known.name]
    books.users[row.id] = row
    books.users_by_name[row.name] = row.id


def _member(books: Books, row: Member) -> None:
    books.members[row.team_id, row.user_id] = row


def _provider(books: Books, row: ProviderRow) -> None:
    books.providers[row.name] = row
    books.version += 1


def _credential(books: Books, row: Credential) -> None:
    books.credentials[row.id] = row
    books.version += 1


def _rate(books: Books, row: Rate) -> None:
    books.rates.setdefault((row.provider, row.model), []).append(row)
    books.version += 1


def _alias(books: Books, row: Alias) -> None:
    books.aliases.setdefault(row.name, []).append(row)
    books.version += 1


def _price(books: Books, row: Price) -> None:
    books.prices.append(row)
    books.version += 1


def _other(books: Books, row: Any) -> None:
    """Store a row of a type that needs nothing but its key: the property `key`, or the field `id`."""
    books.others.setdefault(type(row), {})[getattr(row, "key", None) or row.id] = row


def _audit(books: Books, row: AuditEntry) -> None:
    books.audit.append(row)


def _imported_call(books: Books, row: ImportedCall) -> None:
    assert row.id not in books.imported_calls, f"call {row.id} was imported already"
    books.imported_calls[row.id] = row


_APPLY: Mapping[type, Callable[[Books, Any], None]] = {
    Hold: _hold,
    Call: _call,
    Grant: _grant,
    Transfer: _transfer,
    UsageSum: _usage_sum,
    Limit: _limiting,
    LimitCell: _limiting,
    Budget: _limiting,
    BudgetSpent: _limiting,
    Run: _limiting,
    Adjustment: _adjustment,
    Idempotency: _idempotency,
    ApiKey: _key,
    User: _user,
    Member: _member,
    ProviderRow: _provider,
    Credential: _credential,
    Rate: _rate,
    Alias: _alias,
    Price: _price,
    AuditEntry: _audit,
    ImportedCall: _imported_call,
}
