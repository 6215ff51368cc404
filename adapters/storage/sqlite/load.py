"""What one batch of decisions needs to see: loaded with a fixed number of statements, however many they are.

House rule: loading only ever adds rows that the copy has not. The copy outlives its batch, because nobody else
writes the file but through a commit that `data_version` betrays; then it is thrown away whole.
"""

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from typing import Any, TypeVar

from adapters.storage.sqlite.tables import (
    ADJUSTMENTS,
    ALIASES,
    CALLS,
    CREDENTIALS,
    GRANTS,
    IDEMPOTENCY,
    KEYS,
    PRICES,
    PROVIDERS,
    RATES,
    USERS,
    Table,
    json_text,
)
from domain.books.rows import Row
from domain.books.scopes import (
    AliasScope,
    CallScope,
    CredentialScope,
    KeyScope,
    PriceScope,
    ProviderScope,
    RerateScope,
    SettleScope,
    SweepScope,
    UserScope,
    View,
)
from domain.books.working_copy import Books

R = TypeVar("R", bound=Row)

# The lists of keys are bound as one JSON array each, so that the text of a statement, and its plan, never change.
_LISTED = "(select value from json_each(?))"
_KEYS_BY_FINGERPRINT = f"from api_keys where fingerprint in {_LISTED}"
_KEYS_BY_ID = f"from api_keys where id in {_LISTED}"
_USERS_BY_ID = f"from users where id in {_LISTED}"
_USERS_BY_NAME = f"from users where name in {_LISTED}"
_CALLS_BY_ID = f"from calls where id in {_LISTED}"
_CALLS_OPEN = "from calls where ending is null order by started_ms limit ?"
_GRANTS_BY_ID = f"from grants where id in {_LISTED}"
_GRANTS_OF_USER = f"from grants where user_id in {_LISTED}"
_GRANTS_WITH_CREDIT = f"from grants where user_id in {_LISTED} and available_nanos + held_nanos > 0"
_GRANTS_TO_EXPIRE = "from grants where expires_ms is not null and expires_ms <= ? and available_nanos > 0"
_IDEMPOTENCY_BY_KEY = """from json_each(?) as wanted cross join idempotency
    on idempotency.user_id = json_extract(wanted.value, '$[0]')
    and idempotency.key = json_extract(wanted.value, '$[1]')"""
_ANSWERS_TO_FORGET = "from idempotency where answer is not null and created_ms <= ?"
_PROVIDERS_BY_NAME = f"from providers where name in {_LISTED}"
_CREDENTIALS_OF_PROVIDER = f"from credentials where provider in {_LISTED} order by seq"
_CREDENTIALS_BY_ID = f"from credentials where id in {_LISTED}"
_RATES_OF_PROVIDER = f"from rates where provider in {_LISTED} order by seq"
_ALIASES_BY_NAME = f"from aliases where name in {_LISTED} order by seq"
_PRICES_OF_PROVIDER = f"from prices where provider in {_LISTED} order by seq"
_ADJUSTMENTS_OF_CALL = f"from adjustments where call_id in {_LISTED} order by seq"

STATEMENTS: tuple[tuple[Table[Any], str], ...] = (
    (KEYS, _KEYS_BY_FINGERPRINT),
    (KEYS, _KEYS_BY_ID),
    (USERS, _USERS_BY_ID),
    (USERS, _USERS_BY_NAME),
    (CALLS, _CALLS_BY_ID),
    (CALLS, _CALLS_OPEN),
    (GRANTS, _GRANTS_BY_ID),
    (GRANTS, _GRANTS_OF_USER),
    (GRANTS, _GRANTS_WITH_CREDIT),
    (GRANTS, _GRANTS_TO_EXPIRE),
    (IDEMPOTENCY, _IDEMPOTENCY_BY_KEY),
    (IDEMPOTENCY, _ANSWERS_TO_FORGET),
    (PROVIDERS, _PROVIDERS_BY_NAME),
    (CREDENTIALS, _CREDENTIALS_OF_PROVIDER),
    (CREDENTIALS, _CREDENTIALS_BY_ID),
    (RATES, _RATES_OF_PROVIDER),
    (ALIASES, _ALIASES_BY_NAME),
    (PRICES, _PRICES_OF_PROVIDER),
    (ADJUSTMENTS, _ADJUSTMENTS_OF_CALL),
)

# Beyond so many rows the copy is thrown away and begun again.
_KEPT_MAX = 20_000


class Copy:
    """The writer's working copy, and the users in it whose wallets are whole (all grants with credit left)."""

    def __init__(self, version: int) -> None:
        self.books = Books(version)
        self.wallets: set[str] = set()
        self.asked_calls: set[str] = set()

    def knows(self, scope: View[Any]) -> bool:
        """Whether the row that a call starts from, its key, was found."""
        return not isinstance(scope, CallScope) or scope.fingerprint in self.books.keys_by_fingerprint

    def prune(self, written_calls: Iterable[str]) -> bool:
        """Forget what the next batch will hardly ask for. False if too much is left to keep any of it."""
        books = self.books
        self.asked_calls.update(written_calls)
        for call_id in self.asked_calls - books.open_calls:
            books.calls.pop(call_id, None)
        self.asked_calls.clear()
        books.journal.clear()
        books.audit.clear()
        books.idempotency.clear()
        books.providers.clear()
        books.credentials.clear()
        books.rates.clear()
        books.aliases.clear()
        books.prices.clear()
        books.adjustments.clear()
        return len(books.grants) + len(books.calls) + len(books.keys) + len(books.users) <= _KEPT_MAX


def load(connection: sqlite3.Connection, copy: Copy, scopes: Sequence[View[Any]]) -> None:
    """Add to the copy what the scopes name and it has not. In a write transaction, before the first rule."""
    calls: list[CallScope] = []
    settled: set[str] = set()
    sweeps: list[SweepScope] = []
    rerated: set[str] = set()
    others: list[View[Any]] = []
    for scope in scopes:
        match scope:
            case CallScope():
                calls.append(scope)
            case SettleScope():
                settled.add(scope.call_id)
            case SweepScope():
                sweeps.append(scope)
            case RerateScope():
                rerated.add(scope.call_id)
            case _:
                others.append(scope)
    version = copy.books.version
    if others:
        _load_others(connection, copy, others)
    _load_calls(connection, copy, calls, settled | rerated)
    if rerated:
        _load_rerated(connection, copy, rerated)
    if sweeps:
        _load_sweep(connection, copy.books, sweeps)  # last: it needs the grants of every open call in the copy
    copy.books.version = version  # a provider that is loaded is no new one


def _load_calls(connection: sqlite3.Connection, copy: Copy, scopes: list[CallScope], settled: set[str]) -> None:
    """The two scopes of every call: the one that opens it and the one that settles it."""
    books = copy.books
    fingerprints = {scope.fingerprint for scope in scopes} - books.keys_by_fingerprint.keys()
    _add(connection, books, KEYS, _KEYS_BY_FINGERPRINT, fingerprints, books.keys)
    users: set[str] = set()
    pairs: set[tuple[str, str]] = set()
    for scope in scopes:
        key_id = books.keys_by_fingerprint.get(scope.fingerprint)
        if key_id is not None:
            user_id = books.keys[key_id].user_id
            users.add(user_id)
            if scope.idempotency_key:
                pairs.add((user_id, scope.idempotency_key))
    _add(connection, books, USERS, _USERS_BY_ID, users - books.users.keys(), books.users)
    _add(connection, books, GRANTS, _GRANTS_WITH_CREDIT, users - copy.wallets, books.grants)
    copy.wallets |= users

    _add(connection, books, CALLS, _CALLS_BY_ID, settled - books.calls.keys(), books.calls)
    grants: set[str] = set()
    for call_id in settled:
        call = books.calls.get(call_id)
        if call is not None:
            grants.update(line.grant_id for line in call.hold_lines)
            if call.idempotency_key:
                pairs.add((call.user_id, call.idempotency_key))
    _add(connection, books, GRANTS, _GRANTS_BY_ID, grants - books.grants.keys(), books.grants)
    _add(connection, books, IDEMPOTENCY, _IDEMPOTENCY_BY_KEY, pairs - books.idempotency.keys(), books.idempotency)
    copy.asked_calls |= settled
    duplicates = {books.idempotency[pair].call_id for pair in pairs if pair in books.idempotency}
    copy.asked_calls |= duplicates
    _add(connection, books, CALLS, _CALLS_BY_ID, duplicates - books.calls.keys(), books.calls)


def _load_others(connection: sqlite3.Connection, copy: Copy, scopes: list[View[Any]]) -> None:
    """The scopes of management."""
    books = copy.books
    names: set[str] = set()
    keys: set[str] = set()
    providers: set[str] = set()
    credentials: set[str] = set()
    books_of: set[str] = set()
    every_name = False
    for scope in scopes:
        match scope:
            case UserScope():
                names.add(scope.name)
            case KeyScope():
                keys.add(scope.key_id)
            case ProviderScope():
                providers.add(scope.name)
            case CredentialScope():
                credentials.add(scope.credential_id)
            case AliasScope():
                every_name = True
            case PriceScope():
                books_of.add(scope.provider)
            case _:
                raise TypeError(f"the books cannot be seen through a {type(scope).__name__}")
    _add(connection, books, USERS, _USERS_BY_NAME, names - books.users_by_name.keys(), books.users)
    users = {books.users_by_name[name] for name in names if name in books.users_by_name}
    # All grants, spent ones too: a grant must see the grant that it would repeat.
    _add(connection, books, GRANTS, _GRANTS_OF_USER, users, books.grants)
    copy.wallets |= users
    _add(connection, books, KEYS, _KEYS_BY_ID, keys - books.keys.keys(), books.keys)
    _add(connection, books, PROVIDERS, _PROVIDERS_BY_NAME, providers, books.providers)
    _add(connection, books, CREDENTIALS, _CREDENTIALS_OF_PROVIDER, providers, books.credentials)
    _add(connection, books, RATES, _RATES_OF_PROVIDER, providers, {})
    _add(connection, books, CREDENTIALS, _CREDENTIALS_BY_ID, credentials, books.credentials)
    _add(connection, books, PRICES, _PRICES_OF_PROVIDER, books_of, {})
    if every_name:
        _keep(books, PROVIDERS, PROVIDERS.read(connection, "from providers order by seq"), books.providers)
        _keep(books, ALIASES, ALIASES.read(connection, "from aliases order by seq"), {})
    else:
        _add(connection, books, ALIASES, _ALIASES_BY_NAME, providers, {})


def _load_rerated(connection: sqlite3.Connection, copy: Copy, calls: set[str]) -> None:
    """All grants of those who paid for the calls, spent ones too: what is given back goes where it came from."""
    books = copy.books
    users = {books.calls[call_id].user_id for call_id in calls if call_id in books.calls}
    _add(connection, books, GRANTS, _GRANTS_OF_USER, users, books.grants)
    copy.wallets |= users
    _add(connection, books, ADJUSTMENTS, _ADJUSTMENTS_OF_CALL, calls, {})


def _load_sweep(connection: sqlite3.Connection, books: Books, sweeps: list[SweepScope]) -> None:
    oldest = CALLS.read(connection, _CALLS_OPEN, (max(scope.calls_max for scope in sweeps),))
    _keep(books, CALLS, oldest, books.calls)
    # A sweep sees every open call of the copy, also those that are here for another reason.
    grants = {line.grant_id for call_id in books.open_calls for line in books.calls[call_id].hold_lines}
    _add(connection, books, GRANTS, _GRANTS_BY_ID, grants - books.grants.keys(), books.grants)
    expired = GRANTS.read(connection, _GRANTS_TO_EXPIRE, (max(scope.now_ms for scope in sweeps),))
    _keep(books, GRANTS, expired, books.grants)
    stale = IDEMPOTENCY.read(connection, _ANSWERS_TO_FORGET, (max(scope.answers_until_ms for scope in sweeps),))
    _keep(books, IDEMPOTENCY, stale, books.idempotency)


def _add(
    connection: sqlite3.Connection,
    books: Books,
    table: Table[R],
    rest: str,
    wanted: Collection[Any],
    have: Collection[Any],
) -> None:
    """Read the rows of those keys, if any are wanted."""
    if wanted:
        _keep(books, table, table.read(connection, rest, (json_text(list(wanted)),)), have)


def _keep(books: Books, table: Table[R], rows: Iterable[R], have: Collection[Any]) -> None:
    for row in rows:
        if table.key_of(row) not in have:
            books.apply(row)
