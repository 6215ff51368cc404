"""Prices that are missing in the catalogue, from the vendors' own pages, each with its page.

House rule: only prices that a vendor publishes are here, and only of models that the catalogue does not have; the
catalogue has precedence. Prices are dollars for a million tokens. Bedrock's are those of us-east-1, the hub's default
region.
"""

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from domain.pricing.price_book import Names, Price, price_id
from domain.pricing.tiers import Tier, UnitPrices

_AWS = "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/AmazonBedrock/current/us-east-1/index.json"
_AWS_PAGE = "https://aws.amazon.com/bedrock/pricing/"
_COHERE = "https://cohere.com/blog/rerank-5"
_VOYAGE = "https://docs.voyageai.com/docs/pricing"
_JINA = "https://api.jina.ai/v1/models"
_NANOS_A_DOLLAR = 1_000_000_000


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A model's prices for input and output, as two decimals.

    `flex` and `priority` are those of these service tiers.
    """

    provider: str
    model: str
    page: str
    price: str
    flex: str = ""
    priority: str = ""
    names: Names = ()
    context: int | None = None


def _bedrock(model: str, price: str, flex: str = "", priority: str = "", context: int | None = None) -> Line:
    return Line(provider="bedrock", model=model, page=_AWS, price=price, flex=flex, priority=priority, context=context)


def _embeds(model: str, price: str, page: str = _AWS_PAGE, context: int | None = None) -> Line:
    """Return an embedding model, whose name may begin with a region: `us.cohere.embed-v4:0`."""
    names = (f"={model}", f"$.{model}", f"$/{model}")
    return Line(provider="bedrock", model=model, page=page, price=f"{price} 0", names=names, context=context)


def _ranks(provider: str, page: str, price: str, *models: str) -> Iterator[Line]:
    for model in models:
        yield Line(provider=provider, model=model, page=page, price=f"{price} 0")


LINES = (
    _embeds("cohere.embed-english-v3", "0.1", context=512),
    _embeds("cohere.embed-multilingual-v3", "0.1", context=512),
    _embeds("cohere.embed-v4:0", "0.12", context=128_000),
    _bedrock("minimax.minimax-m2", "0.3 1.2", "0.15 0.6", "0.52 2.1", context=1_000_000),
    _bedrock("minimax.minimax-m2.1", "0.3 1.2", "0.15 0.6", "0.525 2.1", context=196_000),
    _bedrock("minimax.minimax-m2.5", "0.3 1.2", "0.15 0.6", "0.525 2.1", context=196_000),
    _bedrock("moonshot.kimi-k2-thinking", "0.6 2.5", "0.3 1.25", "1.05 4.38", context=256_000),
    _bedrock("moonshotai.kimi-k2.5", "0.6 3", "0.3 1.5", "1.05 5.25", context=256_000),
    _bedrock("nvidia.nemotron-nano-12b-v2", "0.2 0.6", "0.1 0.3", "0.35 1.05", context=128_000),
    _bedrock("zai.glm-4.7", "0.6 2.2", "0.3 1.1", "1.05 3.85", context=203_000),
    _bedrock("zai.glm-4.7-flash", "0.07 0.4", "0.035 0.2", "0.1225 0.7", context=203_000),
    _bedrock("zai.glm-5", "1 3.2", "", "1.75 5.6", context=200_000),
    *_ranks("cohere", _COHERE, "0.02", "rerank-v5.0-fast"),
    *_ranks("cohere", _COHERE, "0.05", "rerank-v5.0-pro"),
    *_ranks("voyage", _VOYAGE, "0.05", "rerank-1", "rerank-2", "rerank-2.5", "rerank-3"),
    *_ranks("voyage", _VOYAGE, "0.02", "rerank-lite-1", "rerank-2-lite", "rerank-2.5-lite", "rerank-3-lite"),
    *_ranks("jina", _JINA, "0.05", "jina-reranker-v3.5", "jina-reranker-m0", "jina-reranker-v2-base-multilingual"),
)


def pages(known_ms: int) -> Iterator[Price]:
    """Return every price of this file."""
    for line in LINES:
        tiers = (("flex", line.flex), ("priority", line.priority))
        yield Price(
            id=price_id(line.provider, line.model, 0, known_ms),
            provider=line.provider,
            model=line.model,
            effective_ms=0,
            known_ms=known_ms,
            source=line.page,
            names=line.names or (f"={line.model}", f"$/{line.model}"),
            prices=_units(line.price),
            tiers=tuple(Tier(prices=_units(prices), service=service) for service, prices in tiers if prices),
            context_tokens=line.context,
        )


def _units(prices: str) -> UnitPrices:
    input_nanos, output_nanos = (int(Decimal(dollars) * _NANOS_A_DOLLAR) for dollars in prices.split())
    return UnitPrices(input_nanos=input_nanos, output_nanos=output_nanos)
