"""The price book made of the public catalogue: the same cost as the catalogue's own calculator, for every model."""

from datetime import UTC, datetime
from decimal import ROUND_CEILING, Decimal

import pytest
from genai_prices import data
from genai_prices.types import ModelInfo, ModelPrice, Provider
from genai_prices.types import Usage as TheirUsage

from adapters.price_book.genai import SOURCES, callable_name, catalogue, names_of
from adapters.price_book.shipped import BORROWS, ShippedBook
from adapters.price_book.vendor_pages import pages
from domain.catalog.vendors import VENDORS
from domain.pricing.charge import cost
from domain.pricing.price_book import Price, ProviderPrices, news, price_at, provider_prices_of
from domain.pricing.tiers import Occasion
from domain.usage import Usage

NOW_MS = 1_795_000_000_000
MOMENTS = (
    datetime(2024, 6, 1, 12, tzinfo=UTC),
    datetime(2026, 10, 13, 2, tzinfo=UTC),
    datetime(2026, 11, 20, 2, tzinfo=UTC),
    datetime(2026, 11, 20, 18, tzinfo=UTC),
)
# (fresh input, cache read, cache write, output): around the thresholds that price lists have.
USAGES = (
    (1_200, 0, 0, 0),
    (1_200, 0, 0, 300),
    (100_000, 99_999, 1, 7),
    (150_000, 50_000, 1, 7),
    (272_000, 0, 0, 1),
    (1, 272_000, 0, 1),
)
PROVIDERS = {provider.id: provider for provider in data.providers}
PRICE_BOOK = {name: provider_prices_of(name, prices) for name, prices in catalogue(NOW_MS).items()}


@pytest.mark.parametrize("provider", SOURCES)
def test_every_model_costs_as_much_as_in_the_catalogue(provider: str) -> None:
    """At every moment, size and service tier that its calculator can be asked about; to a nano-dollar."""
    compared = 0
    for their_id in SOURCES[provider]:
        for source in (p for p in data.providers if p.id.startswith(their_id.rstrip("*"))):
            if source.id == their_id or their_id.endswith("*"):
                suffix = f":{source.id.removeprefix(their_id[:-1])}" if their_id.endswith("*") else ""
                for model in source.models:
                    compared += _compared(PRICE_BOOK[provider], source, model, suffix)

    assert compared > 10


def _compared(provider_prices: ProviderPrices, source: Provider, model: ModelInfo, suffix: str) -> int:
    name = callable_name(provider_prices.provider, model.id + suffix, names_of(model.match, suffix))
    held = provider_prices.prices.get(name or "", ())
    count = 0
    # Their calculator is slow, and asks for a moment and a context only to find the price: each is asked once.
    known: list[tuple[ModelPrice, dict[tuple[int, ...], int]]] = []
    for moment in MOMENTS if held else ():
        for context in ({}, {"service_tier": "priority"}, {"service_tier": "flex"}, {"processing": "batch"}):
            price = model.get_prices(moment, context)
            costs = next((costs for same, costs in known if same == price), None)
            if costs is None:
                costs = {counts: _their_cost(source, model, moment, context, counts) for counts in USAGES}
                known.append((price, costs))
            for counts in USAGES:
                ours = _our_cost(held, moment, next(iter(context.values()), None), counts)
                if ours is not None:
                    # A price such as 0.18000000000000002 is float dust in the catalogue, which may round up a nano.
                    assert 0 <= costs[counts] - ours <= 1, (model.id, moment, context, counts)
                    count += 1
    return count


def _our_cost(held: tuple[Price, ...], moment: datetime, service: str | None, counts: tuple[int, ...]) -> int | None:
    at_ms = int(moment.timestamp() * 1000)
    price = next(price for price in reversed(held) if price.effective_ms <= at_ms)
    fresh, read, written, output = counts
    usage = Usage(input_tokens=fresh, cache_read_tokens=read, cache_write_tokens=written, output_tokens=output)
    return cost(usage, price, Occasion(service=service, at_ms=at_ms))


def _their_cost(
    source: Provider, model: ModelInfo, moment: datetime, context: dict[str, str], counts: tuple[int, ...]
) -> int:
    fresh, read, written, output = counts
    usage = TheirUsage(
        input_tokens=fresh + read + written, cache_read_tokens=read, cache_write_tokens=written, output_tokens=output
    )
    said = model.calc_price(usage, source, genai_request_timestamp=moment, price_context=context)
    fees = model.get_prices(moment, context).__dict__.get("requests_kcount") or Decimal(0)
    return int(((said.total_price - fees / 1000) * 10**9).to_integral_value(ROUND_CEILING))


@pytest.mark.parametrize(
    ("provider", "name", "model"),
    [
        ("openai", "gpt-4o-2024-08-06", "gpt-4o"),
        ("openai", "GPT-5", "gpt-5"),
        ("openai", "gpt-5.2-20251211", "gpt-5.2"),
        ("anthropic", "claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        ("anthropic", "claude-3-opus-20240229", "claude-3-opus-latest"),
        ("google", "gemini-2.5-flash", "gemini-2.5-flash"),
        ("bedrock", "us.anthropic.claude-sonnet-4-20250514-v1:0", None),
        ("bedrock", "eu.amazon.nova-lite-v1:0", None),
        ("huggingface", "openai/gpt-oss-120b:cerebras", None),
    ],
)
def test_a_recorded_name_finds_its_price(provider: str, name: str, model: str | None) -> None:
    price = price_at(PRICE_BOOK[provider], name, NOW_MS)

    assert price is not None
    assert model in (None, price.model)


def test_a_name_finds_what_it_finds_in_the_catalogue() -> None:
    wrong = []
    for ours, theirs in SOURCES.items():
        for name in (n for n in theirs if n in PROVIDERS):
            for model in PROVIDERS[name].models:
                found = PROVIDERS[name].find_model(model.id)
                price = price_at(PRICE_BOOK[ours], model.id, NOW_MS)
                if found is not None and price is not None and price.model != found.id:
                    wrong.append((ours, model.id, price.model, found.id))

    assert [] == wrong


@pytest.mark.parametrize("provider", PRICE_BOOK)
def test_the_shipped_book_is_up_to_date(provider: str) -> None:
    """With the catalogue that is installed: `make prices` brings it there."""
    shipped = provider_prices_of(provider, ShippedBook().prices(provider)).prices

    behind = [
        price.id
        for model, incoming in PRICE_BOOK[provider].prices.items()
        for price in news(shipped.get(model, ()), incoming, NOW_MS)
    ]

    assert [] == behind
    assert provider in ShippedBook().providers()


@pytest.mark.parametrize(("provider", "name", "dollars"), [
    ("bedrock", "cohere.embed-v4:0", ("0.12", "0")),
    ("bedrock", "us.cohere.embed-v4:0", ("0.12", "0")),
    ("bedrock", "amazon.titan-embed-text-v2:0", ("0.02", None)),   # from the catalogue
    ("bedrock", "minimax.minimax-m2", ("0.3", "1.2")),
    ("bedrock", "minimax.minimax-m2.5", ("0.3", "1.2")),
    ("bedrock", "zai.glm-4.7", ("0.6", "2.2")),
    ("bedrock", "zai.glm-4.7-flash", ("0.07", "0.4")),
    ("bedrock", "nvidia.nemotron-nano-12b-v2", ("0.2", "0.6")),
    ("bedrock", "moonshot.kimi-k2-thinking", ("0.6", "2.5")),
    ("voyage", "rerank-2.5-lite", ("0.02", "0")),
    ("jina", "jina-reranker-m0", ("0.05", "0")),
])  # fmt: skip
def test_prices_missing_in_the_catalogue_are_from_the_vendors_own_page(
    provider: str, name: str, dollars: tuple[str | None, str | None]
) -> None:
    price = price_at(provider_prices_of(provider, ShippedBook().prices(provider)), name, NOW_MS)

    assert price is not None
    nanos = tuple(None if each is None else int(Decimal(each) * 10**9) for each in dollars)
    assert nanos == (price.prices.input_nanos, price.prices.output_nanos)
    assert price.source.startswith(("https://", "genai-prices"))


def test_a_page_is_left_out_once_the_catalogue_knows_the_model() -> None:
    known = {(price.provider, price.model) for price in pages(NOW_MS)}
    twice = [
        price.id
        for name, provider_prices in PRICE_BOOK.items()
        for held in provider_prices.prices.values()
        for price in held
        if price.source.startswith("genai") and (name, price.model) in known
    ]

    assert [] == twice


def test_provider_prices_lend_and_an_unknown_provider_has_none() -> None:
    book = ShippedBook()

    assert book.prices("../shelves") == ()
    assert "openai" in book.borrows("azure")
    assert book.prices("openai") is book.prices("openai")


def test_all_shipped_prices_are_of_vendors_that_the_hub_knows_by_that_name() -> None:
    """But for three that are added by their URL."""
    book = ShippedBook()

    assert {"minimax", "moonshotai", "perplexity"} == set(book.providers()) - set(VENDORS)
    assert set(BORROWS) <= set(VENDORS)
