"""Answers of the Responses API: what they mean whole and streamed, what is counted, and how they fail."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.providers.dialect import ServerEvent
from adapters.providers.openai_responses import RESPONSES
from domain.dialects.openrouter_reasoning import encrypted_by_openai
from domain.model_api.events import (
    Broken,
    CitationDelta,
    Ended,
    Event,
    Finished,
    ProviderBlock,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    UsageReported,
)
from domain.model_api.requests import Reasoning
from domain.usage import Usage
from tests.adapters.openai_events import reported
from tests.behaviour import responses_answers as rsp
from tests.behaviour.stub_answers import event


def server_event(raw: bytes, named: bool = True) -> ServerEvent:
    name, _, data = raw.partition(b"data: ")
    return ServerEvent(name.decode().removeprefix("event: ").strip() if named else "", data.strip(), raw)


def folded(events: list[bytes], named: bool = True) -> tuple[Event, ...]:
    state = RESPONSES.start()
    meant: list[Event] = []
    for raw in events:
        state, more = RESPONSES.step(state, server_event(raw, named))
        meant += more
    return tuple(meant)


def the(kind: type[Any], events: tuple[Event, ...]) -> Any:
    """The only event of a kind."""
    (only,) = [found for found in events if isinstance(found, kind)]
    return only


def test_a_whole_answer_is_its_items_in_order() -> None:
    events = RESPONSES.decode(rsp.whole(rsp.thought(), rsp.message("Hi"), rsp.call("{}")))

    assert Started(id="resp_stub", model="m-2024-01-01") == events[0]
    assert ReasoningDelta(text="Hm, Paris.", block=0) == events[1]
    assert ("rs_stub1", "gAAAA-encrypted") == encrypted_by_openai(Reasoning(redacted=events[2].redacted))  # type: ignore[union-attr]
    assert (
        TextDelta(text="Hi", block=1),
        ToolCallDelta(index=0, id="call_0", name="weather"),
        ToolCallDelta(index=0, arguments="{}"),
        UsageReported(usage=Usage(input_tokens=11, output_tokens=7)),
        Finished(reason="tool_calls"),
        Ended(),
    ) == events[3:]


@pytest.mark.parametrize(
    ("status", "why", "reason"),
    [
        ("completed", None, "stop"),
        ("complete", None, "stop"),  # a word that nobody knows: the text is whole
        ("incomplete", {"reason": "max_output_tokens"}, "length"),
        ("incomplete", {"reason": "content_filter"}, "content_filter"),
        ("incomplete", {"reason": "steered"}, "pause"),
        ("incomplete", None, "length"),
    ],
)
def test_why_an_answer_ended(status: str, why: Any, reason: str) -> None:
    body = rsp.whole(status=status, incomplete_details=why)
    end = event("response.incomplete", response=json.loads(body))

    assert reason == the(Finished, RESPONSES.decode(body)).reason
    assert reason == the(Finished, folded([end])).reason


def test_an_answer_in_the_background_has_neither_finished_nor_counted() -> None:
    events = RESPONSES.decode(rsp.whole(status="queued", usage=None))

    assert not [reported for reported in events if isinstance(reported, Finished | UsageReported)]
    assert Ended() == events[-1]


@pytest.mark.parametrize(
    ("usage", "units"),
    [
        ({}, Usage(input_tokens=100, output_tokens=50)),
        (
            {"input_tokens_details": {"cached_tokens": 80}},
            Usage(input_tokens=20, cache_read_tokens=80, output_tokens=50),
        ),
        (
            {"input_tokens_details": {"cached_tokens": 80, "cache_write_tokens": 15}},
            Usage(input_tokens=5, cache_read_tokens=80, cache_write_tokens=15, output_tokens=50),
        ),
        (
            {"output_tokens_details": {"reasoning_tokens": 30}},
            Usage(input_tokens=100, output_tokens=20, reasoning_tokens=30),
        ),
    ],
)
def test_usage_is_reported_in_units(usage: dict[str, Any], units: Usage) -> None:
    counted = {"input_tokens": 100, "output_tokens": 50, "total_tokens": 150, **usage}

    assert units == the(UsageReported, RESPONSES.decode(rsp.whole(usage=counted))).usage


@pytest.mark.parametrize(
    ("usage", "units", "names"),
    [
        (
            {"input_tokens_details": {"cached_tokens": 101}},
            {"cache_read_tokens": 101, "output_tokens": 50},
            ("cached_tokens", "input_tokens"),
        ),
        (
            {"output_tokens_details": {"reasoning_tokens": 51}},
            {"input_tokens": 100, "reasoning_tokens": 51},
            ("reasoning_tokens", "output_tokens"),
        ),
        (
            {"total_tokens": 149},
            {"input_tokens": 100, "output_tokens": 50},
            ("total_tokens", "input_tokens", "output_tokens"),
        ),
        ({"output_tokens": "50", "total_tokens": 150.0}, {"input_tokens": 100, "output_tokens": 50}, ()),
        ({"input_tokens": "many"}, {"output_tokens": 50, "input_tokens": 100}, ("input_tokens",)),
    ],
)
def test_usage_that_does_not_add_up_is_read_and_noted_by_the_names_of_here(
    usage: dict[str, Any], units: dict[str, int], names: tuple[str, ...]
) -> None:
    counted = {"input_tokens": 100, "output_tokens": 50, "total_tokens": 150, **usage}

    report = the(UsageReported, RESPONSES.decode(rsp.whole(usage=counted)))

    assert Usage(**units) == report.usage
    assert bool(names) == bool(report.notes)
    assert all(name in report.notes[0] for name in names), report.notes
    assert not any("prompt_tokens" in note for note in report.notes)


SEARCH = {"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "x"}}
OPEN = {**SEARCH, "action": {"type": "open_page", "url": "https://x.test"}}


@pytest.mark.parametrize(
    ("items", "reported_by_openai", "uses"),
    [
        ([SEARCH, SEARCH, OPEN], None, 2),
        ([SEARCH, SEARCH, OPEN], {"web_search": {"num_requests": 1}}, 1),
        ([{"id": "fs", "type": "file_search_call"}, {"id": "ci", "type": "code_interpreter_call"}], None, 2),
        ([{"id": "fs", "type": "file_search_call"}], {"web_search": {"num_requests": 0}}, 1),
        ([{"id": "mcp", "type": "mcp_call"}], None, 0),
    ],
)
def test_hosted_tools_are_counted_by_the_use(items: list[Any], reported_by_openai: Any, uses: int) -> None:
    more = {"tool_usage": reported_by_openai} if reported_by_openai else {}

    whole = RESPONSES.decode(rsp.whole(*items, **more))

    assert uses == the(UsageReported, whole).usage.tool_uses
    assert uses == the(UsageReported, folded(rsp.stream(*items, **more))).usage.tool_uses
    assert [item["type"] for item in items] == [event.name for event in whole if isinstance(event, ProviderBlock)]


def test_a_url_is_cited_as_chat_completions_cites_it() -> None:
    annotation = {"type": "url_citation", "url": "https://x.test", "title": "X", "start_index": 0, "end_index": 2}
    file = {"type": "file_citation", "file_id": "file-1", "index": 3}
    item = rsp.message("Hi")
    item["content"][0]["annotations"] = [annotation, file]

    first, second = (event for event in RESPONSES.decode(rsp.whole(item)) if isinstance(event, CitationDelta))

    inner = {name: value for name, value in annotation.items() if name != "type"}
    assert {"type": "url_citation", "url_citation": inner} == json.loads(bytes(first.citation))
    assert ("openai", "openai-responses", file) == (first.dialect, second.dialect, json.loads(bytes(second.citation)))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": "server_error", "message": "Oh."}, "unavailable"),
        ({"code": "rate_limit_exceeded", "message": "Oh."}, "overloaded"),
        ({"code": "invalid_prompt", "message": "Oh."}, "request_rejected"),
        ({"code": "image_too_large", "message": "Oh."}, "request_rejected"),
        ({"code": "a new word", "message": "Oh."}, "unavailable"),
    ],
)
def test_an_answer_that_failed_is_broken_by_its_code(error: dict[str, str], kind: str) -> None:
    for events in (
        RESPONSES.decode(rsp.whole(status="failed", error=error)),
        folded([event("response.failed", response=rsp.response(status="failed", error=error))]),
        folded([event("error", **error, param=None, sequence_number=1)]),
        folded([event("error", error=error, sequence_number=1)]),
        folded([b'data: {"error": %b}' % json.dumps(error).encode()], named=False),
    ):
        failure = the(Broken, events).failure
        assert (kind, "Oh.", error["code"]) == (failure.kind, failure.message, failure.code)
        assert isinstance(events[-1], Broken)


def test_a_stream_without_deltas_gives_the_content_of_its_items() -> None:
    """Some servers tell an item only when it is done, others only at the end."""
    events = rsp.stream(rsp.thought(), rsp.message("Hi"), rsp.call('{"a":1}'))
    done = [raw for raw in events if b".delta" not in raw.partition(b"\n")[0]]
    ends = [events[0], events[-1]]

    assert reported(folded(events)) == reported(folded(done)) == reported(folded(ends))


def test_arguments_of_an_unknown_item_are_malformed() -> None:
    piece = event("response.function_call_arguments.delta", output_index=3, delta="{")

    assert "malformed" == the(Broken, folded([piece])).failure.kind


# --- laws -----------------------------------------------------------------------------------------------

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
WORDS = TEXTS.filter(bool)
ITEMS = st.lists(
    st.one_of(
        WORDS.map(rsp.message),
        st.builds(rsp.call, st.sampled_from(["{}", '{"city": "Köln"}', "not json"])),
        st.builds(rsp.thought, WORDS | st.none(), TEXTS),
        st.sampled_from([SEARCH, OPEN]),
    ),
    min_size=1,
    max_size=5,
)


@given(items=ITEMS, named=st.booleans())
def test_whole_equals_stream(items: list[dict[str, Any]], named: bool) -> None:
    items = [{**item, "id": f"{item['id']}_{n}"} for n, item in enumerate(items)]
    for n, item in enumerate(items):
        if item["type"] == "function_call":
            item["call_id"] = f"call_{n}"

    whole = json.dumps(rsp.response(*items), ensure_ascii=False).encode()  # spaced as the events are

    assert reported(RESPONSES.decode(whole)) == reported(folded(rsp.stream(*items), named))


@given(data=st.binary(max_size=40) | st.sampled_from([b"{}", b"[]", b"null", b'{"response":{}}', b'{"item":1}']))
def test_no_bytes_raise(data: bytes) -> None:
    assert isinstance(RESPONSES.decode(data)[-1], Broken | Ended)
    for name in ("", "response.created", "response.output_item.done", "response.output_text.delta",
                 "response.completed", "response.failed", "error", "response.output_text.annotation.added"):  # fmt: skip
        RESPONSES.step(RESPONSES.start(), ServerEvent(name, data, data))


@given(items=ITEMS, cut=st.integers(0, 30))
def test_a_stream_that_is_cut_never_ends(items: list[dict[str, Any]], cut: int) -> None:
    events = rsp.stream(*items)

    assert not any(isinstance(event, Ended) for event in folded(events[: min(cut, len(events) - 1)]))
