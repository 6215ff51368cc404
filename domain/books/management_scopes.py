"""What the rules of management ask to see: users, teams, keys, providers, credentials, rates, prices and aliases."""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, ClassVar, Generic, TypeVar

import msgspec

from domain.accounts.rows import ApiKey, Member, User
from domain.books.lookups import (
    ALIASES,
    ALIASES_BY_NAME,
    ANSWER_BY_KEY,
    CREDENTIAL_BY_ID,
    CREDENTIALS_OF_PROVIDER,
    GRANT_BY_ID,
    GRANTS_OF_USER,
    GRANTS_WITH_CREDIT,
    IMPORTED_CALL_BY_ID,
    KEY_BY_ID,
    MEMBER_BY_IDS,
    PRICES_OF_PROVIDER,
    PROVIDER_BY_NAME,
    PROVIDERS,
    RATES_OF_PROVIDER,
    USER_BY_ID,
    USER_BY_NAME,
)
from domain.books.rows import Idempotency
from domain.books.scope_protocol import Steps, View
from domain.books.working_copy import Books
from domain.catalog.aliases import Alias
from domain.catalog.rows import Credential, ProviderRow
from domain.ledger.rows import Grant
from domain.pricing.price_book import Price
from domain.pricing.rate import Rate

F = TypeVar("F")


def _user_named(scope: Any, books: Books) -> tuple[str, ...]:
    user_id = books.users_by_name.get(scope.name if hasattr(scope, "name") else scope.sender)
    return () if user_id is None else (user_id,)


def _standing(versions: list[Alias] | None) -> Alias | None:
    """The newest version, unless it ends the alias."""
    return versions[-1] if versions and not versions[-1].removed else None


class UserFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule about a user sees."""

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


class GrantFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule about a grant sees: the grant, the user whose wallet it is in, and all that has credit there."""

    grant: Grant | None
    user: User | None
    grants: tuple[Grant, ...] = ()


def _user_of_grant(scope: Any, books: Books) -> tuple[str, ...]:
    grant = books.grants.get(scope.grant_id)
    return () if grant is None else (grant.user_id,)


class GrantScope(msgspec.Struct, frozen=True, kw_only=True):
    """The grant of that id, and its user."""

    grant_id: str

    steps: ClassVar[Steps] = (
        ((GRANT_BY_ID, lambda scope, _: (scope.grant_id,)),),
        ((USER_BY_ID, _user_of_grant), (GRANTS_WITH_CREDIT, _user_of_grant)),
    )

    def view(self, books: Books) -> GrantFacts:
        """The grant as the books know it now."""
        grant = books.grants.get(self.grant_id)
        user_id = "" if grant is None else grant.user_id
        return GrantFacts(grant=grant, user=books.users.get(user_id), grants=books.wallet(user_id))


class TransferFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule sees that moves credit between two wallets: their users, and the grants of the first."""

    sender: User | None
    receiver: User | None
    grants: tuple[Grant, ...]


class TransferScope(msgspec.Struct, frozen=True, kw_only=True):
    """The users of these two names, and the credit of the first."""

    sender: str
    receiver: str

    steps: ClassVar[Steps] = (
        ((USER_BY_NAME, lambda scope, _: (scope.sender, scope.receiver)),),
        ((GRANTS_WITH_CREDIT, _user_named),),
    )

    def view(self, books: Books) -> TransferFacts:
        """The wallets as the books know them now."""
        sender = books.users.get(books.users_by_name.get(self.sender, ""))
        return TransferFacts(
            sender=sender,
            receiver=books.users.get(books.users_by_name.get(self.receiver, "")),
            grants=books.wallet(sender.id) if sender else (),
        )


class KeyFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule about a key sees: the key, valid or not, its user, and the acting user's membership in its team."""

    key: ApiKey | None
    user: User | None
    acting: Member | None = None


def _user_of_key(scope: Any, books: Books) -> tuple[str, ...]:
    key = books.keys.get(scope.key_id)
    return () if key is None else (key.user_id,)


def _acting_in_team(scope: Any, books: Books) -> tuple[tuple[str, str], ...]:
    key = books.keys.get(scope.key_id)
    return () if key is None or key.team_id is None or scope.by is None else ((key.team_id, scope.by),)


class KeyScope(msgspec.Struct, frozen=True, kw_only=True):
    """The API key of that id, and its user; `by` is the id of the user who acts, None for the operator's commands."""

    key_id: str
    by: str | None = None

    steps: ClassVar[Steps] = (
        ((KEY_BY_ID, lambda scope, _: (scope.key_id,)),),
        ((USER_BY_ID, _user_of_key), (MEMBER_BY_IDS, _acting_in_team)),
    )

    def view(self, books: Books) -> KeyFacts:
        """The key as the books know it now."""
        key = books.keys.get(self.key_id)
        if key is None:
            return KeyFacts(key=None, user=None)
        acting = books.members.get((key.team_id or "", self.by or ""))
        return KeyFacts(key=key, user=books.users.get(key.user_id), acting=acting)


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


class RepeatableFacts(msgspec.Struct, Generic[F], frozen=True):
    """What a rule sees, and what is kept of an earlier request with the same Idempotency-Key."""

    facts: F
    kept: Idempotency | None


class RepeatableScope(msgspec.Struct, Generic[F], frozen=True, kw_only=True):
    """Another scope, and what is kept for an Idempotency-Key of a user. Without a key it shows what the other shows."""

    within: View[F]
    user_id: str
    key: str | None

    steps: ClassVar[Steps] = ()

    def view(self, books: Books) -> RepeatableFacts[F]:
        """What the other scope shows, and the row of the key."""
        kept = None if self.key is None else books.idempotency.get((self.user_id, self.key))
        return RepeatableFacts(self.within.view(books), kept)


def repeatable(within: View[F], user_id: str, key: str | None) -> RepeatableScope[F]:
    """The scope with the row of a key: of a class of its own for each other scope, as a batch needs it."""
    scope: RepeatableScope[F] = _repeatable_class(type(within))(within=within, user_id=user_id, key=key)
    return scope


@cache
def _repeatable_class(within: type) -> type[RepeatableScope[Any]]:
    first, *later = [
        tuple((lookup, _of_within(values)) for lookup, values in step)
        for step in within.steps or ((),)  # type: ignore[attr-defined]
    ]
    kept = (ANSWER_BY_KEY, lambda scope, _: () if scope.key is None else ((scope.user_id, scope.key),))
    steps: Steps = ((*first, kept), *later)
    name = f"Repeatable{within.__name__}"
    made: Any = msgspec.defstruct(name, [], bases=(RepeatableScope,), namespace={"steps": steps}, frozen=True)
    return made  # type: ignore[no-any-return]


def _of_within(values: Callable[[Any, Books], Iterable[Any]]) -> Callable[[Any, Books], Iterable[Any]]:
    return lambda scope, books: values(scope.within, books)


class NothingScope(msgspec.Struct, frozen=True):
    """No rows: for a decision about an Idempotency-Key alone."""

    steps: ClassVar[Steps] = ()

    def view(self, books: Books) -> None:
        """Nothing."""


class ImportedCallScope(msgspec.Struct, frozen=True, kw_only=True):
    """Which of these calls of another gateway the books have."""

    ids: tuple[str, ...]

    steps: ClassVar[Steps] = (((IMPORTED_CALL_BY_ID, lambda scope, _: scope.ids),),)

    def view(self, books: Books) -> frozenset[str]:
        """The ids that are known."""
        return frozenset(one for one in self.ids if one in books.imported_calls)
