"""Signatures on texts and calls, which Anthropic's dialect has only for thinking, survive the way there and back."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.dialects.signatures import signed_by_google
from domain.model_api.call import ModelCall
from domain.model_api.events import CitationDelta, Ended, Event, ProviderBlock, ReasoningDelta, TextDelta
from domain.model_api.events import ToolCallDelta as Called
from domain.model_api.requests import ChatRequest, Part, Reasoning, Text, ToolCall
from entrypoints.http.dialects.anthropic import ANTHROPIC_CALLER
from tests.support.anthropic import assemble
from tests.support.rendering import a_rendering

RENDERING = a_rendering()
TEXT, CALL = signed_by_google("dGV4dA=="), signed_by_google("Y2FsbA==")


def content(events: tuple[Event, ...], stream: bool) -> Any:
    return rendered(events, stream)["content"]


def rendered(events: tuple[Event, ...], stream: bool) -> Any:
    if not stream:
        return json.loads(ANTHROPIC_CALLER.whole(events, RENDERING))
    state, body = ANTHROPIC_CALLER.start(RENDERING), b""
    for event in (*events, Ended()):
        state, piece = ANTHROPIC_CALLER.render(state, event)
        body += piece
    return assemble(body)


def returned(blocks: Any) -> tuple[Part, ...]:
    requested = {"model": "m", "max_tokens": 9, "messages": [{"role": "assistant", "content": blocks}]}
    call = ANTHROPIC_CALLER.read(json.dumps(requested).encode())
    assert isinstance(call, ModelCall), call
    request = ANTHROPIC_CALLER.to_request(call)
    assert isinstance(request, ChatRequest), request
    return request.messages[0].parts


@pytest.mark.parametrize("stream", [False, True])
def test_each_comes_back_to_what_it_is_of(stream: bool) -> None:
    events = (
        ReasoningDelta(text="Hm."),
        TextDelta(text="Look."),
        TextDelta(text="", signature=TEXT),
        Called(index=0, id="c1", name="now", arguments="{}", signature=CALL),
        Called(index=1, id="c2", name="then", arguments="{}"),
    )

    assert (
        Reasoning(text="Hm."),
        Text(text="Look.", signature=TEXT),
        ToolCall(id="c1", name="now", arguments="{}", signature=CALL),
        ToolCall(id="c2", name="then", arguments="{}"),
    ) == returned(content(events, stream))


def test_calls_that_come_in_turns_keep_their_signatures() -> None:
    events = (
        Called(index=0, id="c1", name="now", signature=CALL),
        Called(index=1, id="c2", name="then", arguments="{}", signature=TEXT),
        Called(index=0, arguments="{}"),
    )

    assert (
        ToolCall(id="c1", name="now", arguments="{}", signature=CALL),
        ToolCall(id="c2", name="then", arguments="{}", signature=TEXT),
    ) == returned(content(events, True))


def test_a_signature_whose_text_or_call_is_gone_is_left_out() -> None:
    lost = [{"type": "thinking", "thinking": "", "signature": f"{of}:{TEXT}"} for of in ("text", "tool_use")]

    assert (Text(text="Hi"),) == returned([*lost, {"type": "text", "text": "Hi"}])


@pytest.mark.parametrize("stream", [False, True])
def test_what_another_vendor_adds_is_cited_or_stands_next_to_the_content(stream: bool) -> None:
    source = {"url": "https://a.test", "title": "A", "text": "big"}
    image = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
    events = (
        TextDelta(text="It is big."),
        CitationDelta(dialect="google", citation=msgspec.Raw(json.dumps(source).encode())),
        ProviderBlock(dialect="google", name="inlineData", block=msgspec.Raw(json.dumps(image).encode())),
    )

    message = rendered(events, stream)

    (text,) = message["content"]
    cited = {"type": "web_search_result_location", "url": "https://a.test", "title": "A", "cited_text": "big"}
    assert [cited | {"encrypted_index": ""}] == text["citations"]
    assert [{"dialect": "google", "name": "inlineData", "block": image}] == message["provider_blocks"]


_SIGNATURES = st.none() | st.sampled_from([TEXT, CALL])
_SAID = st.builds(TextDelta, text=st.text(min_size=1, max_size=5), signature=_SIGNATURES)
_THOUGHT = st.builds(ReasoningDelta, text=st.text(min_size=1, max_size=5), block=st.integers(0, 3))


@given(st.lists(_SAID | _THOUGHT, max_size=4), st.lists(_SIGNATURES, max_size=3), st.booleans())
def test_every_signature_comes_back_once(said: list[Event], calls: list[str | None], stream: bool) -> None:
    called = [Called(index=n, id=f"c{n}", name="f", arguments="{}", signature=s) for n, s in enumerate(calls)]
    given_out = [event.signature for event in (*said, *called) if isinstance(event, TextDelta | Called)]

    parts = returned(content((*said, *called), stream)) if said or called else ()

    back = [part.signature for part in parts if isinstance(part, Text | ToolCall)]
    assert [s for s in given_out if s] == [s for s in back if s]
    assert calls == [part.signature for part in parts if isinstance(part, ToolCall)]
