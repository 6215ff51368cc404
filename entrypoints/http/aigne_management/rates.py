"""AIGNE's routes of model rates: what a model is sold for, by type, with every version as its history.

A model has one rate in the books, with a price for each unit. AIGNE has one rate for each type of the model, so a rate
here is a view of it: its id is made of the model and the type, and stays when the prices change.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from domain.management.changes import Denied
from domain.model_api.call import Capability
from domain.pricing.money import format_credits
from domain.pricing.rate import Rate
from domain.pricing.tiers import UnitPrices
from domain.refusals import BadRequest, NotFound, Refusal
from entrypoints.http.aigne_management.access import Problem, Visit
from entrypoints.http.aigne_management.rate_bodies import RateBody, read_rate
from entrypoints.http.aigne_management.rate_views import OUTPUT, Sold, find, named, rate_id, rate_of, rate_view, sold
from entrypoints.http.aigne_management.values import IMAGE, VIDEO, body_of, page_of, type_of
from entrypoints.usecases.manage import rate_actions, rates
from entrypoints.usecases.manage.providers import providers

_EXISTS = "Rate already exists for this provider-model-type combination"


async def rates_of_provider(visit: Visit, provider: str, with_hidden: bool) -> list[dict[str, Any]]:
    """The rates of one provider."""
    found = await sold(visit.acting.hub, provider)
    return [rate_view(one, visit.is_admin) for one in found if with_hidden or not rate_of(one).hidden]


async def list_of_provider(visit: Visit) -> Any:
    """`GET /api/ai-providers/{id}/model-rates`; `?includeDeprecated=true` shows hidden ones, too."""
    name = visit.request.path_values["provider"]
    if all(row.name != name for row in await providers(visit.acting.hub.storage)):
        return NotFound(kind="provider", name=name)
    return await rates_of_provider(visit, name, visit.request.query_value("includeDeprecated") == "true")


async def list_all(visit: Visit) -> Any:
    """`GET /api/ai-providers/model-rates`: a page of all rates, with their providers."""
    request = visit.request
    page = page_of(request, 20)
    if isinstance(page, BadRequest):
        return page
    wanted, part = request.query_value("providerId"), (request.query_value("model") or "").lower()
    kind = request.query_value("type")
    chosen = [
        one
        for one in await sold(visit.acting.hub)
        if (not wanted or one.served.provider.name in wanted.split(","))
        and part in one.served.model.lower()
        and (kind is None or type_of(kind) == one.kind)
        and (request.query_value("includeDeprecated") == "true" or not rate_of(one).hidden)
    ]
    # A stable order: rates of one moment differ by their ids.
    chosen.sort(key=lambda one: (rate_of(one).known_ms, rate_id(one.served.model, one.kind)))
    if request.query_value("o") != "asc":
        chosen.reverse()
    listed = [
        {**rate_view(one, visit.is_admin), "provider": _provider_of(one, visit.is_admin), "status": None}
        for one in chosen[page.part]
    ]
    return {"count": len(chosen), "list": listed, "paging": {"page": page.page, "pageSize": page.size}}


async def create_rate(visit: Visit) -> Any:
    """`POST /api/ai-providers/{id}/model-rates`: what a type of a model is sold for."""
    body = read_rate(body_of(visit.request), is_new=True)
    if isinstance(body, BadRequest):
        return body
    made = await _created(visit, (visit.request.path_values["provider"],), body)
    return made[0] if isinstance(made, list) else made


async def create_rates(visit: Visit) -> Any:
    """`POST /api/ai-providers/model-rates`: the same at several `providers`, all or none."""
    fields = body_of(visit.request)
    if isinstance(fields, BadRequest):
        return fields
    names = fields.pop("providers", None)
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        return BadRequest(field="providers", problem="Write a list of providers' ids.")
    body = read_rate(fields, is_new=True)
    if isinstance(body, BadRequest):
        return body
    known = {row.name for row in await providers(visit.acting.hub.storage)}
    if missing := [name for name in names if name not in known]:
        return Problem(400, f"Providers not found: {', '.join(missing)}")
    made = await _created(visit, tuple(dict.fromkeys(names)), body)
    if not isinstance(made, list):
        return made
    message = f"Successfully created {len(made)} model rates"
    return {"message": message, "data": made, "summary": {"total": len(made)}}


async def _created(visit: Visit, names: Sequence[str], body: RateBody) -> list[dict[str, Any]] | Refusal | Problem:
    hub = visit.acting.hub
    known = {row.name for row in await providers(hub.storage)}
    if missing := next((name for name in names if name not in known), None):
        return NotFound(kind="provider", name=missing)
    if taken := [name for name in names if await find(hub, name, body.model, body.kind)]:
        several = (
            f'Rate already exists for model "{body.model}" with type "{body.kind}" in providers: {", ".join(taken)}'
        )
        return Problem(409, _EXISTS if len(names) == 1 else several)
    made = []
    for name in names:
        written = await _written(visit, name, body.model, body)
        if isinstance(written, Refusal):
            return written
        made.append(written)
    return made


async def change_rate(visit: Visit) -> Any:
    """`PUT /api/ai-providers/{id}/model-rates/{rid}`: a new version; the model and the type stay."""
    found = await named(visit)
    if isinstance(found, NotFound):
        return found
    body = read_rate(body_of(visit.request), is_new=False)
    if isinstance(body, BadRequest):
        return body
    return await _written(
        visit, found.served.provider.name, found.served.model, msgspec.structs.replace(body, kind=found.kind)
    )


async def delete_rate(visit: Visit) -> Any:
    """`DELETE …/model-rates/{rid}`: the sale of the model ends, if this is the last of its types."""
    found = await named(visit)
    if isinstance(found, NotFound):
        return found
    provider, model = found.served.provider.name, found.served.model
    others = [
        one for one in await sold(visit.acting.hub, provider) if one.served.model == model and one.kind != found.kind
    ]
    outcome: Refusal | rate_actions.RateRemoved | None
    if not others:
        outcome = await rate_actions.remove_rate(visit.acting, rate_actions.NamedModel(model=f"{provider}/{model}"))
    else:
        nothing = {OUTPUT[found.kind]: None} if found.kind in OUTPUT else {"input_nanos": 0, "output_nanos": 0}
        outcome = await _put(
            visit, provider, model, msgspec.structs.replace(rate_of(found).prices, **nothing), rate_of(found), None
        )
    return outcome if isinstance(outcome, Refusal) else {"message": "Model rate deleted successfully"}


def _provider_of(one: Sold, is_admin: bool) -> dict[str, Any]:
    from entrypoints.http.aigne_management.providers import provider_view

    view = provider_view(one.served.provider)
    names = ("id", "name", "displayName", "baseUrl", "region", "enabled") if is_admin else ("id", "name", "displayName")
    return {name: view[name] for name in names}


async def _written(visit: Visit, provider: str, model: str, body: RateBody) -> dict[str, Any] | Refusal:
    """The rate with the prices of the body in place of its own, and the operator's price where one is given."""
    hub = visit.acting.hub
    same = [one for one in await sold(hub, provider) if one.served.model == model]
    before = rate_of(same[0]) if same else None
    new = {name: nanos for name, nanos in body.prices.items() if nanos is not None}
    if body.kind in OUTPUT and any(one.kind not in OUTPUT for one in same):
        new.pop("input_nanos", None)  # The model's chat states what its input is sold for.
    if "out" in new:
        new[OUTPUT.get(body.kind, "output_nanos")] = new.pop("out")
    prices = msgspec.structs.replace(before.prices if before else UnitPrices(), **new)
    put = await _put(visit, provider, model, prices, before, body)
    if isinstance(put, Refusal):
        return put
    if body.costs is not None:
        costs = {"input": body.costs[0], _COST_OUTPUT.get(body.kind, "output"): body.costs[1]}
        noted = await note_costs(visit, provider, model, costs)
        if isinstance(noted, Refusal):
            return noted
    found = await find(hub, provider, model, body.kind)
    return rate_view(found, True) if found else {"model": model, "providerId": provider, "type": body.kind}


_COST_OUTPUT = {IMAGE: "image", VIDEO: "video_second"}


async def note_costs(visit: Visit, provider: str, model: str, costs: dict[str, int]) -> Refusal | None:
    """Append an operator's price to the book: nano-USD for a million units, by the unit's label."""
    from entrypoints.usecases.manage.price_actions import SyncPrices, sync_prices
    from entrypoints.usecases.manage.price_file import read_price_list

    amounts = {label: format_credits(nanos) for label, nanos in costs.items()}
    text = msgspec.json.encode({provider: [{"model": model, "prices": amounts}]})
    synced = await sync_prices(visit.acting, SyncPrices(prices=read_price_list(text), source="operator", accept=True))
    return synced if isinstance(synced, Refusal) else None


async def _put(
    visit: Visit, provider: str, model: str, prices: UnitPrices, before: Rate | None, body: RateBody | None
) -> Refusal | None:
    context = (body.context if body else None) or (before.context_tokens if before else None)
    capabilities: tuple[Capability, ...] | None = before.capabilities if before else None
    if body is not None and body.capabilities is not None:
        capabilities = body.capabilities
    outcome = await rates.put_rate(
        visit.acting.hub,
        visit.acting.by,
        f"{provider}/{model}",
        rates.Prices(
            units=prices,
            context_tokens=context,
            output_tokens_max=before.output_tokens_max if before else None,
            capabilities=capabilities,
            variants=before.variants if before else (),
            display_name=body.display_name if body else None,
        ),
    )
    return outcome.refusal if isinstance(outcome, Denied) else None
