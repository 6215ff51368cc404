"""Answers in the words of the Responses API: valid by OpenAI's own models, and the same whole as streamed."""

import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from domain.model_api.events import (
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
from domain.usage import Usage
from entrypoints.http.dialects.dialect import ErrorBody
from entrypoints.http.dialects.openai_responses import RESPONSES_CALLER
from tests.support.rendering import a_rendering

FIELDS = {
    "tools": msgspec.Raw(b'[\n{"type":"function","name":"f",\r\n"parameters":{},"strict":false}]'),
    "instructions": msgspec.Raw(b'"Be brief"'),
    "temperature": msgspec.Raw(b"0.50"),
    "metadata": msgspec.Raw(b"null"),
}
RENDERING = a_rendering(fields=FIELDS)
EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
USAGE = UsageReported(usage=Usage(input_tokens=5, cache_read_tokens=6, output_tokens=4, reasoning_tokens=3))
END = (USAGE, Finished(reason="stop"), Ended())


def rendered(*events: Event) -> list[dict[str, Any]]:
    """The stream's events, each named as its data says."""
    state, sent = RESPONSES_CALLER.start(RENDERING), b""
    for event in events:
        state, more = RESPONSES_CALLER.render(state, event)
        sent += more
    reported = []
    for block in sent.decode().split("\n\n")[:-1]:
        name, data = block.split("\n")
        reported.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {reported[-1]['type']}"
    return reported


def whole(*events: Event) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(RESPONSES_CALLER.whole(events, RENDERING))
    return body


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"].removeprefix("response.") for event in events]


def test_a_text() -> None:
    reported = rendered(Started(id="x", model="y"), TextDelta(text="Hel"), TextDelta(text="lo"), *END)

    assert kinds(reported) == [
        *("created", "in_progress", "output_item.added", "content_part.added", "output_text.delta"),
        *("output_text.delta", "output_text.done", "content_part.done", "output_item.done", "completed"),
    ]
    assert "Hello" == reported[6]["text"]
    response = reported[-1]["response"]
    assert ("resp_1", "completed", "m", "Be brief", 0.5) == tuple(
        response[name] for name in ("id", "status", "model", "instructions", "temperature")
    )
    assert {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18} == {
        name: count for name, count in response["usage"].items() if isinstance(count, int)
    }
    assert (6, 3) == (
        response["usage"]["input_tokens_details"]["cached_tokens"],
        response["usage"]["output_tokens_details"]["reasoning_tokens"],
    )
    assert "f" == response["tools"][0]["name"]


def test_tool_calls_that_are_reported_in_turns_are_items_of_their_own() -> None:
    pieces = [
        ToolCallDelta(index=0, id="a", name="f"),
        ToolCallDelta(index=1, id="b", name="g"),
        ToolCallDelta(index=0, arguments='{"x"'),
        ToolCallDelta(index=1, arguments="{}"),
        ToolCallDelta(index=0, arguments=":1}"),
    ]

    output = whole(*pieces, *END)["output"]

    assert [("a", "f", '{"x":1}'), ("b", "g", "{}")] == [(i["call_id"], i["name"], i["arguments"]) for i in output]


def test_a_call_without_arguments_has_an_empty_object_unless_it_was_cut_off() -> None:
    called = ToolCallDelta(index=0, id="a", name="f")

    assert ["{}", ""] == [
        whole(called, Finished(reason=reason), Ended())["output"][0]["arguments"] for reason in ("stop", "length")
    ]


def test_a_thought_is_a_summary_with_its_proof() -> None:
    reported = rendered(ReasoningDelta(text="Hm"), ReasoningDelta(signature="s=="), TextDelta(text="Hi"), *END)

    thought, message = reported[-1]["response"]["output"]
    assert [{"type": "summary_text", "text": "Hm"}] == thought["summary"]
    assert "s==" in thought["encrypted_content"]
    assert "message" == message["type"]
    assert kinds(reported)[2:8] == [
        *("output_item.added", "reasoning_summary_part.added", "reasoning_summary_text.delta"),
        *("reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.done"),
    ]


def test_a_refusal_is_a_part_of_the_message() -> None:
    reported = rendered(RefusalDelta(text="No"), *END)

    assert {"type": "refusal", "refusal": "No"} == reported[-1]["response"]["output"][0]["content"][0]
    assert {"refusal.delta", "refusal.done"} < set(kinds(reported))


def test_a_source_is_an_annotation() -> None:
    cited = msgspec.Raw(b'{"type":"web_search_result_location","url":"https://x.test","title":"X","cited_text":"x"}')

    output = whole(TextDelta(text="Hi"), CitationDelta(citation=cited, dialect="anthropic"), *END)["output"]

    (annotation,) = output[0]["content"][0]["annotations"]
    assert ("url_citation", "https://x.test", "X") == tuple(annotation[name] for name in ("type", "url", "title"))
    assert "x" == annotation["provider_block"]["block"]["cited_text"]


def test_a_source_without_a_place_is_of_the_text_block_before_it() -> None:
    cited = msgspec.Raw(b'{"type":"web_search_result_location","url":"https://x.test"}')
    page = CitationDelta(citation=cited, dialect="anthropic")

    reported = whole(
        *(TextDelta(text="Grüße. "), TextDelta(text="Big", block=1), TextDelta(text="gest", block=1), page),
        *(ToolCallDelta(index=0, id="c", name="f"), TextDelta(text="So.", block=3), page, *END),
    )

    places = [
        (annotation["start_index"], annotation["end_index"])
        for item in reported["output"]
        for part in item.get("content", ())
        for annotation in part["annotations"]
    ]
    assert [(7, 14), (0, 3)] == places
    Response.model_validate(reported)


def test_a_vendors_ordinary_service_is_the_default() -> None:
    def service(word: str | None) -> str:
        return str(
            whole(TextDelta(text="x"), UsageReported(usage=Usage(), service_tier=word), *END[1:])["service_tier"]
        )

    assert ["default", "priority", "default"] == [service(word) for word in ("standard", "priority", None)]


def test_a_custom_tools_call_is_openais_own_and_others_blocks_are_provider_blocks() -> None:
    custom = msgspec.Raw(b'{"id":"c1","type":"custom","custom":{"name":"code","input":"x = 1"}}')
    blocks = (
        ProviderBlock(dialect="openai", name="custom_tool_call", block=custom),
        ProviderBlock(dialect="anthropic", name="server_tool_use", block=msgspec.Raw(b'{"a":\n1}')),
    )

    call, provider_block = whole(*blocks, *END)["output"]

    assert ("custom_tool_call", "c1", "code", "x = 1") == tuple(call[n] for n in ("type", "call_id", "name", "input"))
    assert ("provider_block", "anthropic", {"a": 1}) == (
        provider_block["type"],
        provider_block["dialect"],
        provider_block["block"],
    )


def test_what_was_cut_short_is_incomplete() -> None:
    for reason, why in (("length", "max_output_tokens"), ("content_filter", "content_filter")):
        reported = rendered(TextDelta(text="x"), Finished(reason=reason), Ended())  # type: ignore[arg-type]

        response = reported[-1]["response"]
        assert ("incomplete", {"reason": why}) == (response["status"], response["incomplete_details"])
        assert ("response.incomplete", "incomplete") == (reported[-1]["type"], response["output"][0]["status"])


def test_a_stream_that_fails_reports_it_and_never_ends() -> None:
    state, _ = RESPONSES_CALLER.render(RESPONSES_CALLER.start(RENDERING), TextDelta(text="x"))
    error = ErrorBody(status=502, kind="provider", message="It broke.", code="truncated")
    assert RESPONSES_CALLER.stream_failed is not None

    sent = RESPONSES_CALLER.stream_failed(state, error).decode()

    failed, last = (json.loads(block.split("data: ")[1]) for block in sent.split("\n\n")[:-1])
    assert ("response.failed", "failed", "It broke.") == (
        failed["type"],
        failed["response"]["status"],
        failed["response"]["error"]["message"],
    )
    assert ("error", "It broke.", "It broke.") == (last["type"], last["message"], last["error"]["message"])
    assert failed["sequence_number"] + 1 == last["sequence_number"]


# --- laws -----------------------------------------------------------------------------------------------

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SAID = st.lists(
    st.one_of(
        st.builds(TextDelta, text=WORDS, signature=st.sampled_from([None, None, "sig"])),
        st.builds(RefusalDelta, text=WORDS),
        st.builds(ReasoningDelta, text=WORDS, block=st.integers(0, 2), signature=st.sampled_from([None, "s"])),
        st.builds(ReasoningDelta, redacted=st.just("r"), block=st.integers(0, 2)),
        st.builds(
            ToolCallDelta,
            index=st.integers(0, 2),
            id=st.sampled_from(["a", "b"]),
            name=st.just("f"),
            arguments=st.sampled_from(["", "{}", '{"']),
        ),
        st.builds(
            CitationDelta,
            citation=st.just(
                msgspec.Raw(
                    b'{"type":"url_citation","url_citation":{"url":"https://x","title":"X","start_index":0,"end_index":1}}'
                )
            ),
            dialect=st.just("openai"),
        ),
    ),
    max_size=8,
)
REASONS = st.sampled_from(["stop", "length", "tool_calls", "content_filter", "refusal", "pause"])


@given(said=SAID, reason=REASONS)
def test_the_whole_answer_is_what_the_stream_ends_with(said: list[Event], reason: Any) -> None:
    events = (*said, USAGE, Finished(reason=reason), Ended())

    reported = rendered(*events)

    assert whole(*events) == reported[-1]["response"]
    assert list(range(len(reported))) == [event["sequence_number"] for event in reported]


@given(said=SAID, reason=REASONS)
def test_a_stream_is_valid_by_openais_own_models(said: list[Event], reason: Any) -> None:
    for event in rendered(*said, USAGE, Finished(reason=reason), Ended()):
        EVENT.validate_python(event)


@given(said=SAID)
def test_every_item_is_added_done_and_in_the_response_once(said: list[Event]) -> None:
    reported = rendered(*said, *END)

    output = reported[-1]["response"]["output"]
    added = [event["output_index"] for event in reported if event["type"] == "response.output_item.added"]
    done = {e["output_index"]: e["item"] for e in reported if e["type"] == "response.output_item.done"}
    assert list(range(len(output))) == added == sorted(done)
    assert output == [done[place] for place in added]
    Response.model_validate(reported[-1]["response"])


@given(said=SAID)
def test_without_the_end_there_is_no_terminal_event(said: list[Event]) -> None:
    assert not {"completed", "incomplete", "failed"} & set(kinds(rendered(*said, USAGE, Finished(reason="stop"))))
