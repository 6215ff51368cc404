"""What each recorded answer cost: the hub's reading and its book, against genai-prices' own reading and calculator."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from genai_prices import calc_price
from genai_prices.data import providers
from genai_prices.types import Provider

from adapters.price_book.shipped import ShippedBook
from adapters.providers.anthropic import ANTHROPIC
from adapters.providers.bedrock import BEDROCK
from adapters.providers.cohere import COHERE
from adapters.providers.dialect import ProviderDialect
from adapters.providers.embeddings import COHERE_EMBEDDINGS
from adapters.providers.google import GOOGLE, GOOGLE_VERTEX
from adapters.providers.openai import OPENAI
from adapters.providers.openai.embeddings import OPENAI_EMBEDDINGS
from adapters.providers.openai_responses import RESPONSES
from domain.billing.metering import Meter, measure, observe
from domain.pricing.charge import cost
from domain.pricing.tiers import Occasion
from entrypoints.usecases.manage.price_book_view import PriceBookView
from tests.recordings.seen import label, recorded

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
AT_MS = int(AT.timestamp() * 1000)
PRICE_BOOK = PriceBookView(ShippedBook(), ())
THEIRS = {provider.id: provider for provider in providers}
# File, our provider, their provider and which of its readers, and the dialect that reads it here.
FILES: tuple[tuple[str, str, str, str, ProviderDialect], ...] = (
    ("anthropic-messages", "anthropic", "anthropic", "default", ANTHROPIC),
    ("azure-responses", "azure", "azure", "responses", RESPONSES),
    ("bedrock-converse", "bedrock", "aws", "default", BEDROCK),
    ("cerebras-chat", "cerebras", "cerebras", "chat", OPENAI),
    ("cohere-cohere-chat", "cohere", "cohere", "default", COHERE),
    ("cohere-embeddings", "cohere", "cohere", "embeddings", COHERE_EMBEDDINGS),
    ("deepseek-chat", "deepseek", "deepseek", "chat", OPENAI),
    ("google-generateContent", "google", "google", "default", GOOGLE),
    ("google-vertex-generateContent", "google-vertex", "google", "default", GOOGLE_VERTEX),
    ("groq-chat", "groq", "groq", "default", OPENAI),
    ("mistral-chat", "mistral", "mistral", "default", OPENAI),
    ("openai-chat", "openai", "openai", "chat", OPENAI),
    ("openai-embeddings", "openai", "openai", "embeddings", OPENAI_EMBEDDINGS),
    ("openai-responses", "openai", "openai", "responses", RESPONSES),
    ("openrouter-chat", "openrouter", "openrouter", "chat", OPENAI),
    ("zai-chat", "zai", "zai", "chat", OPENAI),
)


def exchanges() -> Iterator[Any]:
    for file, ours, theirs, flavor, dialect in FILES:
        for number, said in enumerate(recorded(file)):
            if said["response"]["status"] == 200:
                yield pytest.param(ours, THEIRS[theirs], flavor, dialect, said, id=label(file, number))


@pytest.mark.parametrize(("provider", "theirs", "flavor", "dialect", "said"), list(exchanges()))
def test_a_recorded_answer_costs_what_the_catalogue_makes_of_it(
    provider: str, theirs: Provider, flavor: str, dialect: ProviderDialect, said: dict[str, Any]
) -> None:
    body = said["response"]["text"].encode()
    answer = json.loads(body)
    meter = observe(Meter(), dialect.decode(body))
    measured = measure(meter, 0)
    usage = measured.usage
    context = {"service_tier": tier} if isinstance(tier := answer.get("service_tier"), str) else {}
    try:
        _, counted = theirs.extract_usage(answer, api_flavor=flavor)
        if usage.tool_uses and not counted._reported_values().get("web_searches"):
            # Their reader does not look for hosted tools here; their calculator prices them once it is reported.
            counted.web_searches = usage.tool_uses
        expected = calc_price(
            counted,
            said["model"],
            provider_id=theirs.id,
            genai_request_timestamp=AT,
            price_context=context,
        ).total_price
    except (LookupError, ValueError) as unknown:
        pytest.skip(f"the catalogue does not know it: {unknown}")
    if not expected:
        pytest.skip("the catalogue has no price for it")

    assert measured.source == "provider", "their reader finds a usage, so must the hub"
    price = PRICE_BOOK.price_at(provider, said["model"], AT_MS)
    assert price is not None, f"the book does not know {said['model']}"
    nanos = cost(usage, price, Occasion(service=meter.service_tier, at_ms=AT_MS))

    assert nanos is not None
    assert abs(nanos - expected * 10**9) <= max(Decimal(1), expected * 10**7), (usage, counted)
