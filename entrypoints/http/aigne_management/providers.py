"""AIGNE's routes of providers."""

from collections.abc import Mapping
from typing import Any

from domain.catalog.rows import ProviderRow
from domain.catalog.vendors import VENDORS
from domain.refusals import BadRequest, NotFound, Refusal
from entrypoints.http.aigne_management.access import Problem, Visit, wrong
from entrypoints.http.aigne_management.credentials import credential_view
from entrypoints.http.aigne_management.rates import rates_of_provider
from entrypoints.http.aigne_management.values import body_of, iso, text_of, unknown_field
from entrypoints.usecases.manage import provider_actions, provider_changes, providers
from entrypoints.usecases.manage.provider_actions import NEVER_USED, credential_usage

_FIELDS = ("name", "displayName", "baseUrl", "region", "enabled", "config")


async def list_providers(visit: Visit) -> Any:
    """`GET /api/ai-providers`: everything for admins; what a provider is called for everybody else."""
    rows = await visit.acting.hub.storage.catalog()
    name = visit.request.query_value("name")
    chosen = [row for row in rows.providers if name in (None, row.name)]
    if not visit.is_admin:
        return [_public(row) for row in chosen]
    used = await credential_usage(visit.acting.hub)
    listed = []
    for row in chosen:
        of_it = [credential for credential in rows.credentials if credential.provider == row.name]
        view = {
            **provider_view(row),
            "credentials": [credential_view(one, used.get(one.id, NEVER_USED)) for one in of_it],
        }
        if visit.request.query_value("includeModelRates") in ("1", "true"):
            view["modelRates"] = await rates_of_provider(visit, row.name, with_hidden=True)
        listed.append(view)
    return listed


async def create_provider(visit: Visit) -> Any:
    """`POST /api/ai-providers`: a new provider; one of the same name is a conflict."""
    body = body_of(visit.request)
    if isinstance(body, BadRequest):
        return body
    fields = _read(body)
    if isinstance(fields, BadRequest):
        return fields
    name = fields.pop("name", None)
    if not isinstance(name, str):
        return wrong("name", "The field is missing.")
    if any(row.name == name for row in await providers.providers(visit.acting.hub.storage)):
        return Problem(409, "Provider with this name already exists")
    enabled = fields.pop("enabled", True)
    dialect = None if name in VENDORS else "openai"
    made = await provider_actions.add_provider(
        visit.acting, provider_actions.AddProvider(name=name, dialect=dialect, **fields)
    )
    if isinstance(made, Refusal):
        return made
    if not enabled:
        await provider_changes.disable_provider(visit.acting, provider_actions.NamedProvider(name=name))
    return await _provider(visit, name)


async def change_provider(visit: Visit) -> Any:
    """`PUT /api/ai-providers/{id}`: every field that is given; what is left out stays."""
    name = visit.request.path_values["provider"]
    body = body_of(visit.request)
    if isinstance(body, BadRequest):
        return body
    fields = _read(body)
    if isinstance(fields, BadRequest):
        return fields
    if fields.pop("name", name) != name:
        return wrong("name", "The name of a provider is its id and stays: change displayName.")
    enabled = fields.pop("enabled", None)
    changed = await provider_changes.change_provider(visit.acting, provider_changes.ChangeProvider(name=name, **fields))
    if isinstance(changed, Refusal) or enabled is None:
        return changed if isinstance(changed, Refusal) else await _provider(visit, name)
    switch = provider_changes.enable_provider if enabled else provider_changes.disable_provider
    switched = await switch(visit.acting, provider_actions.NamedProvider(name=name))
    return switched if isinstance(switched, Refusal) else await _provider(visit, name)


async def delete_provider(visit: Visit) -> Any:
    """`DELETE /api/ai-providers/{id}`: the provider with its credentials; its rates stay for the books only."""
    name = visit.request.path_values["provider"]
    removed = await provider_actions.remove_provider(visit.acting, provider_actions.NamedProvider(name=name))
    return removed if isinstance(removed, Refusal) else {"message": "Provider deleted successfully"}


def provider_view(row: ProviderRow) -> dict[str, Any]:
    """A provider as AIGNE's admins see it."""
    return {
        "id": row.name,
        "name": row.name,
        "displayName": row.shown_name,
        "baseUrl": row.base_url,
        "region": providers.region_of(row),
        "enabled": row.disabled_ms is None,
        "config": None,
        "createdBy": None,
        "createdAt": iso(row.created_ms),
        "updatedAt": iso(row.created_ms),
    }


def _public(row: ProviderRow) -> dict[str, Any]:
    return {name: provider_view(row)[name] for name in ("id", "name", "displayName", "enabled")}


def _read(body: Mapping[str, Any]) -> dict[str, Any] | BadRequest:
    """The fields of a provider under the names of the actions."""
    if (unknown := unknown_field(body, _FIELDS)) is not None:
        return unknown
    fields: dict[str, Any] = {}
    for given, name, most in (
        ("name", "name", 50),
        ("displayName", "display_name", 100),
        ("baseUrl", "base_url", 500),
        ("region", "region", 50),
    ):
        text = text_of(body, given, most)
        if isinstance(text, BadRequest):
            return text
        if text is not None and (text or given == "displayName"):
            fields[name] = text
    if (enabled := body.get("enabled")) is not None:
        if not isinstance(enabled, bool):
            return wrong("enabled", "Write true or false.")
        fields["enabled"] = enabled
    return fields


async def _provider(visit: Visit, name: str) -> Any:
    rows = await providers.providers(visit.acting.hub.storage)
    return next((provider_view(row) for row in rows if row.name == name), NotFound(kind="provider", name=name))
