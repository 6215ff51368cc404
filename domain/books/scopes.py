"""What a rule asks to see: a scope names the rows, the storage loads them, and `view` shows them as facts.

The rows are named in steps. A step looks rows up by what the scope says, or by rows that an earlier step has loaded.
"""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Protocol, TypeAlias, TypeVar

import msgspec

from domain.accounts.rows import ApiKey, User
from domain.books.lookups import (
    ADJUSTMENTS_OF_CALL,
    ALIASES,
    ALIASES_BY_NAME,
    ANSWER_BY_KEY,
    CALL_BY_ID,
    CREDENTIAL_BY_ID,
    CREDENTIALS_OF_PROVIDER,
    EXPIRED_GRANTS,
    GRANT_BY_ID,
    GRANTS_OF_USER,
    GRANTS_WITH_CREDIT,
    KEY_BY_FINGERPRINT,
    KEY_BY_ID,
    OPEN_CALLS,
    PRICES_OF_PROVIDER,
    PROVIDER_BY_NAME,
    PROVIDERS,
    RATES_OF_PROVIDER,
    STALE_ANSWERS,
    USER_BY_ID,
    USER_BY_NAME,
    Lookup,
)
from domain.books.rows import IDEMPOTENCY_KEPT_MS, Call, Idempotency
from domain.books.working_copy import Books
from domain.catalog.aliases import Alias
from domain.catalog.rows import Credential, ProviderRow
from domain.ledger.rows import Adjustment, Grant
from domain.pricing.price_book import Price
from domain.pricing.rate import Rate

F_co = TypeVar("F_co", covariant=True)

# A lookup, and the values of it that a scope wants, from its own fields and the rows that are there already.
Want: TypeAlias = tuple[Lookup, Callable[[Any, Books], Iterable[Any]]]
Steps: TypeAlias = tuple[tuple[Want, ...], ...]


class View(Protocol[F_co]):
    """A scope names the rows that a rule needs (its fields and `steps`) and shows them as facts (`view`)."""

    @property
    def steps(self) -> Steps:
        """What to look up, step by step."""
        ...

    def view(self, books: Books) -> F_co:
        """The facts, from a working copy that holds at least the rows this scope names."""
        ...


def _caller(scope: Any, books: Books) -> tuple[str, ...]:
    key_id = books.keys_by_fingerprint.get(scope.fingerprint)
    return () if key_id is None else (books.keys[key_id].user_id,)


def _answer_of_caller(scope: Any, books: Books) -> tuple[tuple[str, str], ...]:
    if not scope.idempotency_key:
        return ()
    return tuple((user_id, scope.idempotency_key) for user_id in _caller(scope, books))


def _duplicate(scope: Any, books: Books) -> tuple[str, ...]:
    if not scope.idempotency_key:
        return ()
    kept = (books.idempotency.get(pair) for pair in _answer_of_caller(scope, books))
    return tuple(row.call_id for row in kept if row is not None)


def _answer_of_call(scope: Any, books: Books) -> tuple[tuple[str, str], ...]:
    call = books.calls.get(scope.call_id)
    return () if call is None or not call.idempotency_key else ((call.user_id, call.idempotency_key),)


def _held_by_call(scope: Any, books: Books) -> list[str]:
    call = books.calls.get(scope.call_id)
    return [] if call is None else [line.grant_id for line in call.hold_lines]


def _held_by_open_calls(_: Any, books: Books) -> set[str]:
    return {line.grant_id for call_id in books.open_calls for line in books.calls[call_id].hold_lines}


def _payer(scope: Any, books: Books) -> tuple[str, ...]:
    call = books.calls.get(scope.call_id)
    return () if call is None else (call.user_id,)


def _user_named(scope: Any, books: Books) -> tuple[str, ...]:
    user_id = books.users_by_name.get(scope.name)
    return () if user_id is None else (user_id,)


class CallFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What `plan_call` sees. `duplicate` is an earlier call with the same Idempotency-Key, `duplicate_call` its row."""

    version: int
    key: ApiKey | None
    user: User | None
    grants: tuple[Grant, ...]
    duplicate: Idempotency | None
    duplicate_call: Call | None


class CallScope(msgspec.Struct, frozen=True, kw_only=True):
    """The key of that fingerprint, its user's wallet, and the Idempotency-Key where one was sent."""

    fingerprint: str
    idempotency_key: str | None = None

    steps: ClassVar[Steps] = (
        ((KEY_BY_FINGERPRINT, lambda scope, _: (scope.fingerprint,)),),
        (
            (USER_BY_ID, _caller),
            (GRANTS_WITH_CREDIT, _caller),
            (ANSWER_BY_KEY, _answer_of_caller),
        ),
        ((CALL_BY_ID, _duplicate),),
    )

    def view(self, books: Books) -> CallFacts:
        """The caller as the books know it now."""
        key = books.keys.get(books.keys_by_fingerprint.get(self.fingerprint, ""))
        if key is None:
            return CallFacts(version=books.version, key=None, user=None, grants=(), duplicate=None, duplicate_call=None)
        duplicate = books.idempotency.get((key.user_id, self.idempotency_key)) if self.idempotency_key else None
        return CallFacts(
            version=books.version,
            key=key,
            user=books.users.get(key.user_id),
            grants=books.wallet(key.user_id),
            duplicate=duplicate,
            duplicate_call=books.calls.get(duplicate.call_id) if duplicate else None,
        )


class SettleFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What `settle` sees: the call, the grants it holds from, and its Idempotency-Key's row."""

    call: Call | None
    grants: tuple[Grant, ...]
    duplicate: Idempotency | None


class SettleScope(msgspec.Struct, frozen=True, kw_only=True):
    """One call and the grants that it holds from."""

    call_id: str

    steps: ClassVar[Steps] = (
        ((CALL_BY_ID, lambda scope, _: (scope.call_id,)),),
        (
            (GRANT_BY_ID, _held_by_call),
            (ANSWER_BY_KEY, _answer_of_call),
        ),
    )

    def view(self, books: Books) -> SettleFacts:
        """The call as the books know it now."""
        call = books.calls.get(self.call_id)
        if call is None:
            return SettleFacts(call=None, grants=(), duplicate=None)
        grants = tuple(books.grants[line.grant_id] for line in call.hold_lines)
        duplicate = books.idempotency.get((call.user_id, call.idempotency_key)) if call.idempotency_key else None
        return SettleFacts(call=call, grants=grants, duplicate=duplicate)


class SweepFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What `sweep` sees: open calls, the grants they hold from, grants past their expiry, answers kept too long."""

    open_calls: tuple[Call, ...]
    grants: tuple[Grant, ...]
    stale_answers: tuple[Idempotency, ...] = ()


class SweepScope(msgspec.Struct, frozen=True, kw_only=True):
    """What may need closing at `now_ms`.

    All open calls (at most `calls_max`, the oldest) with their grants, expired grants with credit left, and kept
    answers whose time is over.
    """

    now_ms: int
    calls_max: int = 500

    # The last step is behind those of all other scopes: it needs the grants of every open call in the copy.
    steps: ClassVar[Steps] = (
        (
            (OPEN_CALLS, lambda scope, _: (scope.calls_max,)),
            (EXPIRED_GRANTS, lambda scope, _: (scope.now_ms,)),
            (STALE_ANSWERS, lambda scope, _: (scope.answers_until_ms,)),
        ),
        (),
        (),
        ((GRANT_BY_ID, _held_by_open_calls),),
    )

    @property
    def answers_until_ms(self) -> int:
        """Answers kept since this moment or longer are not to be given again."""
        return self.now_ms - IDEMPOTENCY_KEPT_MS

    def view(self, books: Books) -> SweepFacts:
        """What may need closing."""
        open_calls = sorted((books.calls[i] for i in books.open_calls), key=lambda call: (call.started_ms, call.id))
        chosen = tuple(open_calls[: self.calls_max])
        wanted = {line.grant_id for call in chosen for line in call.hold_lines}
        wanted |= {
            grant.id
            for grant in books.grants.values()
            if grant.expires_ms is not None and grant.expires_ms <= self.now_ms and grant.available_nanos
        }
        stale = (
            kept
            for kept in books.idempotency.values()
            if kept.answer is not None and kept.created_ms <= self.answers_until_ms
        )
        return SweepFacts(
            open_calls=chosen,
            grants=tuple(books.grants[i] for i in sorted(wanted)),
            stale_answers=tuple(sorted(stale, key=lambda kept: (kept.user_id, kept.key))),
        )


class UserFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule about a user sees. `users` counts all, so that the first can be told."""

    user: User | None
    grants: tuple[Grant, ...]


class UserScope(msgspec.Struct, frozen=True, kw_only=True):
    """The user of that name, and the wallet."""

    name: str

    # All grants, spent ones too: a grant must see the one that it would repeat.
    steps: ClassVar[Steps] = (
        ((USER_BY_NAME, lambda scope, _: (scope.name,)),),
        ((GRANTS_OF_USER, _user_named),),
    )

    def view(self, books: Books) -> UserFacts:
        """The user as the books know it now."""
        user = books.users.get(books.users_by_name.get(self.name, ""))
        return UserFacts(user=user, grants=books.wallet(user.id) if user else ())


class KeyScope(msgspec.Struct, frozen=True, kw_only=True):
    """The API key of that id."""

    key_id: str

    steps: ClassVar[Steps] = (((KEY_BY_ID, lambda scope, _: (scope.key_id,)),),)

    def view(self, books: Books) -> ApiKey | None:
        """The key, revoked or not."""
        return books.keys.get(self.key_id)


class ProviderFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule about a provider sees: its row, its credentials and its rates, removed ones too.

    `alias` is one that bears the provider's name.
    """

    provider: ProviderRow | None
    credentials: tuple[Credential, ...]
    rates: tuple[Rate, ...]
    alias: Alias | None = None


class ProviderScope(msgspec.Struct, frozen=True, kw_only=True):
    """The provider of that name with all that hangs on it."""

    name: str

    steps: ClassVar[Steps] = (
        (
            (PROVIDER_BY_NAME, lambda scope, _: (scope.name,)),
            (CREDENTIALS_OF_PROVIDER, lambda scope, _: (scope.name,)),
            (RATES_OF_PROVIDER, lambda scope, _: (scope.name,)),
            (ALIASES_BY_NAME, lambda scope, _: (scope.name,)),
        ),
    )

    def view(self, books: Books) -> ProviderFacts:
        """The provider as the books know it now."""
        return ProviderFacts(
            provider=books.providers.get(self.name),
            credentials=tuple(c for c in books.credentials.values() if c.provider == self.name),
            rates=tuple(
                rate for (provider, _), versions in books.rates.items() if provider == self.name for rate in versions
            ),
            alias=_standing(books.aliases.get(self.name)),
        )


class RerateFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What `rerate` sees: the call, all grants of its user, and how it was adjusted so far, oldest first."""

    call: Call | None
    grants: tuple[Grant, ...]
    adjustments: tuple[Adjustment, ...]


class RerateScope(msgspec.Struct, frozen=True, kw_only=True):
    """One call, the whole wallet that paid for it, and its adjustments."""

    call_id: str

    # All grants of the user, spent ones too: what is given back goes where it came from.
    steps: ClassVar[Steps] = (
        (
            (CALL_BY_ID, lambda scope, _: (scope.call_id,)),
            (ADJUSTMENTS_OF_CALL, lambda scope, _: (scope.call_id,)),
        ),
        ((GRANTS_OF_USER, _payer),),
    )

    def view(self, books: Books) -> RerateFacts:
        """The call as the books know it now."""
        call = books.calls.get(self.call_id)
        return RerateFacts(
            call=call,
            grants=books.wallet(call.user_id) if call else (),
            adjustments=tuple(books.adjustments.get(self.call_id, ())),
        )


class PriceScope(msgspec.Struct, frozen=True, kw_only=True):
    """What operators appended to the price book about a provider."""

    provider: str

    steps: ClassVar[Steps] = (((PRICES_OF_PROVIDER, lambda scope, _: (scope.provider,)),),)

    def view(self, books: Books) -> tuple[Price, ...]:
        """The prices, in the order they were appended."""
        return tuple(price for price in books.prices if price.provider == self.provider)


class CredentialScope(msgspec.Struct, frozen=True, kw_only=True):
    """The credential of that id."""

    credential_id: str

    steps: ClassVar[Steps] = (((CREDENTIAL_BY_ID, lambda scope, _: (scope.credential_id,)),),)

    def view(self, books: Books) -> Credential | None:
        """The credential, active or not."""
        return books.credentials.get(self.credential_id)


class AliasFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule about an alias sees: all aliases that stand, and the names of the providers that do."""

    aliases: dict[str, Alias]
    providers: frozenset[str]


class AliasScope(msgspec.Struct, frozen=True, kw_only=True):
    """All aliases and all providers: there are few, and an alias may lead to any of them."""

    steps: ClassVar[Steps] = (((PROVIDERS, lambda *_: (None,)), (ALIASES, lambda *_: (None,))),)

    def view(self, books: Books) -> AliasFacts:
        """The names as the books know them now."""
        standing = {name: alias for name, versions in books.aliases.items() if (alias := _standing(versions))}
        return AliasFacts(
            aliases=standing,
            providers=frozenset(row.name for row in books.providers.values() if row.removed_ms is None),
        )


def _standing(versions: list[Alias] | None) -> Alias | None:
    """The newest version, unless it ends the alias."""
    return versions[-1] if versions and not versions[-1].removed else None


Scope: TypeAlias = (
    CallScope
    | SettleScope
    | SweepScope
    | UserScope
    | KeyScope
    | ProviderScope
    | CredentialScope
    | AliasScope
    | PriceScope
    | RerateScope
)
