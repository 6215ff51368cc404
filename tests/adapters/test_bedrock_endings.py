"""How Converse's answers end: why the model stopped, what was counted, and what breaks."""

import json
from typing import Any

import pytest

from adapters.providers.bedrock import BEDROCK
from domain.model_api.events import Broken, Ended, Event, Finished, ProviderBlock, Started, UsageReported
from domain.usage import Usage
from tests.support.bedrock import reported
from tests.support.eventstream import answer, event, exception

USAGE = {"inputTokens": 7, "outputTokens": 3, "totalTokens": 10}


def whole(*blocks: dict[str, Any], stop: str | None = "end_turn", **more: Any) -> tuple[Event, ...]:
    output = {"message": {"role": "assistant", "content": list(blocks)}}
    body = {"output": output, "stopReason": stop, "usage": USAGE, "metrics": {"latencyMs": 1}} | more
    return BEDROCK.decode(json.dumps(body).encode())


def broken(events: tuple[Event, ...]) -> tuple[str, str]:
    assert isinstance(events[-1], Broken)
    assert not any(isinstance(event, Ended) for event in events)
    return events[-1].failure.kind, events[-1].failure.message


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("tool_use", "stop"),  # without a tool that was called
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"),
        ("a_reason_of_tomorrow", "stop"),
    ],
)
def test_why_the_model_stopped(reason: str, finish: str) -> None:
    for events in (whole({"text": "a"}, stop=reason), reported(answer({"text": "a"}, stop=reason))):
        assert [finish] == [event.reason for event in events if isinstance(event, Finished)]
        assert events[-1] == Ended()


@pytest.mark.parametrize("reason", ["malformed_model_output", "malformed_tool_use"])
def test_an_answer_that_the_model_spoilt_is_broken_but_counted(reason: str) -> None:
    for events in (whole({"text": "a"}, stop=reason), reported(answer({"text": "a"}, stop=reason))):
        assert ("malformed", f"the model ended its answer with {reason}") == broken(events)
        assert UsageReported(usage=Usage(input_tokens=7, output_tokens=3)) in events


def test_the_stop_sequence_is_reported() -> None:
    fields = {"stop_sequence": "###"}
    stopped = event("messageStop", stopReason="stop_sequence", additionalModelResponseFields=fields)

    expected = Finished(reason="stop", stop_sequence="###")
    assert expected in whole({"text": "a"}, stop="stop_sequence", additionalModelResponseFields=fields)
    assert expected in reported(stopped + event("metadata", usage=USAGE))


def test_fields_next_to_the_answer_are_kept() -> None:
    trace = {"guardrail": {"inputAssessment": {"g": {"a": 1}}}}
    fields = {"stop_sequence": None, "other": 1}

    events = whole({"text": "a"}, trace=trace, additionalModelResponseFields=fields)
    stream = event("messageStop", stopReason="end_turn", additionalModelResponseFields=fields)
    streamed = reported(stream + event("metadata", usage=USAGE, trace=trace))

    expected = [("additionalModelResponseFields", fields), ("trace", trace)]
    for reported_events in (events, streamed):
        kept = [e for e in reported_events if isinstance(e, ProviderBlock)]
        assert expected == [(e.name, json.loads(bytes(e.block))) for e in kept]
        assert not any(e.generated for e in kept)  # Nobody pays for them as output.
        assert reported_events[-1] == Ended()


# --- usage ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reported_usage", "usage"),
    [
        ({"inputTokens": 2, "outputTokens": 5, "totalTokens": 7}, Usage(input_tokens=2, output_tokens=5)),
        (
            # As recorded: cached tokens stand beside the input, and the total holds all.
            {"inputTokens": 2, "outputTokens": 5, "cacheReadInputTokens": 1322, "cacheWriteInputTokens": 0,
             "cacheReadInputTokenCount": 1322, "totalTokens": 1329, "serverToolUsage": {}},
            Usage(input_tokens=2, output_tokens=5, cache_read_tokens=1322),
        ),
        (
            {"inputTokens": 2, "outputTokens": 5, "cacheWriteInputTokens": 300, "totalTokens": 307},
            Usage(input_tokens=2, output_tokens=5, cache_write_tokens=300),
        ),
        (
            {"inputTokens": 2, "outputTokens": 5, "cacheWriteInputTokens": 300, "totalTokens": 307,
             "cacheDetails": [{"ttl": "1h", "inputTokens": 100}, {"ttl": "5m", "inputTokens": 200}]},
            Usage(input_tokens=2, output_tokens=5, cache_write_tokens=200, cache_write_1h_tokens=100),
        ),
        ({"inputTokens": 2, "outputTokens": 5, "cacheDetails": []}, Usage(input_tokens=2, output_tokens=5)),
    ],
)  # fmt: skip
def test_usage_is_counted_in_units(reported_usage: dict[str, Any], usage: Usage) -> None:
    assert UsageReported(usage=usage) in whole({"text": "a"}, usage=reported_usage)
    assert UsageReported(usage=usage) in reported(answer({"text": "a"}, usage=reported_usage))


@pytest.mark.parametrize(
    ("said", "tier"),
    [
        ({}, None),
        ({"serviceTier": {"type": "flex"}}, "flex"),
        ({"serviceTier": {"type": "default"}, "performanceConfig": {"latency": "standard"}}, "default"),
        ({"performanceConfig": {"latency": "optimized"}}, "optimized"),
    ],
)
def test_the_service_tier_is_reported_with_the_usage(said: dict[str, Any], tier: str | None) -> None:
    stream = event("messageStop", stopReason="end_turn") + event("metadata", usage=USAGE, **said)

    counted = UsageReported(usage=Usage(input_tokens=7, output_tokens=3), service_tier=tier)
    assert counted in whole({"text": "a"}, **said)
    assert counted in reported(stream)


@pytest.mark.parametrize(
    ("usage", "read", "names"),
    [
        (
            {"inputTokens": 2, "cacheWriteInputTokens": 9, "cacheDetails": [{"ttl": "5m", "inputTokens": 8}]},
            {"input_tokens": 2, "cache_write_tokens": 9},
            ("cacheWriteInputTokens is 9", "cacheDetails sum to 8"),
        ),
        (
            {"inputTokens": 2, "cacheWriteInputTokens": 3, "cacheDetails": [{"ttl": "1h", "inputTokens": 8}]},
            {"input_tokens": 2, "cache_write_1h_tokens": 8},
            ("cacheWriteInputTokens is 3", "cacheDetails sum to 8"),
        ),
        (
            {"inputTokens": 2, "cacheDetails": [{"ttl": "1d", "inputTokens": 8}]},
            {"input_tokens": 2, "cache_write_tokens": 8},
            ("for 1d",),
        ),
        ({"inputTokens": -1}, {}, ("inputTokens",)),
        ({"inputTokens": 1.5}, {"input_tokens": 2}, ("inputTokens",)),
        ({"inputTokens": "7"}, {"input_tokens": 7}, ()),
        ({"inputTokens": 7.0, "cacheDetails": None}, {"input_tokens": 7}, ()),
    ],
)  # fmt: skip
def test_usage_that_does_not_add_up_is_read_and_noted(
    usage: dict[str, Any], read: dict[str, int], names: tuple[str, ...]
) -> None:
    counted = {"outputTokens": 5, **usage}
    for events in (whole({"text": "a"}, usage=counted), reported(answer({"text": "a"}, usage=counted))):
        (report,) = (event for event in events if isinstance(event, UsageReported))
        assert Usage(output_tokens=5, **read) == report.usage
        assert bool(names) == bool(report.notes)
        assert all(name in report.notes[0] for name in names), report.notes
        assert isinstance(events[-1], Ended)


# --- what breaks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("throttlingException", "overloaded"),
        ("modelStreamErrorException", "unavailable"),
        ("internalServerException", "unavailable"),
        ("serviceUnavailableException", "unavailable"),
        ("modelTimeoutException", "unavailable"),
        ("validationException", "request_rejected"),
        ("anExceptionOfTomorrow", "unavailable"),
    ],
)
def test_an_exception_in_a_stream_breaks_it(name: str, kind: str) -> None:
    events = reported(event("messageStart", role="assistant") + exception(name, "Too much."))

    assert (kind, "Too much.") == broken(events)
    assert isinstance(events[-1], Broken)
    assert (name, "bedrock") == (events[-1].failure.code, events[-1].failure.dialect)


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b"\xff", b'{"message":"no"}', b'{"output":{}}', b'{"output":{"message":{"content":"a"}}}',
     b"[" * 100_000],
)  # fmt: skip
def test_an_unreadable_answer_is_malformed(body: bytes) -> None:
    (only,) = BEDROCK.decode(body)
    assert "malformed" == broken((only,))[0]


def test_damage_in_the_stream_is_malformed_after_its_complete_events() -> None:
    stream = bytearray(event("messageStart", role="assistant") + event("messageStop", stopReason="end_turn"))
    stream[-1] ^= 1

    started, damaged = reported(bytes(stream))

    assert isinstance(started, Started)
    assert "malformed" == broken((damaged,))[0]


def test_a_call_that_never_began_makes_no_sense() -> None:
    stray = event("contentBlockDelta", contentBlockIndex=3, delta={"toolUse": {"input": "{"}})
    assert "malformed" == broken(reported(stray))[0]


def test_an_undocumented_event_is_ignored() -> None:
    assert () == reported(event("somethingNew", a=1))
