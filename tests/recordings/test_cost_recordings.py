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
from genai_prices.types import Usage as TheirUsage

from adapters.pricebook.shelves import ShippedBook
from adapters.providers.anthropic import ANTHROPIC
from adapters.providers.dialect import ProviderDialect
from adapters.providers.openai import OPENAI
from domain.metering import Meter, measure, observe
from domain.pricing import cost
from domain.tiers import Occasion
from domain.usage import Usage
from entrypoints.usecases.shelves import Shelves
from tests.recordings.seen import FOLDER, label, recorded

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="no recordings: set AIHUB_RECORDINGS to their folder")

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
AT_MS = int(AT.timestamp() * 1000)
SHELVES = Shelves(ShippedBook(), ())
THEIRS = {provider.id: provider for provider in providers}
# File, our provider, their provider and which of its readers, and the dialect that reads it here (None: theirs, so
# that only the prices are compared).
FILES: tuple[tuple[str, str, str, str, ProviderDialect | None], ...] = (
    ("anthropic-messages", "anthropic", "anthropic", "default", ANTHROPIC),
    ("azure-responses", "azure", "azure", "responses", None),
    ("bedrock-converse", "bedrock", "aws", "default", None),
    ("cerebras-chat", "cerebras", "cerebras", "chat", OPENAI),
    ("cohere-embeddings", "cohere", "cohere", "embeddings", None),
    ("deepseek-chat", "deepseek", "deepseek", "chat", OPENAI),
    ("google-generateContent", "google", "google", "default", None),
    ("google-vertex-generateContent", "google-vertex", "google", "default", None),
    ("groq-chat", "groq", "groq", "default", OPENAI),
    ("mistral-chat", "mistral", "mistral", "default", OPENAI),
    ("openai-chat", "openai", "openai", "chat", OPENAI),
    ("openai-embeddings", "openai", "openai", "embeddings", None),
    ("openai-responses", "openai", "openai", "responses", None),
    ("openrouter-chat", "openrouter", "openrouter", "chat", OPENAI),
    ("voyage-embeddings", "voyageai", "voyageai", "default", None),
    ("zai-chat", "zai", "zai", "chat", OPENAI),
)


def exchanges() -> Iterator[Any]:
    for file, ours, theirs, flavor, dialect in FILES:
        for number, said in enumerate(recorded(file)):
            if said["response"]["status"] == 200:
                yield pytest.param(ours, THEIRS[theirs], flavor, dialect, said, id=label(file, number))


@pytest.mark.parametrize(("provider", "theirs", "flavor", "dialect", "said"), list(exchanges()))
def test_a_recorded_answer_costs_what_the_catalogue_makes_of_it(
    provider: str, theirs: Provider, flavor: str, dialect: ProviderDialect | None, said: dict[str, Any]
) -> None:
    body = said["response"]["text"].encode()
    answer = json.loads(body)
    try:
        _, their_usage = theirs.extract_usage(answer, api_flavor=flavor)
        context = {"service_tier": tier} if isinstance(tier := answer.get("service_tier"), str) else {}
        expected = calc_price(
            their_usage,
            said["model"],
            provider_id=theirs.id,
            genai_request_timestamp=AT,
            price_context=context,
        ).total_price
    except (LookupError, ValueError) as unknown:
        pytest.skip(f"the catalogue does not know it: {unknown}")

    if not expected:
        pytest.skip("the catalogue has no price for it")
    price = SHELVES.price_at(provider, said["model"], AT_MS)
    assert price is not None, f"the book does not know {said['model']}"
    usage, service = _read(dialect, body) if dialect else (_translated(their_usage), answer.get("service_tier"))
    nanos = cost(usage, price, Occasion(service=service, at_ms=AT_MS))

    assert nanos is not None
    assert abs(nanos - expected * 10**9) <= max(Decimal(1), expected * 10**7), (usage, their_usage)


def _read(dialect: ProviderDialect, body: bytes) -> tuple[Usage, str | None]:
    meter = observe(Meter(), dialect.decode(body))
    measured = measure(meter, 0)
    assert measured.source == "provider"
    return measured.usage, meter.service_tier


def _translated(theirs: TheirUsage) -> Usage:
    """Their nested counts as our disjoint leaves, for the dialects that are read by their own reader."""
    told = {key: int(count) for key, count in theirs._reported_values().items()}
    read, written, hour = (told.get(f"cache_{kind}_tokens", 0) for kind in ("read", "write", "write_1h"))
    heard, heard_again = told.get("input_audio_tokens", 0), told.get("cache_audio_read_tokens", 0)
    thought = told.get("output_reasoning_tokens", 0)
    return Usage(
        input_tokens=told.get("input_tokens", 0) - read - written - (heard - heard_again),
        input_audio_tokens=heard - heard_again,
        cache_read_tokens=read - heard_again,
        cache_read_audio_tokens=heard_again,
        cache_write_tokens=written - hour,
        cache_write_1h_tokens=hour,
        output_tokens=told.get("output_tokens", 0) - thought,
        reasoning_tokens=thought,
        tool_uses=told.get("web_searches", 0),
    )
