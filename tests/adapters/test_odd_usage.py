"""No usage object costs an answer, in any dialect, whole or streamed: what can be read is used, the rest is noted."""

import json
from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.providers.dialect import ServerEvent
from adapters.providers.openai.usage import PromptDetails, WireUsage
from adapters.providers.registry import DIALECTS
from adapters.providers.usage_counts import Reader, covering, greatest
from domain.billing.metering import Meter, measure, observe
from domain.model_api.events import Broken, Ended, Event, UsageReported
from domain.usage import PIECES_MAX, UNITS_MAX, Usage

TEXT = "So it is."
CHAT = {"id": "1", "model": "m", "choices": [{"index": 0, "message": {"content": TEXT}, "finish_reason": "stop"}]}
VECTOR = [0.5, 0.25]


def _openai(usage: Any) -> dict[str, Any]:
    return {**CHAT, "usage": usage}


def _responses(usage: Any) -> dict[str, Any]:
    item = {"id": "msg_1", "type": "message", "content": [{"type": "output_text", "text": TEXT}]}
    return {"id": "resp_1", "status": "completed", "output": [item], "usage": usage}


def _anthropic(usage: Any) -> dict[str, Any]:
    content = [{"type": "text", "text": TEXT}]
    return {"id": "m", "type": "message", "content": content, "stop_reason": "end_turn", "usage": usage}


def _google(usage: Any) -> dict[str, Any]:
    candidate = {"content": {"parts": [{"text": TEXT}]}, "finishReason": "STOP"}
    return {"candidates": [candidate], "usageMetadata": usage}


def _bedrock(usage: Any) -> dict[str, Any]:
    return {"output": {"message": {"content": [{"text": TEXT}]}}, "stopReason": "end_turn", "usage": usage}


def _cohere(usage: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": [{"type": "text", "text": TEXT}]}
    return {"id": "c", "finish_reason": "COMPLETE", "message": message, "usage": usage}


def _ollama(usage: Any) -> dict[str, Any]:
    counts = usage if isinstance(usage, dict) else {"eval_count": usage}
    said = {"model": "m", "created_at": "1", "message": {"role": "assistant", "content": TEXT}, "done": True}
    return {**counts, **said, "error": None, "done_reason": "stop"}


WHOLE: dict[str, Callable[[Any], dict[str, Any]]] = {
    "openai": _openai,
    "openai-responses": _responses,
    "anthropic": _anthropic,
    "bedrock-invoke": _anthropic,
    "google": _google,
    "bedrock": _bedrock,
    "cohere": _cohere,
    "ollama": _ollama,
    "openai-completions": lambda usage: {"choices": [{"text": TEXT, "finish_reason": "stop"}], "usage": usage},
    "openai-moderations": lambda usage: {"results": [{}], "usage": usage},
    "openai-embeddings": lambda usage: {"data": [{"embedding": VECTOR}], "usage": usage},
    "voyage-embeddings": lambda usage: {"data": [{"embedding": VECTOR}], "usage": usage},
    "cohere-embeddings": lambda usage: {"embeddings": {"float": [VECTOR]}, "meta": {"billed_units": usage}},
    "google-embeddings": lambda usage: {"embeddings": [{"values": VECTOR}], "usageMetadata": usage},
    "bedrock-embeddings": lambda usage: {"embedding": VECTOR, "inputTextTokenCount": usage},
    "openai-images": lambda usage: {"data": [{"b64_json": "AA=="}], "usage": usage},
    "openai-transcriptions": lambda usage: {"text": TEXT, "usage": usage},
}
NAMES = (
    *("prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details", "completion_tokens_details"),
    *("cached_tokens", "reasoning_tokens", "audio_tokens", "cost", "input_tokens", "output_tokens", "cache_creation"),
    *("input_tokens_details", "output_tokens_details", "cache_read_input_tokens", "cache_creation_input_tokens"),
    *("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens", "iterations", "server_tool_use", "service_tier"),
    *("promptTokenCount", "candidatesTokenCount", "totalTokenCount", "cachedContentTokenCount", "thoughtsTokenCount"),
    *("promptTokensDetails", "modality", "tokenCount", "inputTokens", "outputTokens", "cacheWriteInputTokens", "ttl"),
    *("cacheDetails", "billed_units", "tokens", "search_units", "prompt_eval_count", "eval_count", "seconds", "type"),
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-9, 200),
    st.integers(0, 10**18),
    st.floats(-5, 10**6, allow_nan=False),
    st.sampled_from(["12", "12.0", " 7 ", "1e3", "many", "", "5m", "1h", "compaction", "AUDIO", "-3"]),
)
ODD = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=20,
)


@pytest.mark.parametrize("name", WHOLE)
@given(usage=ODD)
def test_no_usage_costs_an_answer(name: str, usage: Any) -> None:
    events = DIALECTS[name].decode(json.dumps(WHOLE[name](usage)).encode())

    assert isinstance(events[-1], Ended), events
    _is_charged(events)


@given(usages=st.lists(ODD, min_size=1, max_size=4))
def test_no_usage_breaks_a_stream(usages: list[Any]) -> None:
    chunk = {"id": "1", "choices": [{"index": 0, "delta": {"content": TEXT}}]}
    _streamed("openai", [("", {**chunk, "usage": usage}) for usage in usages] + [("", b"[DONE]")])
    candidate = {"content": {"parts": [{"text": TEXT}]}, "finishReason": "STOP"}
    _streamed("google", [("", {"candidates": [candidate], "usageMetadata": usage}) for usage in usages])
    deltas = [("message_delta", {"delta": {}, "usage": usage}) for usage in usages]
    started = ("message_start", {"message": {"id": "m", "model": "c", "usage": usages[0]}})
    said = ("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": TEXT}})
    _streamed("anthropic", [started, said, *deltas, ("message_stop", {})])


def _streamed(name: str, said: list[tuple[str, Any]]) -> None:
    dialect = DIALECTS[name]
    events: list[Event] = []
    state = dialect.start()
    for called, value in said:
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        state, more = dialect.step(state, ServerEvent(called, data, data))
        events += more
    assert not any(isinstance(event, Broken) for event in events), events
    if name != "google":  # which revises its counts
        _never_falls([event.usage for event in events if isinstance(event, UsageReported)])
    _is_charged((*events, Ended()))


def _never_falls(reports: list[Usage]) -> None:
    for before, after in pairwise(reports):
        assert _input(before) <= _input(after)


def _is_charged(events: tuple[Event, ...]) -> None:
    """A usage that the books can hold, of which nothing that was read or delivered is free."""
    meter = observe(Meter(), events)
    measured = measure(meter, 5)
    assert (
        measured.usage.output_tokens + measured.usage.reasoning_tokens
        or not meter.output_bytes
        or (measured.usage.output_audio_tokens + measured.usage.output_image_tokens + measured.usage.seconds)
    )
    assert _input(measured.usage) or measured.usage.seconds
    assert (measured.source == "provider") <= (measured.note is None)


def _input(usage: Usage) -> int:
    names = (name for name in usage.__struct_fields__ if name.startswith(("input_", "cache_")))
    return sum(getattr(usage, name) for name in names)


READER = Reader(WireUsage)


@given(st.integers(0, UNITS_MAX), st.sampled_from([int, float, str, lambda n: f"{n}.0"]))
def test_a_whole_number_is_itself_however_it_is_spelled(count: int, spell: Callable[[int], Any]) -> None:
    notes: list[str] = []

    usage = READER.read(_raw({"prompt_tokens": spell(count % 2**50)}), notes)

    assert usage is not None
    assert (count % 2**50, []) == (usage.prompt_tokens, notes)


@given(st.decimals(0, 10**6, allow_nan=False, places=3))
def test_a_fraction_counts_as_one_more(count: Decimal) -> None:
    notes: list[str] = []

    usage = READER.read(_raw({"prompt_tokens": float(count)}), notes)

    assert usage is not None
    assert usage.prompt_tokens is not None
    assert 0 <= usage.prompt_tokens - count < 1
    assert bool(notes) == (usage.prompt_tokens != count)


COUNTS = st.none() | st.integers(0, 1_000)
USAGES = st.builds(
    WireUsage,
    prompt_tokens=COUNTS,
    completion_tokens=COUNTS,
    prompt_tokens_details=st.none() | st.builds(PromptDetails, cached_tokens=COUNTS),
)


@given(USAGES, USAGES, USAGES)
def test_reports_on_top_of_each_other_are_the_greatest_of_each_field(a: WireUsage, b: WireUsage, c: WireUsage) -> None:
    both = greatest(a, b)

    assert greatest(both, b) == both == greatest(b, a)
    assert greatest(both, c) == greatest(a, greatest(b, c))
    assert (both.prompt_tokens or 0) == max(a.prompt_tokens or 0, b.prompt_tokens or 0)


def test_what_is_more_than_the_books_hold_counts_as_much_as_they_can() -> None:
    events = DIALECTS["openai"].decode(json.dumps(_openai({"prompt_tokens": 1, "tool_uses": 10**12})).encode())

    (report,) = (event for event in events if isinstance(event, UsageReported))
    assert (PIECES_MAX, True) == (report.usage.tool_uses, bool(report.notes))


def test_a_sum_is_raised_to_its_greatest_part_with_a_note() -> None:
    notes: list[str] = []

    assert 7 == covering(notes, ("whole", 7), ("part", 7), ("other", 3))
    assert [] == notes
    assert 9 == covering(notes, ("whole", 7), ("part", 9), ("other", 3))
    assert ["part is 9, more than whole, which is 7: whole is read as 9"] == notes


def _raw(value: Any) -> Any:
    return msgspec.Raw(json.dumps(value).encode())


@pytest.mark.parametrize(("name", "usage"), [
    ("openai",            {"input_tokens": 100, "output_tokens": 20, "input_tokens_details": {"cached_tokens": 40}}),
    ("openai-responses",  {"prompt_tokens": 100, "completion_tokens": 20, "prompt_tokens_details": {"cached_tokens": 40}}),
])  # fmt: skip
def test_the_other_apis_names_of_the_counts_are_read(name: str, usage: dict[str, Any]) -> None:
    events = DIALECTS[name].decode(json.dumps(WHOLE[name](usage)).encode())

    assert [Usage(input_tokens=60, cache_read_tokens=40, output_tokens=20)] == [
        event.usage for event in events if isinstance(event, UsageReported)
    ]


def test_what_is_billed_as_0_is_counted_by_its_tokens() -> None:
    usage = {"billed_units": {"input_tokens": 0, "output_tokens": 0}, "tokens": {"input_tokens": 9, "output_tokens": 5}}
    events = DIALECTS["cohere"].decode(json.dumps(_cohere(usage)).encode())

    assert [Usage(input_tokens=9, output_tokens=5)] == [e.usage for e in events if isinstance(e, UsageReported)]
