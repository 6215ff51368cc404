"""The first start: an owner with a key and some credit, and a provider that answers without any secret.

Every step is one decision that checks the books first, so it may run at every start, in several processes at once, and
after a crash in the middle. Rows that an operator has removed stay removed.
"""

from collections.abc import Mapping, Sequence

import msgspec

from domain.accounts.identity import identify
from domain.accounts.rows import ApiKey, User
from domain.books.management_scopes import KeyFacts, KeyScope, ProviderFacts, ProviderScope, UserFacts, UserScope
from domain.books.scopes import CallFacts, CallScope
from domain.catalog.rows import ProviderRow
from domain.catalog.vendors import ECHO
from domain.management.changes import Changed, Denied, Outcome, Unchanged, add_key, add_provider, set_rate
from domain.management.rates_from_prices import Terms
from domain.pricing.money import NANOS_PER_CREDIT, UNITS_PER_RATE
from domain.pricing.rate import Rate
from domain.pricing.tiers import UnitPrices
from domain.refusals import InvalidKey
from entrypoints.usecases.manage.key_terms import KeyTerms
from entrypoints.usecases.manage.keys import KEY_MARK, key_row
from entrypoints.usecases.manage.maintenance import sweep
from entrypoints.usecases.manage.providers import register_vendor_keys
from entrypoints.usecases.manage.rates_from_prices import sell_by_rule
from entrypoints.usecases.manage.users import add_user_with_credit, starter_grant
from entrypoints.usecases.management_context import ManagementContext, Starter, actor

OWNER = "owner"
OWNER_STARTER = Starter(nanos=5 * NANOS_PER_CREDIT)
BY = "first run"
# The first key sets the hub up, and is tried with the first call.
_FIRST = KeyTerms(purpose="both")
# One id, so that of several processes that start at once only one makes the first key.
FIRST_KEY = "key_first"


class FirstRun(msgspec.Struct, frozen=True, kw_only=True):
    """The result of the start: `fresh` if the owner got a key just now, and `key` if the hub generated it.

    `given_key_revoked` warns that the key in AIHUB_OWNER_KEY was revoked, so it does not authenticate.
    """

    fresh: bool = False
    key: str | None = None
    given_key_revoked: bool = False


async def found(context: ManagementContext) -> User:
    """Make the owner, the built-in provider and its rate, where they are missing. The owner has no key yet."""
    await _echo(context)
    return await _owner(context)


async def first_run(context: ManagementContext, given_key: str | None) -> FirstRun:
    """Make the missing rows, and give the owner the key in `given_key`, or a new one if there was never any."""
    owner = await found(context)
    if given_key:
        return await _give_key(context, owner, given_key)
    if any(key.user_id == owner.id for key in await context.storage.keys()):
        return FirstRun()
    return await _make_key(context, owner)


async def prepare(
    context: ManagementContext,
    given_key: str | None,
    vendor_keys: Mapping[str, Sequence[str]],
    terms: Terms | None = None,
) -> None:
    """Do everything of a start but the making of a key: missing rows, vendors' keys, and the sweep of lost calls.

    With `terms`, every model in the price book that has no rate of its own is sold by them.
    """
    if given_key:
        await first_run(context, given_key)
    else:
        await found(context)
    await register_vendor_keys(context, BY, vendor_keys)
    await sell_by_rule(context, terms)
    await sweep(context.storage, context.liveness, context.clock)


async def _owner(context: ManagementContext) -> User:
    who, grant_id = actor(context, BY), context.ids.new("audit")
    user = User(id=context.ids.new("user"), name=OWNER, role="owner", created_ms=who.now_ms)
    grant = starter_grant(context, user, OWNER_STARTER, who.now_ms)

    def rule(facts: UserFacts) -> Outcome:
        if facts.user is not None:
            return Unchanged(row=facts.user)
        return add_user_with_credit(facts, who, user, grant, grant_id)

    outcome = await context.storage.decide(UserScope(name=OWNER), rule)
    assert not isinstance(outcome, Denied)
    assert isinstance(outcome.row, User)
    return outcome.row


async def _make_key(context: ManagementContext, owner: User) -> FirstRun:
    who, text = actor(context, BY), KEY_MARK + context.ids.secret()
    key = key_row(context, FIRST_KEY, owner, BY, text, who.now_ms, _FIRST)

    def rule(facts: KeyFacts) -> Outcome:
        if facts.key is not None:
            return Unchanged(row=facts.key)
        return add_key(UserFacts(user=owner, grants=()), who, owner.name, lambda _: key)

    outcome = await context.storage.decide(KeyScope(key_id=FIRST_KEY), rule)
    return FirstRun(fresh=True, key=text) if isinstance(outcome, Changed) else FirstRun()


async def _give_key(context: ManagementContext, owner: User, text: str) -> FirstRun:
    who = actor(context, BY)
    key = key_row(context, context.ids.new("key"), owner, "AIHUB_OWNER_KEY", text, who.now_ms, _FIRST)

    def rule(facts: CallFacts) -> Outcome:
        if facts.key is not None:
            return Unchanged(row=facts.key)
        return add_key(UserFacts(user=owner, grants=()), who, owner.name, lambda _: key)

    outcome = await context.storage.decide(CallScope(fingerprint=key.fingerprint), rule)
    assert not isinstance(outcome, Denied)
    assert isinstance(outcome.row, ApiKey)
    return FirstRun(
        fresh=isinstance(outcome, Changed),
        given_key_revoked=isinstance(identify(outcome.row, owner, who.now_ms), InvalidKey),
    )


async def _echo(context: ManagementContext) -> None:
    """The built-in provider with one model.

    Its rate: 1 credit per million input tokens or characters of speech, 2 per million output tokens, 0.01 per image or
    second of video, 0.0001 per second of audio.
    """
    who, also = actor(context, BY), actor(context, BY)
    provider = ProviderRow(name=ECHO.name, dialect=ECHO.dialect, base_url=ECHO.base_url, created_ms=who.now_ms)
    rate = Rate(
        id=context.ids.new("rate"),
        provider=ECHO.name,
        model="echo",
        effective_ms=who.now_ms,
        known_ms=who.now_ms,
        source=BY,
        prices=UnitPrices(
            input_nanos=NANOS_PER_CREDIT,
            output_nanos=2 * NANOS_PER_CREDIT,
            image_nanos=NANOS_PER_CREDIT // 100 * UNITS_PER_RATE,
            second_nanos=NANOS_PER_CREDIT // 10_000 * UNITS_PER_RATE,
            video_second_nanos=NANOS_PER_CREDIT // 100 * UNITS_PER_RATE,
            character_nanos=NANOS_PER_CREDIT,
        ),
        context_tokens=128_000,
        output_tokens_max=4096,
    )

    def rule(facts: ProviderFacts) -> Outcome:
        if facts.provider is not None:
            return Unchanged(row=facts.provider)
        made = add_provider(facts, who, provider)
        sold = set_rate(ProviderFacts(provider=provider, credentials=(), rates=()), also, rate)
        return Changed(row=provider, writes=made.writes + sold.writes)

    await context.storage.decide(ProviderScope(name=ECHO.name), rule)
