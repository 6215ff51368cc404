"""AIGNE's catalogues: what can be called, for everybody; its clients ask without a key."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from domain.catalog.catalog import Catalog, Served, listed_models
from domain.pricing.money import format_per_unit
from domain.pricing.rate import Rate
from domain.routing.order import credentials_for
from entrypoints.http.aigne_management.rate_views import displayed, rate_id
from entrypoints.http.aigne_management.values import CATALOGUE_TYPES, IMAGE, VIDEO, kinds_of, type_of
from entrypoints.http.replies import json_reply
from entrypoints.http.wire import Handler, Reply, Request
from entrypoints.usecases.call_context import CallContext

_OUTPUT = {IMAGE: "image_nanos", VIDEO: "video_second_nanos"}
_FEATURES = (("tools", "tools"), ("vision", "images"))


def catalogue_handler(hub: CallContext) -> Handler:
    """`GET /api/ai/models` and `/api/ai-providers/models`: every model that can be called, `?type=` of one type."""

    @asynccontextmanager
    async def handle(request: Request) -> AsyncIterator[Reply]:
        requested = request.query_value("type")
        wanted = type_of(requested) if requested else None
        catalog = await hub.current_catalog()
        listed = [
            _entry(catalog, served, kind, requested)
            for served in _callable(hub, catalog)
            for kind in kinds_of(served)[: None if wanted else 1]
            if wanted in (None, kind)
        ]
        yield json_reply(request, listed)

    return handle


def chat_models_handler(hub: CallContext) -> Handler:
    """`GET /api/ai-providers/chat/models`: the playground's list, by model; a provider stands in it once."""

    @asynccontextmanager
    async def handle(request: Request) -> AsyncIterator[Reply]:
        requested = request.query_value("type")
        wanted = type_of(requested) if requested else None
        by_model: dict[str, list[tuple[Served, str]]] = {}
        for served in _callable(hub, await hub.current_catalog()):
            for kind in kinds_of(served):
                if wanted in (None, kind):
                    by_model.setdefault(served.model, []).append((served, kind))
        listed = [
            {
                "model": model,
                "description": None,
                "rates": [_rate_entry(served, kind) for served, kind in found],
                "providers": [*{served.provider.name: _provider(served) for served, _ in found}.values()],
            }
            for model, found in sorted(by_model.items())
        ]
        yield json_reply(request, listed)

    return handle


def _callable(hub: CallContext, catalog: Catalog) -> list[Served]:
    """Every model that is listed and for whose provider a credential is in use, if it needs one.

    With billing off the price book adds what it has for the configured providers, at no charge.
    """
    now_ms = hub.clock.now_ms()
    found = listed_models(catalog, now_ms)
    if not hub.billed:
        rated = {
            (served.provider.name, model)
            for (name, model) in catalog.rates
            for served in found
            if name == served.provider.name
        }
        found += [
            Served(provider=provider, model=price.model, rate=_free(provider.name, price.model, price.context_tokens))
            for provider in catalog.providers.values()
            for price in hub.prices(provider.name, now_ms)
            if (provider.name, price.model) not in rated
        ]
    return [served for served in found if credentials_for(catalog, served) is not None]


def _free(provider: str, model: str, context: int | None) -> Rate:
    """What a model is charged that has no rate while billing is off."""
    return Rate(
        id="", provider=provider, model=model, effective_ms=0, known_ms=0, source="price book", context_tokens=context
    )


def _entry(catalog: Catalog, served: Served, kind: str, requested: str | None) -> dict[str, Any]:
    rate = served.rate
    assert rate is not None, "only what has a rate is listed"
    credentials = credentials_for(catalog, served) or ()
    metadata: dict[str, Any] = {"maxTokens": rate.context_tokens, "maxOutputTokens": rate.output_tokens_max}
    metadata["features"] = [word for word, need in _FEATURES if need in (rate.capabilities or ())]
    return {
        "key": f"{served.provider.name}/{served.model}",
        "model": served.model,
        "modelDisplay": rate.display_name or displayed(served.model),
        "type": "image" if requested == "image" else CATALOGUE_TYPES[kind],
        "provider": served.provider.name,
        "providerId": served.provider.name,
        "providerDisplayName": served.provider.shown_name,
        "input_credits_per_token": format_per_unit(rate.input_nanos),
        "output_credits_per_token": format_per_unit(getattr(rate.prices, _OUTPUT.get(kind, "output_nanos")) or 0),
        "modelMetadata": metadata,
        "status": {"available": all(one.error is None for one in credentials) or not credentials},
    }


def _rate_entry(served: Served, kind: str) -> dict[str, Any]:
    rate = served.rate
    assert rate is not None, "only what has a rate is listed"
    return {
        "id": rate_id(served.model, kind),
        "type": kind,
        "inputRate": format_per_unit(rate.input_nanos),
        "outputRate": format_per_unit(getattr(rate.prices, _OUTPUT.get(kind, "output_nanos")) or 0),
        "provider": _provider(served),
        "description": None,
    }


def _provider(served: Served) -> dict[str, Any]:
    name = served.provider.name
    return {"id": name, "name": name, "displayName": served.provider.shown_name}
