"""An answer for a caller of Gemini's API is one response, whole and streamed, and what proves thinking comes back."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.dialects.signatures import carry, signed_by_google
from domain.model_api.events import (
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
from domain.model_api.requests import ChatRequest, Reasoning, Text, ToolCall
from domain.usage import Usage
from entrypoints.http.dialects.google import google_caller
from entrypoints.http.dialects.google.parts import joined
from tests.support.rendering import a_rendering

CALLER = google_caller("ant/m", stream=True)
RENDERING = a_rendering(model="ant/m", dialect="google")


def whole(*events: Event) -> Any:
    return json.loads(CALLER.whole(events, RENDERING))


def chunks(*events: Event) -> list[Any]:
    state, said = CALLER.start(RENDERING), b""
    for event in events:
        state, more = CALLER.render(state, event)
        said += more
    return [json.loads(piece.removeprefix(b"data: ")) for piece in said.split(b"\r\n\r\n") if piece]


def put_together(reported: list[Any]) -> Any:
    """What a client makes of the chunks."""
    candidates: dict[int, Any] = {}
    for one in reported:
        for candidate in one["candidates"]:
            known = candidates.setdefault(candidate["index"], {"content": {"parts": [], "role": "model"}})
            parts = known["content"]["parts"] + candidate["content"]["parts"]
            known |= {**candidate, "content": {"parts": parts, "role": "model"}}
    for known in candidates.values():
        parts = [part for part in joined(known["content"]["parts"]) if part != {"text": ""}]
        known["content"]["parts"] = parts
    return {**reported[-1], "candidates": [candidates[index] for index in sorted(candidates)]}


TEXTS = st.text(min_size=1, max_size=8)
CHOICES = st.integers(0, 1)
EVENTS = st.one_of(
    st.builds(
        TextDelta, text=TEXTS, choice=CHOICES, signature=st.sampled_from([None, signed_by_google("c2ln"), "sig"])
    ),
    st.builds(ReasoningDelta, text=TEXTS, choice=CHOICES, block=st.integers(0, 2)),
    st.builds(ReasoningDelta, signature=TEXTS, choice=CHOICES, block=st.integers(0, 2)),
    st.builds(ReasoningDelta, redacted=TEXTS, choice=CHOICES, block=st.integers(0, 2)),
    st.builds(ToolCallDelta, index=st.integers(0, 2), id=st.just("id"), name=TEXTS, arguments=TEXTS, choice=CHOICES),
    st.builds(ToolCallDelta, index=st.integers(0, 2), arguments=TEXTS, choice=CHOICES),
    st.builds(
        UsageReported, usage=st.builds(Usage, input_tokens=st.integers(0, 9), reasoning_tokens=st.integers(0, 9))
    ),
)


@given(st.lists(EVENTS, max_size=12), st.sampled_from(["stop", "length", "tool_calls"]))
def test_a_whole_answer_has_the_content_of_its_stream(events: list[Event], reason: Any) -> None:
    reported = (Started(id="x", model="y"), *events, Finished(reason=reason), Ended())

    expected, streamed = whole(*reported), put_together(chunks(*reported))

    for candidate in expected["candidates"]:
        candidate["content"]["parts"] = [part for part in candidate["content"]["parts"] if part != {"text": ""}]
    assert expected == streamed


def test_no_ending_is_made_up() -> None:
    reported = chunks(
        TextDelta(text="Hel"), ToolCallDelta(index=0, id="c", name="f", arguments="{}"), Finished(reason="stop")
    )

    assert [[{"text": "Hel"}]] == [one["candidates"][0]["content"]["parts"] for one in reported]
    assert not any("finishReason" in one["candidates"][0] for one in reported)


def test_calls_are_whole_objects_in_their_order_whatever_the_order_of_their_pieces() -> None:
    answer = whole(
        ToolCallDelta(index=0, id="c0", name="f", arguments='{"a":'),
        ToolCallDelta(index=1, id="c1", name="g", arguments=""),
        ToolCallDelta(index=0, arguments="1}"),
        Finished(reason="tool_calls"),
        Ended(),
    )

    calls = [part["functionCall"] for part in answer["candidates"][0]["content"]["parts"]]
    assert [{"id": "c0", "name": "f", "args": {"a": 1}}, {"id": "c1", "name": "g", "args": {}}] == calls
    assert "STOP" == answer["candidates"][0]["finishReason"]


def test_usage_is_counted_as_google_counts() -> None:
    usage = Usage(input_tokens=5, cache_read_tokens=20, cache_write_tokens=30, output_tokens=7, reasoning_tokens=3)

    assert {
        "promptTokenCount": 55,
        "cachedContentTokenCount": 20,
        "candidatesTokenCount": 7,
        "thoughtsTokenCount": 3,
        "totalTokenCount": 65,
    } == whole(TextDelta(text="a"), UsageReported(usage=usage), Ended())["usageMetadata"]


def test_a_source_on_the_web_is_grounding_counted_in_bytes() -> None:
    cited = {"type": "web_search_result_location", "url": "https://x", "title": "X", "cited_text": "é"}
    answer = whole(
        TextDelta(text="É "),
        TextDelta(text="né", block=1),
        CitationDelta(citation=msgspec.Raw(json.dumps(cited).encode()), dialect="anthropic"),
        Finished(reason="stop"),
        Ended(),
    )

    assert {
        "groundingChunks": [{"web": {"uri": "https://x", "title": "X"}}],
        "groundingSupports": [
            {"segment": {"startIndex": 3, "endIndex": 6, "text": "né"}, "groundingChunkIndices": [0]}
        ],
    } == answer["candidates"][0]["groundingMetadata"]


def test_logprobs_are_reported_in_googles_form() -> None:
    block = b'{"content":[{"token":"Hi","logprob":-0.10,"bytes":[1],"top_logprobs":[{"token":"Ho","logprob":-2}]}]}'
    reported = ProviderBlock(dialect="openai", name="logprobs", block=msgspec.Raw(block), generated=False)

    result = whole(TextDelta(text="Hi"), reported, Ended())["candidates"][0]["logprobsResult"]

    assert [{"token": "Hi", "logProbability": -0.1}] == result["chosenCandidates"]
    assert [{"candidates": [{"token": "Ho", "logProbability": -2}]}] == result["topCandidates"]


# --- what proves thinking -------------------------------------------------------------------------------


def handed_back(parts: list[Any]) -> tuple[Any, ...]:
    body = {"contents": [{"role": "model", "parts": parts}]}
    call = CALLER.read(json.dumps(body).encode())
    request = CALLER.to_request(call)  # type: ignore[arg-type]
    assert isinstance(request, ChatRequest)
    return request.messages[0].parts


SIGNED = (
    ReasoningDelta(text="They want "),
    ReasoningDelta(text="both."),
    ReasoningDelta(signature="c2lnbmVk"),
    ReasoningDelta(redacted="hidden", block=1),
    TextDelta(text="Let me look.", signature=carry("openrouter", {"data": "x"})),
    ToolCallDelta(index=0, id="c0", name="f", arguments="{}", signature="of the call"),
    Finished(reason="tool_calls"),
    Ended(),
)
THOUGHTS = (Reasoning(text="They want both.", signature="c2lnbmVk"), Reasoning(redacted="hidden"))
REST = (
    Text(text="Let me look.", signature=carry("openrouter", {"data": "x"})),
    ToolCall(id="c0", name="f", arguments="{}", signature="of the call"),
)


def test_what_is_sent_back_unchanged_is_what_was_received() -> None:
    assert (*THOUGHTS, *REST) == handed_back(whole(*SIGNED)["candidates"][0]["content"]["parts"])


def test_so_is_what_was_streamed_chunk_by_chunk() -> None:
    parts = [part for one in chunks(*SIGNED) for part in one["candidates"][0]["content"]["parts"]]

    assert (*THOUGHTS, *REST) == handed_back(parts)


def test_a_client_that_drops_thoughts_brings_them_with_the_call() -> None:
    parts = [part for part in whole(*SIGNED)["candidates"][0]["content"]["parts"] if not part.get("thought")]

    assert (REST[0], *THOUGHTS, REST[1]) == handed_back(parts)


def test_a_signature_of_googles_stays_as_it_is() -> None:
    signed = signed_by_google("Z29vZ2xl")
    parts = whole(ToolCallDelta(index=0, id="c", name="f", arguments="{}", signature=signed), Ended())

    [part] = parts["candidates"][0]["content"]["parts"]
    assert "Z29vZ2xl" == part["thoughtSignature"]
    assert (ToolCall(id="c", name="f", arguments="{}", signature=signed),) == handed_back([part])


@pytest.mark.parametrize("event", [
    ProviderBlock(dialect="openai", name="images", block=msgspec.Raw(b'{"image_url":"x"}')),
    ProviderBlock(dialect="openai", name="images", block=msgspec.Raw(b"[]")),
    ProviderBlock(dialect="openai", name="logprobs", block=msgspec.Raw(b'{"content":[7]}'), generated=False),
    ProviderBlock(dialect="anthropic", name="novel", block=msgspec.Raw(b"{}")),
])  # fmt: skip
def test_what_cannot_be_read_does_not_cost_the_text_next_to_it(event: Event) -> None:
    answer = whole(TextDelta(text="Hi"), event, Finished(reason="stop"), Ended())

    assert [{"text": "Hi"}] == answer["candidates"][0]["content"]["parts"]


def test_an_image_is_inline_data() -> None:
    block = msgspec.Raw(b'{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}')

    answer = whole(ProviderBlock(dialect="openai", name="images", block=block), Ended())

    assert [{"inlineData": {"mimeType": "image/png", "data": "AA=="}}] == answer["candidates"][0]["content"]["parts"]
