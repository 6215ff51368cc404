"""Who leaves, and who's provider breaks off, pays no more than for the whole answer: of every recorded stream."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from adapters.providers.anthropic import ANTHROPIC
from adapters.providers.bedrock import BEDROCK
from adapters.providers.dialect import ProviderDialect
from adapters.providers.google import GOOGLE
from adapters.providers.openai import OPENAI
from adapters.providers.openai_responses import RESPONSES
from domain.billing.metering import Meter, measure, observe, uncounted_input
from domain.failures import Failure
from domain.model_api.call import ModelCall
from domain.model_api.events import Broken, Ended, Event
from domain.pricing.charge import price
from domain.pricing.rate import Rate
from domain.pricing.tiers import Occasion
from tests.domain.build import a_rate
from tests.recordings.seen import files, label, recorded

MILLION = 1_000_000
RATES = [
    a_rate(input_nanos=2_000 * MILLION, output_nanos=8_000 * MILLION, cache_read_nanos=500 * MILLION),
    a_rate(input_nanos=3_000 * MILLION, output_nanos=15_000 * MILLION, cache_read_nanos=300 * MILLION),
    a_rate(input_nanos=300 * MILLION, output_nanos=2_500 * MILLION, cache_read_nanos=30 * MILLION),
    a_rate(input_nanos=1_000 * MILLION, output_nanos=3_000 * MILLION, cache_read_nanos=100 * MILLION),
]
BROKEN = Broken(failure=Failure(kind="truncated", message="cut"))


def dialect_of(file: str) -> ProviderDialect:
    for word, dialect in (("responses", RESPONSES), ("anthropic", ANTHROPIC), ("google", GOOGLE), ("bedrock", BEDROCK)):
        if word in file:
            return dialect
    return OPENAI


def streams() -> Iterator[Any]:
    for file in files():
        for number, exchange in enumerate(recorded(file)):
            response = exchange["response"]
            if response["status"] == 200 and "stream" in response["content_type"]:
                yield pytest.param(dialect_of(file), exchange, id=label(file, number))


def chunks(dialect: ProviderDialect, response: dict[str, Any]) -> list[tuple[Event, ...]]:
    """What each piece of the stream means."""
    body = base64.b64decode(response["base64"]) if "base64" in response else response["text"].encode()
    framer, state = dialect.framer(), dialect.start()
    said: list[tuple[Event, ...]] = []
    for event in (*framer.feed(body), *framer.finish()):
        state, events = dialect.step(state, event)
        said.append(events)
    return said


def charge(meter: Meter, call: ModelCall, rate: Rate) -> int:
    return price(measure(meter, uncounted_input(meter, call, rate)).usage, rate, Occasion()).total_nanos


@pytest.mark.parametrize(("dialect", "exchange"), list(streams()))
@pytest.mark.parametrize("rate", RATES, ids=["1 to 4", "1 to 5", "1 to 8", "1 to 3"])
def test_a_part_is_never_dearer_than_the_whole(dialect: ProviderDialect, exchange: dict[str, Any], rate: Rate) -> None:
    fields = {name: msgspec.Raw(json.dumps(value).encode()) for name, value in exchange["request"].items()}
    call = ModelCall(dialect=dialect.name, model="m", fields=fields, body_bytes=1, stream=True)
    said = chunks(dialect, exchange["response"])
    whole = observe(Meter(), [event for events in said for event in events])
    if not whole.ended:
        return  # It was cut when it was recorded.
    meter = Meter()
    for number, events in enumerate(said):
        meter = observe(meter, events)
        if any(isinstance(event, Ended) for event in events):
            break
        for left in (meter, observe(meter, [BROKEN])):
            assert charge(left, call, rate) <= charge(whole, call, rate), (number, left)


def test_there_are_recordings_of_streams() -> None:
    assert len(list(streams())) >= 40
