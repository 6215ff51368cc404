"""The document of the books as they are, and the ids of the things that it names."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from domain.accounts.identity import flaw
from domain.accounts.rows import ApiKey, User
from domain.catalog.aliases import Alias
from domain.catalog.catalog import CatalogRows
from domain.catalog.rows import Credential, ProviderRow
from domain.limits.rows import RATES, Budget, Limit
from domain.pricing.rate import Rate
from entrypoints.usecases.manage import aliases
from entrypoints.usecases.manage.configuration.document import (
    AliasEntry,
    BudgetEntry,
    CredentialEntry,
    Document,
    KeyEntry,
    Kind,
    LaterRate,
    LimitEntry,
    ProviderEntry,
    RateEntry,
    TierAmounts,
    TierEntry,
    UserEntry,
    VariantEntry,
)
from entrypoints.usecases.manage.configuration.items import Parts, budget_item, label, limit_item
from entrypoints.usecases.manage.unit_amounts import amounts_of
from entrypoints.usecases.public_types import Credits, Dollars, Duration, Moment, moment
from ports.books import Storage


class Present(msgspec.Struct, frozen=True, kw_only=True):
    """The books as a document that states every field, the ids of what it names, and the credentials by their id."""

    document: Document
    ids: Mapping[tuple[Kind, Parts], str]
    credentials: Mapping[str, Credential]


async def present(storage: Storage, now_ms: int) -> Present:
    """The books at this moment."""
    users, keys = await storage.users(), await storage.keys()
    catalog = await storage.catalog()
    limits, budgets = await storage.limits(), await storage.budgets()
    ids: dict[tuple[Kind, Parts], str] = {}
    names = {user.id: user.name for user in users}
    own = [key for key in keys if key.team_id is None and key.user_id in names]
    valid = [key for key in own if flaw(key, now_ms) in (None, "disabled")]
    labels = _labels([(key.id, names[key.user_id], key.name) for key in valid])
    held = _labels([(one.id, one.provider, one.name) for one in catalog.credentials])
    ids |= {("keys", parts): key_id for key_id, parts in labels.items()}
    ids |= {("credentials", parts): credential_id for credential_id, parts in held.items()}
    subjects = _subjects(users, labels)
    limited, budgeted = _limits(limits, subjects), _budgets(budgets, subjects)
    ids |= {("limits", limit_item(entry, "").parts): limit_id for limit_id, entry in limited}
    ids |= {("budgets", budget_item(entry, "").parts): budget_id for budget_id, entry in budgeted}
    references = _references(catalog.credentials, held)
    caps = {one.subject.removeprefix("provider:"): one.amount for one in limits if one.measure == "exposure"}
    document = Document(
        providers={
            row.name: _provider(
                row,
                {
                    held[one.id][1]: CredentialEntry(secret=references[one.id], weight=one.weight)
                    for one in catalog.credentials
                    if one.provider == row.name
                },
                caps.get(row.name),
            )
            for row in catalog.providers
        },
        rates=_rates(catalog, now_ms),
        aliases={alias.name: _alias(alias) for alias in aliases.by_name(catalog.aliases)},
        users={user.name: _user(user, valid, labels) for user in users},
        limits=[entry for _, entry in limited],
        budgets=[entry for _, entry in budgeted],
    )
    return Present(document=document, ids=ids, credentials={one.id: one for one in catalog.credentials})


def _labels(things: Sequence[tuple[str, str, str]]) -> dict[str, Parts]:
    """Owner and label of each thing by its id: the second of one name is "team (2)"."""
    seen: Counter[tuple[str, str]] = Counter()
    found: dict[str, Parts] = {}
    for thing_id, owner, name in things:
        seen[owner, name] += 1
        found[thing_id] = (owner, label(name, seen[owner, name]))
    return found


def _subjects(users: Sequence[User], labels: Mapping[str, Parts]) -> dict[str, dict[str, Any]]:
    """The fields that name a subject, by the subject."""
    found: dict[str, dict[str, Any]] = {"hub": {}, "user:*": {"user": "*"}, "key:*": {"key": "*"}}
    found |= {f"user:{user.id}": {"user": user.name} for user in users}
    found |= {f"key:{key_id}": {"key": "/".join(parts)} for key_id, parts in labels.items()}
    return found


def _subject(subject: str, subjects: Mapping[str, dict[str, Any]]) -> dict[str, Any] | None:
    kind, _, name = subject.partition(":")
    return {"model": name} if kind == "model" else subjects.get(subject)


def _provider(row: ProviderRow, credentials: dict[str, CredentialEntry], cap_nanos: int | None) -> ProviderEntry:
    return ProviderEntry(
        dialect=row.dialect,
        base_url=row.base_url,
        display_name=row.display_name,
        priority=row.priority,
        weight=row.weight,
        enabled=row.disabled_ms is None,
        exposure_cap=None if cap_nanos is None else Dollars(cap_nanos),
        credentials=credentials,
    )


def _references(credentials: Sequence[Credential], held: Mapping[str, Parts]) -> dict[str, str]:
    """Where each secret is to be put for the document: the variable that it came from, or one of a name of its own."""
    found: dict[str, str] = {}
    seen: Counter[str] = Counter()
    for one in credentials:
        words = one.name.split()
        if len(words) == 3 and words[0] == "env" and words[2].startswith("#"):
            found[one.id] = f"env:{words[1]}{words[2]}"
            continue
        letters = (c if c.isascii() and c.isalnum() else " " for c in " ".join(held[one.id]))
        name = "_".join(("AIHUB_SECRET", *"".join(letters).upper().split()))
        seen[name] += 1
        found[one.id] = f"env:{name}" if seen[name] == 1 else f"env:{name}__{seen[name]}"
    return found


def _rates(catalog: CatalogRows, now_ms: int) -> dict[str, RateEntry]:
    """The rate of each model that holds now, and those that will follow it. A clock that went back is not followed."""
    now_ms = catalog.indexed().present_ms(now_ms)
    standing = {row.name for row in catalog.providers}
    versions: dict[tuple[str, str], list[Rate]] = {}
    for rate in sorted(catalog.rates, key=lambda rate: (rate.effective_ms, rate.known_ms)):
        versions.setdefault((rate.provider, rate.model), []).append(rate)
    found: dict[str, RateEntry] = {}
    for (provider, model), known in sorted(versions.items()):
        begun = [rate for rate in known if rate.effective_ms <= now_ms]
        later = {rate.effective_ms: rate for rate in known if rate.effective_ms > now_ms and not rate.removed}
        if provider not in standing or not (later or (begun and not begun[-1].removed)):
            continue
        following = [LaterRate(since=Moment(at_ms), **_terms(rate)) for at_ms, rate in later.items()]
        now = _terms(begun[-1]) if begun and not begun[-1].removed else {}
        found[f"{provider}/{model}"] = RateEntry(**now, later=following)
    return found


def _terms(rate: Rate) -> dict[str, Any]:
    """Everything that is known of a rate, as a document states it."""
    return {
        **amounts_of(rate.prices),
        "variants": [
            VariantEntry(size=one.size, quality=one.quality, **amounts_of(one.prices)) for one in rate.variants
        ],
        "tiers": [
            TierEntry(
                prices=TierAmounts(**amounts_of(tier.prices)),
                service=tier.service,
                above_tokens=tier.above_tokens,
                from_minute=tier.from_minute,
                until_minute=tier.until_minute,
            )
            for tier in rate.tiers
        ],
        "names": rate.names,
        "context": rate.context_tokens,
        "max_output": rate.output_tokens_max,
        "capabilities": rate.capabilities,
        "display_name": rate.display_name,
        "hidden": rate.hidden,
        "source": rate.source,
    }


def _alias(alias: Alias) -> AliasEntry:
    timeout_ms = alias.first_token_timeout_ms
    return AliasEntry(
        targets=[aliases.short_target(target) for target in alias.targets],
        strategy=alias.strategy,
        canary=f"{alias.canary.model}={alias.canary.percent}%" if alias.canary else None,
        first_token_timeout_s=None if timeout_ms is None else timeout_ms // 1000,
    )


def _user(user: User, keys: Sequence[ApiKey], labels: Mapping[str, Parts]) -> UserEntry:
    return UserEntry(
        role=user.role,
        email=user.email,
        display_name=user.display_name,
        enabled=user.disabled_ms is None,
        keys={
            labels[key.id][1]: KeyEntry(
                purpose=key.purpose,
                models=key.models,
                operations=key.operations,
                app=key.app,
                expires=moment(key.expires_ms),
                enabled=key.disabled_ms is None,
            )
            for key in keys
            if key.user_id == user.id
        },
    )


def _limits(limits: Sequence[Limit], subjects: Mapping[str, dict[str, Any]]) -> list[tuple[str, LimitEntry]]:
    """The limits by their ids; those of keys that are no longer valid are left out."""
    found = []
    for one in limits:
        named = _subject(one.subject, subjects)
        if named is not None and one.measure != "exposure" and one.measure != "paid_calls":
            per = Duration(one.window_ms) if one.measure in RATES else None
            found.append((one.id, LimitEntry(measure=one.measure, amount=one.amount, per=per, **named)))
    return found


def _budgets(budgets: Sequence[Budget], subjects: Mapping[str, dict[str, Any]]) -> list[tuple[str, BudgetEntry]]:
    """The budgets by their ids; of two of one subject and period the older one."""
    found: dict[tuple[str, str], tuple[str, BudgetEntry]] = {}
    for one in budgets:
        named = _subject(one.subject, subjects)
        if named is not None:
            entry = BudgetEntry(
                amount=Credits(one.amount_nanos),
                period=one.period,
                time_zone=one.time_zone,
                alerts=[*one.alerts],
                **named,
            )
            found.setdefault((one.subject, one.period), (one.id, entry))
    return [*found.values()]
