"""What the fields of a form may be: names from the books and from the hub's own tables, by the field's name."""

from typing import Any

from domain.catalog.vendors import VENDORS
from domain.model_api.operations import OPERATIONS
from entrypoints.actions.action import Action
from entrypoints.usecases.call_context import CallContext

_MAX = 200


async def suggestions_for(hub: CallContext, action: Action[Any, Any]) -> dict[str, tuple[str, ...]]:
    """The suggestions for the fields that the action has."""
    fields = frozenset(action.request.__struct_fields__)
    found: dict[str, tuple[str, ...]] = {}
    if "user" in fields or (action.name.startswith("user ") and action.name != "user add"):
        users = tuple(user.name for user in await hub.storage.users())[:_MAX]
        found |= {"user": users} if "user" in fields else {"name": users}
    if action.name == "provider add":
        found |= {"name": tuple(sorted(VENDORS)), "dialect": tuple(sorted({one.dialect for one in VENDORS.values()}))}
    if fields & {"provider", "model", "models", "targets"}:
        catalog = await hub.current_catalog()
        models = sorted(f"{provider}/{model}" for provider, model in catalog.rates)
        found |= {"provider": tuple(sorted(catalog.providers)), "model": tuple(models[:_MAX])}
    if "operations" in fields:
        found["operations"] = tuple(OPERATIONS)
    return found
