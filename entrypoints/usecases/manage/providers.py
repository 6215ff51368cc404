"""Providers and their credentials: added, removed, listed, and taken from the environment.

A credential's secret is sealed before it reaches the books, for the row of its own id.
"""

import re
from collections.abc import Mapping, Sequence

from domain.books.management_scopes import CredentialScope, ProviderFacts, ProviderScope
from domain.catalog.aliases import PRIORITY_MAX
from domain.catalog.rows import Credential, ProviderRow
from domain.catalog.vendors import DIALECTS, ECHO, VENDORS
from domain.management.changes import (
    Actor,
    Changed,
    Denied,
    Outcome,
    Unchanged,
    activate_credential,
    add_credential,
    add_provider,
    remove_credential,
    remove_provider,
)
from domain.refusals import BadRequest, Remedy
from entrypoints.usecases.manage.base_urls import base_url_problem
from entrypoints.usecases.manage.masking import is_secret_text, masked
from entrypoints.usecases.management_context import ManagementContext, actor
from entrypoints.usecases.sealed_identities import credential_row
from ports.readers.catalog import CatalogReader
from ports.vault import Vault, VaultError

WEIGHT = 100
WEIGHT_MAX = 1_000_000
SECRET_CHARACTERS_MAX = 16_384
DISPLAY_CHARACTERS_MAX = 100
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


async def create_provider(
    context: ManagementContext,
    by: str,
    name: str,
    dialect: str | None = None,
    base_url: str | None = None,
    priority: int = 0,
    weight: int = 1,
    display_name: str | None = None,
    region: str | None = None,
) -> Outcome:
    """A provider; a name that the hub knows brings its dialect and URL, where none is given."""
    if region is not None and base_url is None and (base_url := url_of_region(name, region)) is None:
        return Denied(refusal=no_region(name))
    described = describe_provider(name, dialect, base_url)
    if isinstance(described, BadRequest):
        return Denied(refusal=described)
    if (problem_of_name := display_name_problem(display_name)) is not None:
        return Denied(refusal=problem_of_name)
    chat_dialect, url = described
    who = actor(context, by)
    for field, value, least, most in (("priority", priority, 0, PRIORITY_MAX), ("weight", weight, 1, WEIGHT_MAX)):
        if not least <= value <= most:
            return Denied(refusal=BadRequest(field=field, problem=f"write a whole number from {least} to {most}"))
    row = ProviderRow(
        name=name,
        dialect=chat_dialect,
        base_url=url,
        created_ms=who.now_ms,
        priority=priority,
        weight=weight,
        display_name=display_name or None,
    )
    return await context.storage.decide(ProviderScope(name=name), lambda facts: add_provider(facts, who, row))


def url_of_region(name: str, region: str) -> str | None:
    """The URL of a provider in another region; None if the vendor's URL has no region, or this is no region."""
    vendor = VENDORS.get(name)
    found = _REGION.search(vendor.base_url) if vendor else None
    if vendor is None or found is None or not _REGION.fullmatch(region):
        return None
    return vendor.base_url.replace(found[0], region)


def region_of(row: ProviderRow) -> str | None:
    """The region in the provider's URL, where its vendor has one URL for each region."""
    vendor = VENDORS.get(row.name)
    if vendor is None or not _REGION.search(vendor.base_url):
        return None
    found = _REGION.search(row.base_url)
    return found[0] if found else None


def no_region(name: str) -> BadRequest:
    """The refusal of a region for a provider that has none, or of a text that is none."""
    return BadRequest(field="region", problem=f"{name} has no such region: write one such as eu-central-1 for bedrock")


def display_name_problem(text: str | None) -> BadRequest | None:
    """What is wrong with a display name."""
    if text is not None and (len(text) > DISPLAY_CHARACTERS_MAX or not text.isprintable()):
        return BadRequest(field="display_name", problem=f"write at most {DISPLAY_CHARACTERS_MAX} printable characters")
    return None


def describe_provider(name: str, dialect: str | None, base_url: str | None) -> tuple[str, str] | BadRequest:
    """The dialect and the URL of a provider to add, or the refusal of an invalid field."""
    if not _NAME.fullmatch(name):
        problem = f"{name!r} is no provider name: write letters, digits, dots, hyphens and underscores, 64 at most"
        return BadRequest(field="name", problem=problem)
    if dialect is not None and dialect not in DIALECTS:
        return BadRequest(field="dialect", problem=f"{dialect!r} is unknown: write one of {', '.join(DIALECTS)}")
    known = ECHO if dialect == "echo" else VENDORS.get(name)
    chat_dialect = dialect if dialect not in (None, "echo") else known.dialect if known else None
    if chat_dialect is None:
        problem = f"{name} is not a name that the hub knows ({', '.join(VENDORS)}): name its dialect"
        return BadRequest(field="dialect", problem=problem)
    if base_url is None:
        if known is None or known.dialect != chat_dialect:
            problem = f"give the URL of {name}, such as https://api.example.com/v1"
            return BadRequest(field="base_url", problem=problem)
        if known.has_own_url:
            return BadRequest(field="base_url", problem=f"give the URL of your {name}: {known.base_url}")
        base_url = known.base_url
    if problem_of_url := base_url_problem(base_url):
        return BadRequest(field="base_url", problem=problem_of_url)
    if base_url == ECHO.base_url and chat_dialect != ECHO.dialect:
        return BadRequest(field="dialect", problem=f"the built-in provider speaks {ECHO.dialect}")
    return chat_dialect, base_url.rstrip("/")


async def delete_provider(context: ManagementContext, by: str, name: str) -> Outcome:
    """The provider and its credentials are used no more."""
    who = actor(context, by)
    return await context.storage.decide(ProviderScope(name=name), lambda facts: remove_provider(facts, who, name))


async def create_credential(
    context: ManagementContext, by: str, provider: str, secret: str, label: str = "", weight: int = WEIGHT
) -> Outcome:
    """A secret for an existing provider; of several, each is used in proportion to its weight."""
    if (problem_of_secret := secret_problem(secret) or label_problem(label) or weight_problem(weight)) is not None:
        return Denied(refusal=problem_of_secret)
    who = actor(context, by)
    row = _sealed(context, provider, secret, label, weight, who.now_ms)

    def rule(facts: ProviderFacts) -> Outcome:
        same = next((c for c in facts.credentials if c.removed_ms is None and holds(context.vault, c, secret)), None)
        if same is None:
            return add_credential(facts, who, row)
        held = f"{same.id} holds it already"
        if same.active:
            return Denied(refusal=BadRequest(field="secret", problem=f"{held}; its weight would be doubled"))
        remedy = Remedy("credential activate", same.id)
        return Denied(refusal=BadRequest(field="secret", problem=held, remedy=remedy))

    return await context.storage.decide(ProviderScope(name=provider), rule)


def secret_problem(secret: str) -> BadRequest | None:
    """What is wrong with a secret, without the secret."""
    if is_secret_text(secret) and len(secret) <= SECRET_CHARACTERS_MAX:
        return None
    problem = f"give printable ASCII without blanks, {SECRET_CHARACTERS_MAX} characters at most"
    return BadRequest(field="secret", problem=problem)


def weight_problem(weight: int) -> BadRequest | None:
    """What is wrong with a weight."""
    if 1 <= weight <= WEIGHT_MAX:
        return None
    return BadRequest(field="weight", problem=f"write a whole number from 1 to {WEIGHT_MAX}")


def label_problem(label: str) -> BadRequest | None:
    """What is wrong with the name of a credential."""
    if len(label) <= 200 and label.isprintable():
        return None
    return BadRequest(field="name", problem="write at most 200 printable characters")


async def delete_credential(context: ManagementContext, by: str, credential_id: str) -> Outcome:
    """The credential is used no more."""
    who = actor(context, by)
    return await context.storage.decide(
        CredentialScope(credential_id=credential_id),
        lambda credential: remove_credential(credential, who, credential_id),
    )


async def reactivate(context: ManagementContext, by: str, credential_id: str) -> Outcome:
    """The credential is used again, although its provider rejected it once."""
    who = actor(context, by)
    return await context.storage.decide(
        CredentialScope(credential_id=credential_id),
        lambda credential: activate_credential(credential, who, credential_id),
    )


async def providers(storage: CatalogReader) -> Sequence[ProviderRow]:
    """All providers that are not removed."""
    return (await storage.catalog()).providers


async def credentials(storage: CatalogReader) -> Sequence[Credential]:
    """All credentials that are not removed, also those that their provider rejected."""
    return (await storage.catalog()).credentials


async def register_vendor_keys(
    context: ManagementContext, by: str, keys: Mapping[str, Sequence[str]]
) -> list[Credential]:
    """Add the vendors' keys by their variables' names; keys that exist already or were removed stay as they are."""
    registered: list[Credential] = []
    for vendor in VENDORS.values():
        for variable in (vendor.env, vendor.env_also):
            for n, secret in enumerate(keys.get(variable or "", ()), 1):
                row = await _register(context, by, vendor.name, secret, f"env {variable} #{n}")
                registered += [row] if row else []
    return registered


async def _register(context: ManagementContext, by: str, provider: str, secret: str, label: str) -> Credential | None:
    who, also = actor(context, by), actor(context, by)
    row = _sealed(context, provider, secret, label, WEIGHT, who.now_ms)

    def rule(facts: ProviderFacts) -> Outcome:
        known = next((c for c in facts.credentials if holds(context.vault, c, secret)), None)
        return Unchanged(row=known) if known else _with_provider(facts, who, also, row)

    outcome = await context.storage.decide(ProviderScope(name=provider), rule)
    return row if isinstance(outcome, Changed) else None


def _with_provider(facts: ProviderFacts, who: Actor, also: Actor, credential: Credential) -> Outcome:
    """The rule: add the credential, and its provider too if that was never added or removed."""
    if facts.provider is not None:
        return add_credential(facts, who, credential)
    vendor = VENDORS[credential.provider]
    if vendor.has_own_url:
        problem = f"add {vendor.name} first, with your own URL: {vendor.base_url}"
        return Denied(refusal=BadRequest(field=vendor.env, problem=problem))
    provider = ProviderRow(name=vendor.name, dialect=vendor.dialect, base_url=vendor.base_url, created_ms=who.now_ms)
    made = add_provider(facts, also, provider)
    added = add_credential(ProviderFacts(provider=provider, credentials=(), rates=()), who, credential)
    return Changed(row=credential, writes=made.writes + added.writes)


def holds(vault: Vault, credential: Credential, secret: str) -> bool:
    """Whether the credential holds this secret. Two seals of one secret differ, so it is opened to compare."""
    try:
        return vault.unseal(credential.sealed, credential_row(credential.id)) == secret.encode()
    except VaultError:
        return False


def _sealed(context: ManagementContext, provider: str, secret: str, label: str, weight: int, now_ms: int) -> Credential:
    credential_id = context.ids.new("cred")
    return Credential(
        id=credential_id,
        provider=provider,
        name=label,
        sealed=context.vault.seal(secret.encode(), credential_row(credential_id)),
        masked=masked(secret),
        weight=weight,
        created_ms=now_ms,
    )
