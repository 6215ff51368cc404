"""A model as `GET /v1/models` describes it: its operations, limits and prices."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from domain.catalog.catalog import Served
from domain.catalog.vendors import dialect_for
from domain.model_api.call import ModelCall
from domain.model_api.operations import OPERATIONS, OperationName
from domain.pricing.bounds import is_sold
from domain.pricing.by_size import variant_each
from domain.pricing.money import UNITS_PER_RATE, format_credits, format_credits_each
from domain.pricing.price_book import Price
from domain.pricing.rate import Rate
from domain.usage import UNITS

_GOOGLES_METHODS: dict[OperationName, tuple[str, ...]] = {
    "chat": ("generateContent", "countTokens"),
    "embeddings": ("embedContent", "batchEmbedContents"),
}
_CALLS = [
    ModelCall(dialect=operation.dialect, operation=name, model="any", fields={}, body_bytes=0)
    for name, operation in OPERATIONS.items()
    if operation.dialect is not None
]


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A model under the name that callers use for it. `price` is from the price book, where there is no rate."""

    name: str
    served: Served
    price: Price | None = None

    @property
    def context_tokens(self) -> int | None:
        """The most tokens that it reads and writes; None if unknown."""
        known = self.served.rate or self.price
        return known.context_tokens if known else None

    @property
    def output_tokens_max(self) -> int | None:
        """The most tokens that it writes; None if unknown."""
        known = self.served.rate or self.price
        return known.output_tokens_max if known else None

    @property
    def created_s(self) -> int:
        """When its rate began, or its provider was added, in seconds since 1970."""
        rate = self.served.rate
        return (rate.effective_ms if rate else self.served.provider.created_ms) // 1000


def openai_model(listed: Listed) -> dict[str, Any]:
    """The model in OpenAI's list, with the hub's own fields next to those of OpenAI."""
    return {
        "id": listed.name,
        "object": "model",
        "created": listed.created_s,
        "owned_by": listed.served.provider.name,
        "operations": operations(listed.served),
        "context_length": listed.context_tokens,
        "max_output_tokens": listed.output_tokens_max,
        **_sold(listed.served.rate),
    }


def anthropic_model(listed: Listed) -> dict[str, Any]:
    """The model in Anthropic's list; the hub's own facts are under its own field.

    https://platform.claude.com/docs/en/api/models/list
    """
    served = listed.served
    return {
        "type": "model",
        "id": listed.name,
        "display_name": f"{served.model} ({served.provider.name})",
        "created_at": datetime.fromtimestamp(listed.created_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "lifecycle": "active",
        "max_input_tokens": listed.context_tokens,
        "max_tokens": listed.output_tokens_max,
        "aihub": {"owned_by": served.provider.name, "operations": operations(served), **_sold(served.rate)},
    }


def google_model(listed: Listed) -> dict[str, Any]:
    """The model in Gemini's list, as its SDKs read it: they reject fields that they do not know.

    https://ai.google.dev/api/models#Model
    """
    served = listed.served
    methods = [method for operation in operations(served) for method in _GOOGLES_METHODS.get(operation, ())]
    reported = {
        "name": f"models/{listed.name}",
        "displayName": f"{served.model} ({served.provider.name})",
        "inputTokenLimit": listed.context_tokens,
        "outputTokenLimit": listed.output_tokens_max,
        "supportedGenerationMethods": methods,
    }
    return {name: value for name, value in reported.items() if value is not None}


def _sold(rate: Rate | None) -> dict[str, Any]:
    """The prices of the rate; None means unknown or not charged."""
    if rate is None:
        return {"capabilities": None, "pricing": None}
    return {
        "capabilities": None if rate.capabilities is None else list(rate.capabilities),
        "pricing": pricing(rate),
    }


def operations(served: Served) -> list[OperationName]:
    """The operations that the provider offers and the rate prices: no promise that the model supports them."""
    at, rate = served.provider, served.rate
    return [
        call.operation
        for call in _CALLS
        if dialect_for(at.name, at.base_url, at.dialect, call, served.model) is not None
        and (rate is None or is_sold(call.operation, rate))
    ]


def pricing(rate: Rate) -> dict[str, Any]:
    """The set prices, as exact decimals of credits: for a million tokens or characters, or for one piece."""
    reported: dict[str, Any] = {
        "unit": f"credits per {UNITS_PER_RATE} tokens",
        "input": format_credits(rate.input_nanos),
        "output": format_credits(rate.output_nanos),
    }
    for unit in UNITS:
        if (nanos := getattr(rate.prices, unit.price)) is not None:
            reported[unit.label] = format_credits_each(nanos) if unit.by_piece else format_credits(nanos)
    if rate.variants:
        reported["variants"] = [variant_each(variant) for variant in rate.variants]
    return reported
