"""The actions that change providers and credentials after they were added."""

from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from domain.books.management_scopes import CredentialScope, ProviderFacts, ProviderScope
from domain.catalog.aliases import PRIORITY_MAX
from domain.catalog.rows import Credential, ProviderRow
from domain.management import provider_changes
from domain.management.changes import Actor, Outcome
from domain.refusals import BadRequest, NotFound, Remedy
from entrypoints.usecases.manage import providers
from entrypoints.usecases.manage.base_urls import base_url_problem
from entrypoints.usecases.manage.masking import masked
from entrypoints.usecases.manage.provider_actions import (
    CredentialView,
    NamedProvider,
    ProviderView,
    credential_view,
    provider_view,
)
from entrypoints.usecases.management_context import ActionContext, Denial, acting, row_of
from entrypoints.usecases.sealed_identities import credential_row


class ChangeProvider(msgspec.Struct, frozen=True, kw_only=True):
    """The provider to change; what is left out stays as it is."""

    name: Annotated[str, Meta(description="the name of the provider")]
    display_name: Annotated[str | None, Meta(description="what people see; empty for the name")] = None
    base_url: Annotated[str | None, Meta(description="what the paths of the dialect are appended to")] = None
    region: Annotated[str | None, Meta(description="of the vendor's servers, such as eu-central-1")] = None
    priority: Annotated[int | None, Meta(description="providers of a lower number are tried first")] = None
    weight: Annotated[int | None, Meta(description="its share of the calls among those of one priority")] = None


class ChangeCredential(msgspec.Struct, frozen=True, kw_only=True):
    """The credential to change; what is left out stays as it is. With a new secret it is used again."""

    id: Annotated[str, Meta(description="the id of the credential")]
    name: Annotated[str | None, Meta(description="what to call it")] = None
    weight: Annotated[int | None, Meta(description="its share of the calls")] = None
    secret: Annotated[str | None, Meta(description="the new secret itself")] = None


async def change_provider(context: ActionContext, request: ChangeProvider) -> ProviderView | Denial:
    """The provider with another display name, URL, region, priority or weight."""
    new = await _new_values(context, request)
    if isinstance(new, BadRequest | NotFound):
        return new
    return await _changed(
        context, request.name, lambda facts, who, name: provider_changes.change_provider(facts, who, name, new)
    )


async def disable_provider(context: ActionContext, request: NamedProvider) -> ProviderView | Denial:
    """The provider is no candidate for any call."""
    return await _changed(context, request.name, provider_changes.disable_provider)


async def enable_provider(context: ActionContext, request: NamedProvider) -> ProviderView | Denial:
    """The provider is called again."""
    return await _changed(context, request.name, provider_changes.enable_provider)


async def change_credential(context: ActionContext, request: ChangeCredential) -> CredentialView | Denial:
    """The credential with another name, weight or secret."""
    problem = (
        (providers.label_problem(request.name) if request.name is not None else None)
        or (providers.weight_problem(request.weight) if request.weight is not None else None)
        or (providers.secret_problem(request.secret) if request.secret is not None else None)
    )
    if problem is not None:
        return problem
    given = {"name": request.name, "weight": request.weight}
    new: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if request.secret is not None:
        sealed = context.hub.vault.seal(request.secret.encode(), credential_row(request.id))
        new |= {"sealed": sealed, "masked": masked(request.secret)}
    who = acting(context)
    outcome = await context.hub.storage.decide(
        CredentialScope(credential_id=request.id),
        lambda credential: provider_changes.change_credential(credential, who, request.id, new),
    )
    row = row_of(outcome, Credential)
    return credential_view(row) if isinstance(row, Credential) else row


async def _new_values(context: ActionContext, request: ChangeProvider) -> dict[str, Any] | BadRequest | NotFound:
    """The fields to replace, or what is wrong with one of them."""
    url = request.base_url
    if request.region is not None:
        if url is None and all(row.name != request.name for row in await providers.providers(context.hub.storage)):
            return NotFound(kind="provider", name=request.name, remedy=Remedy("provider list"))
        if url is None and (url := providers.url_of_region(request.name, request.region)) is None:
            return providers.no_region(request.name)
    if (problem := providers.display_name_problem(request.display_name)) is not None:
        return problem
    if url is not None and (problem_of_url := base_url_problem(url)):
        return BadRequest(field="base_url", problem=problem_of_url)
    numbers = (("priority", request.priority, 0, PRIORITY_MAX), ("weight", request.weight, 1, providers.WEIGHT_MAX))
    for field, value, least, most in numbers:
        if value is not None and not least <= value <= most:
            return BadRequest(field=field, problem=f"write a whole number from {least} to {most}")
    new: dict[str, Any] = {field: value for field, value, _, _ in numbers if value is not None}
    if url is not None:
        new["base_url"] = url.rstrip("/")
    if request.display_name is not None:
        new["display_name"] = request.display_name or None
    return new


async def _changed(
    context: ActionContext, name: str, rule: Callable[[ProviderFacts, Actor, str], Outcome]
) -> ProviderView | Denial:
    who = acting(context)
    outcome = await context.hub.storage.decide(ProviderScope(name=name), lambda facts: rule(facts, who, name))
    row = row_of(outcome, ProviderRow)
    return provider_view(row) if isinstance(row, ProviderRow) else row
