"""How each change is made: by the use case of the action that an operator would use for it."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, TypeAlias

import msgspec

from domain.management.changes import Denied
from domain.pricing.tiers import Tier
from domain.refusals import BadRequest
from entrypoints.usecases.manage import (
    aliases,
    budgets,
    exposure,
    keys,
    limits,
    provider_actions,
    provider_changes,
    rates,
    users,
)
from entrypoints.usecases.manage.configuration.compare import Step
from entrypoints.usecases.manage.configuration.document import AliasEntry, KeyEntry, Kind, ProviderEntry, TierEntry
from entrypoints.usecases.manage.configuration.items import Parts, name_in, stated_rate
from entrypoints.usecases.manage.key_terms import KeyTerms
from entrypoints.usecases.manage.providers import WEIGHT
from entrypoints.usecases.manage.rate_actions import amounts_problem, read_variant
from entrypoints.usecases.manage.unit_amounts import unit_prices
from entrypoints.usecases.management_context import ActionContext, Denial, acting
from entrypoints.usecases.public_types import Dollars, Moment, read


class Making(msgspec.Struct, kw_only=True):
    """One pass over the steps: the context, the ids of what the document names, the secrets, and the keys made."""

    context: ActionContext
    ids: dict[tuple[Kind, Parts], str]
    secrets: Mapping[Parts, str]
    minted: dict[Parts, str] = {}

    @property
    def read(self) -> Callable[[type, Any], int]:
        """The reader of amounts, moments and durations."""
        return partial(read, self.context.hub.clock.now_ms())


_Made: TypeAlias = Denial | None
_Maker: TypeAlias = Callable[[Making, Step], Awaitable[_Made]]


async def make(making: Making, step: Step) -> Denial | None:
    """Make one change; the refusal if it cannot be made."""
    maker = _MAKERS[step.change.kind, step.change.action == "remove"]
    try:
        return await maker(making, step)
    except (ValueError, msgspec.ValidationError) as error:
        return BadRequest(field=None, problem=str(error))


def _denial(reply: object) -> _Made:
    return reply if isinstance(reply, Denial) else None


def _moved(step: Step) -> dict[str, Any]:
    return {move.field: move.after for move in step.change.moves}


def _texts(given: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The texts of these names that are given; none is written as an empty one."""
    return {name: given[name] or "" for name in names if name in given}


async def _user(making: Making, step: Step) -> _Made:
    (name,), moved, context = step.item.parts, _moved(step), making.context
    role = {"role": moved["role"]} if "role" in moved else {}
    texts = _texts(moved, "email", "display_name")
    made: object = None
    if step.change.action == "add":
        made = await users.add_user(context, users.AddUser(name=name, **role, **texts))
    elif role or texts:
        made = await users.change_user(context, users.ChangeUser(name=name, **role, **texts))
    if (
        _denial(made) is None
        and moved.get("enabled") is not None
        and (step.change.action != "add" or not moved["enabled"])
    ):
        switch = users.enable_user if moved["enabled"] else users.disable_user
        made = await switch(context, users.NamedUser(name=name))
    return _denial(made)


async def _disable_user(making: Making, step: Step) -> _Made:
    return _denial(await users.disable_user(making.context, users.NamedUser(name=step.item.parts[0])))


async def _key(making: Making, step: Step) -> _Made:
    context, parts = making.context, step.item.parts
    entry = msgspec.convert({k: v for k, v in step.whole.items() if v is not None}, KeyEntry, dec_hook=making.read)
    terms = KeyTerms(
        expires_ms=entry.expires or None,
        models=entry.models or (),
        operations=entry.operations or (),
        purpose=entry.purpose or "models",
        app=entry.app or None,
    )
    if step.change.action == "add":
        made = await keys.mint(context.hub, acting(context), parts[0], name_in(parts[1]), terms)
        if not isinstance(made, keys.Minted):
            return made
        making.ids["keys", parts] = made.key.id
        making.minted[parts] = made.text
    else:
        denial = _denial(await keys.set_terms(context, making.ids["keys", parts], terms))
        if denial is not None:
            return denial
    named = keys.NamedKey(id=making.ids["keys", parts])
    if (enabled := _moved(step).get("enabled")) is None or (enabled and step.change.action == "add"):
        return None
    return _denial(await (keys.enable_key if enabled else keys.disable_key)(context, named))


async def _revoke_key(making: Making, step: Step) -> _Made:
    key_id = making.ids["keys", step.item.parts]
    return _denial(await keys.revoke_key(making.context, keys.NamedKey(id=key_id)))


async def _provider(making: Making, step: Step) -> _Made:
    (name,), context, moved = step.item.parts, making.context, _moved(step)
    plain = ("dialect", "base_url", "display_name", "priority", "weight")
    made: object = None
    if step.change.action == "add" or "dialect" in moved:
        given = {field: step.whole[field] for field in plain if step.whole.get(field) is not None}
        made = await provider_actions.add_provider(context, provider_actions.AddProvider(name=name, **given))
    elif any(field in moved for field in plain):
        values = {field: moved[field] for field in plain if field in moved} | _texts(moved, "display_name")
        made = await provider_changes.change_provider(context, provider_changes.ChangeProvider(name=name, **values))
    if (denial := _denial(made)) is not None:
        return denial
    if (enabled := moved.get("enabled")) is not None and (step.change.action != "add" or not enabled):
        switch = provider_changes.enable_provider if enabled else provider_changes.disable_provider
        made = await switch(context, provider_actions.NamedProvider(name=name))
    if _denial(made) is None and "exposure_cap" in moved:
        entry = msgspec.convert({"exposure_cap": moved["exposure_cap"]}, ProviderEntry, dec_hook=making.read)
        cap = entry.exposure_cap if isinstance(entry.exposure_cap, Dollars) else None
        made = await exposure.cap_exposure(context, exposure.CapExposure(provider=name, amount=cap))
    return _denial(made)


async def _remove_provider(making: Making, step: Step) -> _Made:
    request = provider_actions.NamedProvider(name=step.item.parts[0])
    return _denial(await provider_actions.remove_provider(making.context, request))


async def _credential(making: Making, step: Step) -> _Made:
    parts, moved = step.item.parts, _moved(step)
    if step.change.action == "add":
        request = provider_actions.AddCredential(
            provider=parts[0],
            secret=making.secrets[parts],
            name=name_in(parts[1]),
            weight=step.whole.get("weight") or WEIGHT,
        )
        return _denial(await provider_actions.add_credential(making.context, request))
    change = provider_changes.ChangeCredential(
        id=making.ids["credentials", parts],
        name=name_in(parts[1]) if "name" in moved else None,
        weight=moved.get("weight"),
        secret=making.secrets[parts] if "secret" in moved else None,
    )
    return _denial(await provider_changes.change_credential(making.context, change))


async def _remove_credential(making: Making, step: Step) -> _Made:
    request = provider_actions.NamedCredential(id=making.ids["credentials", step.item.parts])
    return _denial(await provider_actions.remove_credential(making.context, request))


async def _rate(making: Making, step: Step) -> _Made:
    model, since = step.item.parts
    entry = stated_rate(step.whole, making.read)
    units = unit_prices(entry)
    variants = tuple(map(read_variant, entry.variants or ()))
    tiers: list[TierEntry] = entry.tiers or []
    if (problem := amounts_problem(units, variants)) is not None:
        return problem
    prices = rates.Prices(
        units=units,
        context_tokens=entry.context or None,
        output_tokens_max=entry.max_output or None,
        capabilities=None if entry.capabilities is msgspec.UNSET else entry.capabilities,
        variants=variants,
        tiers=tuple(
            Tier(
                prices=unit_prices(tier.prices),
                service=tier.service,
                above_tokens=tier.above_tokens,
                from_minute=tier.from_minute,
                until_minute=tier.until_minute,
            )
            for tier in tiers
        ),
        names=entry.names or (),
        display_name=entry.display_name or None,
        hidden=entry.hidden is True,
        source=entry.source or rates.RATE_SOURCE,
        keeps_listing=False,
    )
    since_ms = making.read(Moment, since) if since else None
    outcome = await rates.put_rate(making.context.hub, making.context.by, model, prices, since_ms)
    return outcome.refusal if isinstance(outcome, Denied) else None


async def _remove_rate(making: Making, step: Step) -> _Made:
    outcome = await rates.delete_rate(making.context.hub, making.context.by, step.item.parts[0])
    return outcome.refusal if isinstance(outcome, Denied) else None


async def _alias(making: Making, step: Step) -> _Made:
    given = {field: value for field, value in step.whole.items() if value is not None}
    entry = msgspec.convert(given, AliasEntry)
    request = aliases.SetAlias(
        name=step.item.parts[0],
        targets=tuple(entry.targets or ()),
        strategy=entry.strategy or "round-robin",
        canary=entry.canary or None,
        first_token_timeout_s=entry.first_token_timeout_s or None,
    )
    return _denial(await aliases.define_alias(making.context, request))


async def _remove_alias(making: Making, step: Step) -> _Made:
    return _denial(await aliases.drop_alias(making.context, aliases.NamedAlias(name=step.item.parts[0])))


def _subject(making: Making, subject: str) -> dict[str, Any] | BadRequest:
    """The field of the request that names the subject."""
    kind, _, name = subject.partition(":")
    if kind != "key" or name == "*":
        return {kind: name} if name else {}
    user, _, key = name.partition("/")
    key_id = making.ids.get(("keys", (user, key)))
    if key_id is None:
        problem = f"there is no key {name!r}: write USER/KEY, both as this document names them"
        return BadRequest(field="key", problem=problem)
    return {"key": key_id}


async def _limit(making: Making, step: Step) -> _Made:
    subject, measure, per = step.item.parts
    named = _subject(making, subject)
    if isinstance(named, BadRequest):
        return named
    given = {"measure": measure, "amount": step.whole["amount"], **named} | ({"per": per} if per else {})
    return _denial(
        await limits.set_limit(making.context, msgspec.convert(given, limits.SetLimit, dec_hook=making.read))
    )


async def _remove_limit(making: Making, step: Step) -> _Made:
    request = limits.RemoveLimit(id=making.ids["limits", step.item.parts])
    return _denial(await limits.remove_limit(making.context, request))


async def _budget(making: Making, step: Step) -> _Made:
    subject, period = step.item.parts
    named = _subject(making, subject)
    if isinstance(named, BadRequest):
        return named
    given = {
        "amount": step.whole["amount"],
        "period": period,
        "time_zone": step.whole.get("time_zone") or "UTC",
        "alerts": ",".join(map(str, step.whole.get("alerts") or ())),
        "id": making.ids.get(("budgets", step.item.parts)),
        **named,
    }
    request = msgspec.convert(given, budgets.SetBudget, dec_hook=making.read)
    return _denial(await budgets.set_budget(making.context, request))


async def _remove_budget(making: Making, step: Step) -> _Made:
    request = budgets.NamedBudget(id=making.ids["budgets", step.item.parts])
    return _denial(await budgets.remove_budget(making.context, request))


# By kind, and whether the thing goes.
_MAKERS: Mapping[tuple[Kind, bool], _Maker] = {
    ("users", False): _user,
    ("users", True): _disable_user,
    ("keys", False): _key,
    ("keys", True): _revoke_key,
    ("providers", False): _provider,
    ("providers", True): _remove_provider,
    ("credentials", False): _credential,
    ("credentials", True): _remove_credential,
    ("rates", False): _rate,
    ("rates", True): _remove_rate,
    ("aliases", False): _alias,
    ("aliases", True): _remove_alias,
    ("limits", False): _limit,
    ("limits", True): _remove_limit,
    ("budgets", False): _budget,
    ("budgets", True): _remove_budget,
}
