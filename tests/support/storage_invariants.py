"""What a row must be before the model of the books takes it; the SQL schema says the same in its own way.

A decision is checked whole before any row of it is applied, so that all of it is written or nothing.
"""

from collections.abc import Callable, Collection
from operator import attrgetter
from typing import Any, TypeAlias, assert_never, get_args

import msgspec

from domain.accounts.rows import ApiKey, Member, Role, User
from domain.books.rows import AuditEntry, Call, Ending, Hold, Idempotency, ImportedCall, Row, UsageSource
from domain.books.statistics.usage_sum import SLOT_MS, UsageSum
from domain.books.working_copy import Books
from domain.catalog.aliases import Alias
from domain.catalog.rows import Credential, ProviderRow
from domain.ledger.rows import Adjustment, Grant, Transfer, TransferKind
from domain.limits.notices import Notice, Webhook
from domain.limits.rows import Budget, BudgetSpent, Limit, LimitCell, Run
from domain.pricing.price_book import Price
from domain.pricing.rate import Rate

_Parent: TypeAlias = User | ApiKey | ProviderRow | Call | Limit | Budget

NANOS_MAX = 2**63 - 1

_ROLES = frozenset(get_args(Role))
_KINDS = frozenset(get_args(TransferKind))
_ENDINGS = frozenset(get_args(Ending))
_SOURCES = frozenset(get_args(UsageSource))


def check(books: Books, writes: tuple[Row, ...]) -> None:
    """Refuse writes that must not stand beside `books`. Nothing is applied.

    AssertionError where a rule broke an invariant.
    """
    seen: set[tuple[type, Any]] = set()
    held = {row.id for row in writes if isinstance(row, Hold)}
    for row in writes:
        kind = type(row)
        judge = _JUDGES.get(kind)
        if judge is None:
            raise AssertionError(f"the books have no table of {kind.__name__}")
        judge(books, row)
        if isinstance(row, Call):
            _demand(row.id in books.holds or row.id in held, "call {} ends without a hold", row.id)
        unique = _UNIQUE.get(kind)
        if unique is not None:
            mark = kind, unique(row)
            _demand(mark not in seen, "{} {} is written twice", kind.__name__, mark[1])
            seen.add(mark)


def check_parents(books: Books, writes: tuple[Row, ...]) -> None:
    """Refuse a row that names another which is nowhere: what foreign keys do in SQL. `books` must be whole.

    AssertionError where a rule broke an invariant.
    """
    written = {row.name if isinstance(row, ProviderRow) else row.id for row in writes if isinstance(row, _Parent)}
    standing: dict[type, Collection[str]] = {
        User: books.users,
        ApiKey: books.keys,
        ProviderRow: books.providers,
        Call: books.calls,
        Limit: books.limiting.limits,
        Budget: books.limiting.budgets,
    }
    for row in writes:
        for kind, parent in _parents(row):
            found = parent is None or parent in standing[kind] or parent in written
            _demand(found, "a {} names {} {}, which is nowhere", type(row).__name__, kind.__name__, parent)


def _parents(row: Row) -> tuple[tuple[type, str | None], ...]:
    """The rows that this one refers to, by type and name."""
    match row:
        case Grant():
            return ((User, row.user_id),)
        case ApiKey() | Member():
            return ((User, row.user_id), (User, row.team_id))
        case Credential() | Rate():
            return ((ProviderRow, row.provider),)
        case Hold():
            return ((User, row.user_id), (User, row.wallet_id), (ApiKey, row.key_id))
        case Adjustment():
            return ((Call, row.call_id),)
        case LimitCell():
            return ((Limit, row.limit_id),)
        case BudgetSpent():
            return ((Budget, row.budget_id),)
        case Run():
            return ((User, row.user_id),)
        case Notice():
            return ((User, row.user_id),)
        case Limit() | Budget() | Webhook():
            return ()
        case User() | ProviderRow() | Alias() | Price() | AuditEntry() | Call() | Transfer() | Idempotency():
            return ()
        case UsageSum() | ImportedCall():
            return ()
        case _:
            assert_never(row)


def _user(books: Books, row: User) -> None:
    _demand(row.role in _ROLES, "user {} has role {}", row.id, row.role)
    _demand(books.users_by_name.get(row.name, row.id) == row.id, "another user is named {}", row.name)


def _fits(_: Books, row: Row) -> None:
    """Nothing beyond what the type of the row says."""


def _key(books: Books, row: ApiKey) -> None:
    _demand(books.keys_by_fingerprint.get(row.fingerprint, row.id) == row.id, "key {} has a duplicate", row.id)
    old = books.keys.get(row.id)
    if old is not None:
        same = (old.user_id, old.fingerprint, old.team_id) == (row.user_id, row.fingerprint, row.team_id)
        _demand(same, "key {} changes its user, its team or its secret", row.id)


def _usage_sum(_: Books, row: UsageSum) -> None:
    _demand(row.slot_ms % SLOT_MS == 0, "a sum of usage begins at {}", row.slot_ms)


def _provider(_: Books, row: ProviderRow) -> None:
    _demand(bool(row.name), "a provider has no name")
    _demand(row.priority >= 0 and row.weight > 0, "provider {} has no place", row.name)


def _credential(books: Books, row: Credential) -> None:
    _demand(row.weight >= 0, "credential {} weighs {}", row.id, row.weight)
    old = books.credentials.get(row.id)
    _demand(old is None or old.provider == row.provider, "credential {} changes its provider", row.id)


def _rate(books: Books, row: Rate) -> None:
    versions = books.rates.get((row.provider, row.model), ())
    _demand(all(version.id != row.id for version in versions), "rate {} stands already", row.id)


def _alias(books: Books, row: Alias) -> None:
    _demand(bool(row.name), "an alias has no name")
    versions = books.aliases.get(row.name, ())
    _demand(all(version.id != row.id for version in versions), "alias {} stands already", row.id)


def _price(books: Books, row: Price) -> None:
    _demand(bool(row.provider and row.model), "price {} is of nothing", row.id)
    _demand(all(version.id != row.id for version in books.prices), "price {} stands already", row.id)


def _grant(books: Books, row: Grant) -> None:
    _demand(0 < row.amount_nanos <= NANOS_MAX, "grant {} is of {}", row.id, row.amount_nanos)
    posted = row.available_nanos + row.held_nanos
    _demand(posted <= row.amount_nanos, "grant {} holds {}, more than was granted", row.id, posted)
    old = books.grants.get(row.id)
    if old is not None:
        same = old.user_id == row.user_id and old.created_ms == row.created_ms
        _demand(same, "grant {} changes its user or its creation", row.id)


def _hold(books: Books, row: Hold) -> None:
    _demand(row.id not in books.holds and row.id not in books.calls, "call {} is there already", row.id)
    _demand(0 <= row.hold_nanos <= NANOS_MAX, "call {} holds {}", row.id, row.hold_nanos)


def _call(books: Books, row: Call) -> None:
    _demand(row.id not in books.calls, "call {} has ended already", row.id)
    _demand(row.ending in _ENDINGS and row.usage_source in _SOURCES | {None}, "call {} ends strangely", row.id)
    _demand(row.ended_ms is not None, "call {} has an ending and no end", row.id)
    _demand(0 <= row.hold_nanos <= NANOS_MAX, "call {} holds {}", row.id, row.hold_nanos)
    _demand(0 <= row.charge_nanos <= NANOS_MAX, "call {} is charged {}", row.id, row.charge_nanos)
    _demand(0 <= row.uncollected_nanos <= NANOS_MAX, "call {} leaves {}", row.id, row.uncollected_nanos)
    _demand((row.cost_nanos or 0) >= 0, "call {} costs {}", row.id, row.cost_nanos)
    _demand(not row.billed or row.charge_nanos <= row.hold_nanos, "call {} is charged beyond its hold", row.id)


def _transfer(books: Books, row: Transfer) -> None:
    _demand(row.key not in books.journal, "{} is in the journal already", row.key)
    _demand(row.kind in _KINDS, "transfer {} is a {}", row.cause, row.kind)
    _demand(row.step >= 0, "transfer {} has step {}", row.cause, row.step)
    _demand(row.amount_nanos <= NANOS_MAX, "transfer {} moves {}", row.cause, row.amount_nanos)
    _demand((row.grant_id is None) == (row.kind == "capture"), "transfer {} is of grant {}", row.cause, row.grant_id)


def _adjustment(books: Books, row: Adjustment) -> None:
    known = books.adjustments.get(row.call_id, ())
    _demand(all(one.id != row.id for one in known), "adjustment {} stands already", row.id)
    _demand(row.owed_nanos >= 0, "adjustment {} owes {}", row.id, row.owed_nanos)


def _idempotency(_: Books, row: Idempotency) -> None:
    _demand(row.status >= 0, "answer {} has status {}", row.key, row.status)


def _audit(books: Books, row: AuditEntry) -> None:
    _demand(all(entry.id != row.id for entry in books.audit), "{} is in the audit log already", row.id)


def _limit(books: Books, row: Limit) -> None:
    old = books.limiting.limits.get(row.id)
    if old is not None:
        same = msgspec.structs.replace(row, amount=old.amount, removed_ms=old.removed_ms) == old
        _demand(same, "limit {} changes", row.id)


def _cell(_: Books, row: LimitCell) -> None:
    _demand(0 <= row.value <= NANOS_MAX, "the cell of limit {} is {}", row.limit_id, row.value)


def _budget(books: Books, row: Budget) -> None:
    _demand(0 <= row.amount_nanos <= NANOS_MAX, "budget {} is of {}", row.id, row.amount_nanos)
    old = books.limiting.budgets.get(row.id)
    if old is not None:
        _demand(old.subject == row.subject and old.created_ms == row.created_ms, "budget {} changes hands", row.id)


def _spent(_: Books, row: BudgetSpent) -> None:
    _demand(min(row.held_nanos, row.total_nanos) >= 0, "budget {} has spent less than nothing", row.budget_id)


def _run(books: Books, row: Run) -> None:
    _demand(min(row.held_nanos, row.spent_nanos) >= 0, "run {} has spent less than nothing", row.run_id)
    old = books.limiting.runs.get((row.user_id, row.run_id))
    _demand(old is None or old.created_ms == row.created_ms, "run {} begins twice", row.run_id)


def _imported_call(books: Books, row: ImportedCall) -> None:
    _demand(row.id not in books.imported_calls, "call {} is imported twice", row.id)


def _notice(books: Books, row: Notice) -> None:
    old = books.others.get(Notice, {}).get(row.id)
    same = old is None or (old.user_id, old.kind, old.at_ms) == (row.user_id, row.kind, row.at_ms)
    _demand(same and row.attempts >= 0, "notice {} becomes another", row.id)


def _webhook(_: Books, row: Webhook) -> None:
    _demand(bool(row.url), "webhook {} leads nowhere", row.id)


def _demand(holds: bool, otherwise: str, *facts: object) -> None:
    """Raise, also where `assert` is switched off. The sentence is only made when it is needed."""
    if not holds:
        raise AssertionError(otherwise.format(*facts))


_UNIQUE: dict[type, Callable[[Any], str]] = {
    User: attrgetter("name"),
    ApiKey: attrgetter("fingerprint"),
    Rate: attrgetter("id"),
    Alias: attrgetter("id"),
    Price: attrgetter("id"),
    Hold: attrgetter("id"),
    Call: attrgetter("id"),
    Transfer: attrgetter("key"),
    Adjustment: attrgetter("id"),
    AuditEntry: attrgetter("id"),
    ImportedCall: attrgetter("id"),
}
_JUDGES: dict[type, Callable[[Books, Any], None]] = {
    User: _user,
    Member: _fits,
    ApiKey: _key,
    ProviderRow: _provider,
    Credential: _credential,
    Rate: _rate,
    Alias: _alias,
    Price: _price,
    Grant: _grant,
    Hold: _hold,
    Call: _call,
    Transfer: _transfer,
    Adjustment: _adjustment,
    Idempotency: _idempotency,
    Limit: _limit,
    LimitCell: _cell,
    Budget: _budget,
    BudgetSpent: _spent,
    Run: _run,
    AuditEntry: _audit,
    UsageSum: _usage_sum,
    ImportedCall: _imported_call,
    Notice: _notice,
    Webhook: _webhook,
}
