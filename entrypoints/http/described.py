"""A model as `GET /v1/models` describes it: what it may be asked for, what bounds it, what it costs."""

from typing import Any

from domain.books import PIECE_RATES, Rate
from domain.bounds import is_sold
from domain.calls import ModelCall, Operation
from domain.catalog import Served
from domain.money import UNITS_PER_RATE, format_credits, format_credits_each
from domain.variants import variant_each
from domain.vendors import spoken

# Each operation in the dialect of OpenAI's callers; film only AIGNE's ask for.
_ASKED: dict[Operation, str] = {
    "chat": "openai",
    "completions": "openai-completions",
    "embeddings": "openai-embeddings",
    "images": "openai-images",
    "video": "aigne-video",
    "speech": "openai-speech",
    "transcription": "openai-transcriptions",
    "moderation": "openai-moderations",
}
_CALLS = [
    ModelCall(dialect=dialect, operation=operation, model="any", fields={}, body_bytes=0)
    for operation, dialect in _ASKED.items()
]


def openai_model(served: Served, name: str | None = None) -> dict[str, Any]:
    """The model in OpenAI's list, with the hub's own fields beside those of OpenAI."""
    rate = served.rate
    described: dict[str, Any] = {
        "id": name or f"{served.provider.name}/{served.model}",
        "object": "model",
        "created": (rate.effective_ms if rate else served.provider.created_ms) // 1000,
        "owned_by": served.provider.name,
        "operations": operations(served),
    }
    if rate is not None:
        described["context_length"] = rate.context_tokens
        described["max_output_tokens"] = rate.output_tokens_max
        described["capabilities"] = None if rate.capabilities is None else list(rate.capabilities)
        described["pricing"] = pricing(rate)
    return described


def operations(served: Served) -> list[Operation]:
    """What the provider can be asked for at all and the rate has a price for: no promise that the model can do it."""
    at, rate = served.provider, served.rate
    return [
        call.operation
        for call in _CALLS
        if spoken(at.name, at.base_url, at.dialect, call, served.model) is not None
        and (rate is None or is_sold(call.operation, rate))
    ]


def pricing(rate: Rate) -> dict[str, Any]:
    """The prices there are, as exact decimals of credits: for a million tokens or characters, or for one piece."""
    told: dict[str, Any] = {
        "unit": f"credits per {UNITS_PER_RATE} tokens",
        "input": format_credits(rate.input_nanos),
        "output": format_credits(rate.output_nanos),
    }
    for field in rate.__struct_fields__:
        nanos = getattr(rate, field)
        if field.endswith("_nanos") and nanos is not None:
            name = field.removesuffix("_nanos")
            told[name] = format_credits_each(nanos) if field in PIECE_RATES else format_credits(nanos)
    if rate.variants:
        told["variants"] = [variant_each(variant) for variant in rate.variants]
    return told
