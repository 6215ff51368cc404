"""What the laws range over: any usage, any rate, any answer."""

import msgspec
from hypothesis import strategies as st

from domain.ledger.rows import Grant
from domain.model_api.events import (
    Broken,
    CitationDelta,
    Ended,
    Event,
    Finished,
    ProviderBlock,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    UsageReported,
)
from domain.pricing.rate import Rate
from domain.pricing.tiers import Occasion, Tier, UnitPrices
from domain.usage import Usage
from tests.domain.build import NOW_MS, a_failure, a_grant, a_rate

# Up to 1,000 credits per million tokens: dearer than anything that is sold.
RATES_NANOS = st.integers(0, 1_000_000_000_000)
_TEXTS = st.text(max_size=12)


@st.composite
def split(draw: st.DrawFn, total: int, parts: int) -> list[int]:
    """`total` cut into so many parts, none below zero."""
    cuts = sorted(draw(st.lists(st.integers(0, total), min_size=parts - 1, max_size=parts - 1)))
    return [end - start for start, end in zip([0, *cuts], [*cuts, total], strict=True)]


@st.composite
def rates(draw: st.DrawFn, /, **fixed: int | None) -> Rate:
    """Any rate: every unit cheaper or dearer than its parent, or without a price of its own."""
    own = RATES_NANOS | st.none()
    drawn = {
        "input_nanos": draw(RATES_NANOS),
        "output_nanos": draw(RATES_NANOS),
        "cache_read_nanos": draw(own),
        "cache_write_nanos": draw(own),
        "cache_write_1h_nanos": draw(own),
        "input_audio_nanos": draw(own),
        "input_image_nanos": draw(own),
        "cache_read_audio_nanos": draw(own),
        "output_image_nanos": draw(own),
        "output_audio_nanos": draw(own),
        "reasoning_nanos": draw(own),
        "context_tokens": draw(st.integers(1, 5_000) | st.none()),
        "output_tokens_max": draw(st.integers(1, 5_000) | st.none()),
    }
    return a_rate(**(drawn | fixed))


_UNITS = st.builds(
    UnitPrices,
    input_nanos=RATES_NANOS | st.none(),
    cache_read_nanos=RATES_NANOS | st.none(),
    cache_write_nanos=RATES_NANOS | st.none(),
    output_nanos=RATES_NANOS | st.none(),
    reasoning_nanos=RATES_NANOS | st.none(),
)
TIERS = st.builds(
    Tier,
    prices=_UNITS,
    service=st.sampled_from([None, None, "priority", "flex"]),
    above_tokens=st.sampled_from([0, 1_000, 2_000, 4_000]),
    from_minute=st.sampled_from([0, 0, 60, 1_200]),
    until_minute=st.sampled_from([0, 0, 240]),
)
OCCASIONS = st.builds(
    Occasion, service=st.sampled_from([None, "priority", "flex", "default"]), at_ms=st.integers(0, 2 * 86_400_000)
)


@st.composite
def tiered_rates(draw: st.DrawFn, /, **fixed: int | None) -> Rate:
    """Any rate with some tiers, cheaper or dearer than the ordinary prices."""
    return msgspec.structs.replace(draw(rates(**fixed)), tiers=tuple(draw(st.lists(TIERS, max_size=4))))


@st.composite
def usages(draw: st.DrawFn, input_tokens: int = 10_000, output_tokens: int = 10_000) -> Usage:
    """Any usage of at most so much input and so much output, however it is spread over the leaves."""
    fresh, audio, seen, read, received, write, write_1h = draw(split(draw(st.integers(0, input_tokens)), 7))
    text, stated, drawn, reasoning = draw(split(draw(st.integers(0, output_tokens)), 4))
    return Usage(
        input_tokens=fresh,
        input_audio_tokens=audio,
        input_image_tokens=seen,
        cache_read_tokens=read,
        cache_read_audio_tokens=received,
        cache_write_tokens=write,
        cache_write_1h_tokens=write_1h,
        output_tokens=text,
        output_audio_tokens=stated,
        output_image_tokens=drawn,
        reasoning_tokens=reasoning,
    )


EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(TextDelta, text=_TEXTS),
    st.builds(RefusalDelta, text=_TEXTS),
    st.builds(ReasoningDelta, text=_TEXTS),
    st.builds(ToolCallDelta, index=st.just(0), name=_TEXTS | st.none(), arguments=_TEXTS),
    st.builds(UsageReported, usage=usages(100, 100)),
    st.just(Started(id="answer", model="small")),
    st.just(CitationDelta(citation=b"{}", dialect="anthropic")),  # type: ignore[arg-type]
    st.just(ProviderBlock(dialect="anthropic", name="block", block=b"{}")),  # type: ignore[arg-type]
    st.just(Finished(reason="stop")),
    st.just(Ended()),
    st.just(Broken(failure=a_failure("truncated"))),
)
ANSWERS = st.lists(EVENTS, max_size=12)


@st.composite
def wallets(draw: st.DrawFn) -> tuple[Grant, ...]:
    """Some grants: spendable now, not yet, or no more."""
    moments = st.sampled_from([NOW_MS - 2, NOW_MS - 1, NOW_MS, NOW_MS + 1, NOW_MS + 2])
    return tuple(
        a_grant(
            draw(st.integers(1, 1_000)),
            id=f"grant-{n}",
            priority=draw(st.integers(0, 2)),
            effective_ms=draw(moments),
            expires_ms=draw(moments | st.none()),
            created_ms=draw(st.integers(0, 3)),
        )
        for n in range(draw(st.integers(0, 5)))
    )
