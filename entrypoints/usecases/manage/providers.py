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
from ports.vault import VaultError

WEIGHT = 100
WEIGHT_MAX = 1_000_000
SECRET_CHARACTERS_MAX = 16_384
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


async def create_provider(
    context: ManagementContext,
    by: str,
    name: str,
    dialect: str | None = None,
    base_url: str | None = None,
    priority: int = 0,
    weight: int = 1,
) -> Outcome:
    """A provider; a name that the hub knows brings its dialect and URL, where none is given."""
    described = describe_provider(name, dialect, base_url)
    if isinstance(described, BadRequest):
        return Denied(refusal=described)
    chat_dialect, url = described
    who = actor(context, by)
    for field, value, least, most in (("priority", priority, 0, PRIORITY_MAX), ("weight", weight, 1, WEIGHT_MAX)):
        if not least <= value <= most:
            return Denied(refusal=BadRequest(field=field, problem=f"write a whole number from {least} to {most}"))
    row = ProviderRow(
        name=name, dialect=chat_dialect, base_url=url, created_ms=who.now_ms, priority=priority, weight=weight
    )
    return await context.storage.decide(ProviderScope(name=name), lambda facts: add_provider(facts, who, row))


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
        problem = f"{name} is not a name that the hub knows ({', '.join(VENDORS)}): say what it speaks"
        return BadRequest(field="dialect", problem=problem)
    if base_url is None:
        if known is None or known.dialect != chat_dialect:
            problem = f"say where {name} is, such as https://api.example.com/v1"
            return BadRequest(field="base_url", problem=problem)
        if known.has_own_url:
            return BadRequest(field="base_url", problem=f"say where your {name} is: {known.base_url}")
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
    if not is_secret_text(secret) or len(secret) > SECRET_CHARACTERS_MAX:
        problem = f"give printable ASCII without blanks, {SECRET_CHARACTERS_MAX} characters at most"
        return Denied(refusal=BadRequest(field="secret", problem=problem))
    if not 1 <= weight <= WEIGHT_MAX:
        return Denied(refusal=BadRequest(field="weight", problem=f"write a whole number from 1 to {WEIGHT_MAX}"))
    if len(label) > 200 or not label.isprintable():
        return Denied(refusal=BadRequest(field="name", problem="write at most 200 printable characters"))
    who = actor(context, by)
    row = _sealed(context, provider, secret, label, weight, who.now_ms)

    def rule(facts: ProviderFacts) -> Outcome:
        same = next((c for c in facts.credentials if c.removed_ms is None and _is_of(context, c, secret)), None)
        if same is None:
            return add_credential(facts, who, row)
        held = f"{same.id} holds it already"
        if same.active:
            return Denied(refusal=BadRequest(field="secret", problem=f"{held}; its weight would be doubled"))
        remedy = Remedy("credential activate", same.id)
        return Denied(refusal=BadRequest(field="secret", problem=held, remedy=remedy))

    return await context.storage.decide(ProviderScope(name=provider), rule)


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
        known = next((c for c in facts.credentials if _is_of(context, c, secret)), None)
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


def _is_of(context: ManagementContext, credential: Credential, secret: str) -> bool:
    """Whether the credential holds this secret. Two seals of one secret differ, so it is opened to compare."""
    try:
        return context.vault.unseal(credential.sealed, credential_row(credential.id)) == secret.encode()
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
