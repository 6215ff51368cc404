"""Recorded traffic of providers that speak OpenAI's Responses API, against a naive reading of the same JSON."""

import json
from typing import Any

import pytest

from adapters.providers.dialect import ServerEvent
from adapters.providers.framing.sse import EventFramer
from adapters.providers.openai import OPENAI
from adapters.providers.openai_responses import RESPONSES
from domain.dialects.openrouter_reasoning import encrypted_by_openai
from domain.dialects.tool_call_ids import OPENAI_CHAT_IDS, fitted_id
from domain.model_api.call import Attempt, ModelCall, Target
from domain.model_api.events import Broken, Ended, Event, ReasoningDelta
from domain.model_api.requests import ChatRequest, Reasoning
from entrypoints.http.dialects.openai_responses import RESPONSES_CALLER
from tests.adapters.openai_events import reported
from tests.recordings.left_out import without
from tests.recordings.responses_meaning import chat_meaning, final, meaning, read_naively, usage_units
from tests.recordings.seen import files, label, recorded
from tests.support.rendering import a_rendering

FILES = [file for file in files() if "-responses" in file]


EXCHANGES = {label(file, number): exchange for file in FILES for number, exchange in enumerate(recorded(file))}
ALL = [pytest.param(exchange, id=name) for name, exchange in EXCHANGES.items()]
ANSWERED = [pytest.param(each, id=name) for name, each in EXCHANGES.items() if each["response"]["status"] == 200]
REFUSED = [pytest.param(each, id=name) for name, each in EXCHANGES.items() if each["response"]["status"] != 200]
STREAMED = [
    pytest.param(each, id=name)
    for name, each in EXCHANGES.items()
    if "event-stream" in each["response"]["content_type"]
]  # fmt: skip


def body_of(exchange: dict[str, Any]) -> bytes:
    text: str = exchange["response"]["text"]
    return text.encode()


def streamed(exchange: dict[str, Any]) -> bool:
    return "event-stream" in exchange["response"]["content_type"]


def attempt(model: str, cap: int | None = None) -> Attempt:
    target = Target(
        provider="acme",
        dialect="openai-responses",
        base_url="https://llm.acme.test/v1",
        model=model,
        credential_id=None,
        sealed=None,
    )
    return Attempt(call_id="call-1", target=target, timeout_ms=1_000, output_cap=cap)


def read(request: dict[str, Any]) -> ModelCall:
    call = RESPONSES_CALLER.read(json.dumps(request).encode())
    assert isinstance(call, ModelCall), call
    return call


def folded(events: list[ServerEvent]) -> tuple[Event, ...]:
    """What the fold makes of server-sent events, until its last word."""
    state = RESPONSES.start()
    meant: list[Event] = []
    for event in events:
        state, more = RESPONSES.step(state, event)
        meant += more
        if more and isinstance(more[-1], Ended | Broken):
            break
    return tuple(meant)


def framed(body: bytes) -> list[ServerEvent]:
    framer = EventFramer()
    return [event for event in (*framer.feed(body), *framer.finish()) if event.data]


def understood(exchange: dict[str, Any]) -> tuple[Event, ...]:
    return folded(framed(body_of(exchange))) if streamed(exchange) else RESPONSES.decode(body_of(exchange))


def as_naively_read(events: tuple[Event, ...]) -> dict[str, Any]:
    """The events in the words of the naive reading."""
    answer = reported(events)
    assert answer["failure"] is None
    choice = answer["choices"].get(0, {})
    proofs = [event for event in events if isinstance(event, ReasoningDelta) and event.redacted]
    others = [name for _, name, _ in choice.get("foreign", ()) if name != "logprobs"]
    return {
        "started": answer["started"],
        "text": choice.get("text", ""),
        "refusal": choice.get("refusal", ""),
        "thinking": "".join(text for text, _, _ in choice.get("thoughts", {}).values()),
        "encrypted": [encrypted_by_openai(Reasoning(redacted=proof.redacted)) for proof in proofs],
        "calls": [choice["calls"][index] for index in sorted(choice.get("calls", ()))],
        "cited": len(choice.get("cited", ())),
        "others": others,
        "finish": [reason for reason, _ in choice.get("finish", ())],
        "usage": None if answer["usage"] is None else usage_units(answer["usage"]),
    }


def test_the_recordings_are_there() -> None:
    """A folder that was moved or renamed must not pass as tests that found nothing."""
    assert 130 <= len(ALL)
    assert 14 <= len(STREAMED)
    assert 5 <= len(REFUSED)


@pytest.mark.parametrize("exchange", ANSWERED)
def test_an_answer_is_understood_as_a_naive_reading_understands_it(exchange: dict[str, Any]) -> None:
    naive = read_naively(body_of(exchange), streamed(exchange))

    assert naive == as_naively_read(understood(exchange))


@pytest.mark.parametrize("exchange", STREAMED)
def test_a_stream_has_the_content_that_its_last_event_has(exchange: dict[str, Any]) -> None:
    """Whole equals stream, by the provider's own whole."""
    whole = RESPONSES.decode(json.dumps(final(body_of(exchange), True)).encode())

    differ = {"encrypted": None}  # OpenAI encrypts a thought again for each event.
    assert as_naively_read(whole) | differ == as_naively_read(understood(exchange)) | differ


@pytest.mark.parametrize("exchange", STREAMED)
def test_a_recorded_stream_means_the_same_however_it_is_cut(exchange: dict[str, Any]) -> None:
    body, expected = body_of(exchange), understood(exchange)
    commented = b": hello\n\n" + body.replace(b"\n\n", b"\n\n: a comment\n\n:\n")
    for sent in (body, body.replace(b"\n", b"\r\n"), commented):
        framer = EventFramer()
        events = [event for n in range(len(sent)) for event in framer.feed(sent[n : n + 1])]
        events += framer.finish()

        assert expected == folded([event for event in events if event.data])


@pytest.mark.parametrize("exchange", STREAMED)
def test_a_recorded_stream_without_its_last_event_never_ends(exchange: dict[str, Any]) -> None:
    events = [event for event in framed(body_of(exchange)) if event.data != b"[DONE]"]

    assert not reported(folded(events[:-1]))["ended"]


@pytest.mark.parametrize("exchange", ANSWERED)
def test_a_recorded_answer_is_rendered_with_the_same_content(exchange: dict[str, Any]) -> None:
    """Rendered for a caller of the same dialect, as if it came from a provider of another; whole as streamed."""
    events = understood(exchange)
    naive = read_naively(body_of(exchange), streamed(exchange))
    rendering = a_rendering()

    state, sent = RESPONSES_CALLER.start(rendering), b""
    for event in events:
        state, more = RESPONSES_CALLER.render(state, event)
        sent += more

    for rendered in (final(sent, True), json.loads(RESPONSES_CALLER.whole(events, rendering))):
        received = read_naively(json.dumps(rendered).encode(), False)
        for name in ("text", "refusal", "thinking", "cited", "calls"):
            assert naive[name] == received[name], name
        assert len(naive["encrypted"]) == len(received["encrypted"])
    assert final(sent, True) == json.loads(RESPONSES_CALLER.whole(events, rendering))
    numbers = [json.loads(event.data)["sequence_number"] for event in framed(sent)]
    assert list(range(len(numbers))) == numbers


@pytest.mark.parametrize("exchange", ALL)
def test_a_recorded_request_passes_through_with_every_field(exchange: dict[str, Any]) -> None:
    call = read(exchange["request"])

    passed = json.loads(RESPONSES.pass_through(call, attempt("m-upstream")))
    capped = json.loads(RESPONSES.pass_through(call, attempt("m-upstream", cap=300)))

    expected = {**exchange["request"], "model": "m-upstream"}
    assert expected == passed
    assert list(expected) == list(passed)
    assert {**expected, "max_output_tokens": 300} == capped


@pytest.mark.parametrize("exchange", ALL)
@pytest.mark.parametrize("provider", [OPENAI, RESPONSES], ids=["to chat", "to responses"])
def test_a_recorded_request_keeps_its_meaning_or_is_refused_by_name(exchange: dict[str, Any], provider: Any) -> None:
    requested = exchange["request"]
    request = RESPONSES_CALLER.to_request(read(requested))
    assert isinstance(request, ChatRequest), request

    refused = provider.refuses(request)

    if refused is not None:
        for word in refused.field.replace("]", "").replace("[", ".").split("."):
            assert (
                word.isdigit() or word in json.dumps(requested) or word in ("tool_result", "document", "image", "url")
            )
        return
    sent = json.loads(provider.encode(request, attempt(request.model)))
    expected = meaning(without(requested, {lack.field for lack in provider.unsupported(request)}))
    if provider is OPENAI:
        turns = [_with_fitted_id(each) for each in expected["said"] if each[0] != "thought"]
        expected["said"] = [part for turn in turns for part in _with_files_behind(turn)]
        assert expected == chat_meaning(sent)
    else:
        assert expected == meaning(sent)
        assert False is sent["store"]


def _with_files_behind(said: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """A result with its files in a message behind it: those of chat completions are text alone."""
    if said[0] != "result" or not isinstance(said[2], list):
        return [said]
    _, call_id, parts = said
    reference = ("user", f"From the result of the tool call {call_id}:")
    files = [("user", part) for part in parts]
    return [("result", call_id, "The result is in the next message."), reference, *files]


def _with_fitted_id(said: tuple[Any, ...]) -> tuple[Any, ...]:
    """What was said, with the id of a call as chat completions take it."""
    if said[0] not in ("call", "result"):
        return said
    kind, call_id, *rest = said
    return (kind, fitted_id(call_id, OPENAI_CHAT_IDS), *rest)


@pytest.mark.parametrize("exchange", REFUSED)
def test_a_recorded_refusal_gives_its_message_and_code(exchange: dict[str, Any]) -> None:
    status, body = exchange["response"]["status"], body_of(exchange)

    failure = RESPONSES.failure(status, {}, body)

    error = json.loads(body)["error"]
    assert ("request_rejected", status, error["message"]) == (failure.kind, failure.status, failure.message)
    assert (body, "openai-responses") == (failure.body, failure.dialect)
    assert (error["code"] or error["type"]) == failure.code
