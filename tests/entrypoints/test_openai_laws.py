"""OpenAI's dialect: the laws that tie its two sides together."""

import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from adapters.providers.openai import OPENAI
from domain.model_api.call import Attempt, ModelCall, Target
from domain.model_api.events import (
    CitationDelta,
    Ended,
    Event,
    Finished,
    FinishReason,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    UsageReported,
)
from domain.model_api.requests import (
    Audio,
    ChatRequest,
    Document,
    Image,
    Message,
    ResponseFormat,
    Role,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from domain.usage import PIECES, Usage
from entrypoints.http.dialects.openai_chat import OPENAI_CALLER
from tests.adapters.openai_events import add_detail, folded, reported, server_events
from tests.support.rendering import a_rendering

# --- requests -------------------------------------------------------------------------------------------

WORD = st.text(min_size=1, max_size=8)
NAME = st.from_regex(r"[a-z]{1,8}", fullmatch=True)
BASE64 = st.sampled_from(["QUJD", "AA==", "aWJt"])
SCHEMA = st.sampled_from([msgspec.Raw(b'{"type":"object"}'), msgspec.Raw(b'{"a": 1.50}')])
NUMBER = st.sampled_from([msgspec.Raw(text) for text in (b"0", b"0.70", b"1", b"1e-3")])

TEXTS = st.builds(Text, text=WORD)
IMAGES = st.builds(
    Image, media_type=st.just("image/png"), data=BASE64, detail=st.sampled_from([None, "low", "high"])
) | st.builds(Image, url=NAME.map("https://x.test/{}.png".format))
DOCUMENTS = st.builds(Document, media_type=st.just("application/pdf"), data=BASE64, name=NAME)
AUDIO = st.builds(Audio, data=BASE64, format=st.sampled_from(["wav", "mp3"]))
RESULTS = st.builds(ToolResult, call_id=NAME, parts=st.lists(TEXTS, min_size=1, max_size=2).map(tuple))
CALLS = st.builds(ToolCall, id=NAME, name=NAME, arguments=st.sampled_from(["{}", '{"a": 1}', "not json"]))


@st.composite
def turns(draw: st.DrawFn) -> tuple[Message, ...]:
    """A conversation whose turns are reported apart in OpenAI's dialect as they are here."""
    kinds = draw(st.lists(st.sampled_from(["system", "developer", "user", "assistant", "results"]), min_size=1))
    reported_turns: list[Message] = []
    for kind, before in zip(kinds, ["", *kinds], strict=False):
        if kind == "results" and before == "results":
            continue  # Neighbouring results are one turn.
        if kind == "results":
            reported_turns.append(Message(role="user", parts=tuple(draw(st.lists(RESULTS, min_size=1, max_size=2)))))
        elif kind == "assistant":
            texts, calls = draw(st.lists(TEXTS, max_size=2)), draw(st.lists(CALLS, max_size=2))
            reported_turns.append(Message(role="assistant", parts=(*texts, *calls) or (Text(text="-"),)))
        elif kind == "user":
            parts = draw(st.lists(TEXTS | IMAGES | DOCUMENTS | AUDIO, min_size=1, max_size=3))
            reported_turns.append(Message(role="user", parts=tuple(parts), name=draw(st.none() | NAME)))
        else:
            role: Role = "system" if kind == "system" else "developer"
            reported_turns.append(Message(role=role, parts=tuple(draw(st.lists(TEXTS, min_size=1, max_size=2)))))
    return tuple(reported_turns)


OWN_FIELDS = {
    "frequency_penalty": NUMBER.filter(lambda number: bytes(number) != b"0"),
    "logit_bias": st.just(msgspec.Raw(b'{"50256":-100}')),
    "metadata": st.just(msgspec.Raw(b'{"team":"x"}')),
    "service_tier": st.just(msgspec.Raw(b'"flex"')),
    "verbosity": st.just(msgspec.Raw(b'"low"')),
}
REQUESTS = st.builds(
    ChatRequest,
    model=NAME,
    messages=turns(),
    tools=st.lists(
        st.builds(
            Tool,
            name=NAME,
            description=st.none() | WORD,
            parameters=st.none() | st.just(msgspec.Raw(b'{"type":"object"}')),
            strict=st.none() | st.booleans(),
        ),
        max_size=2,
    ).map(tuple),
    tool_choice=st.none()
    | st.builds(ToolChoice, mode=st.sampled_from(["auto", "none", "required"]))
    | st.builds(ToolChoice, mode=st.just("tool"), name=NAME),
    parallel_tool_calls=st.none() | st.booleans(),
    output_tokens_max=st.none() | st.integers(1, 2**31),
    temperature=st.none() | NUMBER,
    top_p=st.none() | NUMBER,
    stop=st.lists(WORD, max_size=4).map(tuple),
    choices=st.integers(1, 128),
    seed=st.none() | st.integers(-(2**63), 2**63 - 1),
    response_format=st.none()
    | st.builds(ResponseFormat, mode=st.sampled_from(["text", "json_object"]))
    | st.builds(
        ResponseFormat,
        mode=st.just("json_schema"),
        name=NAME,
        schema=st.none() | SCHEMA,
        strict=st.none() | st.booleans(),
    ),
    thinking=st.none()
    | st.just(Thinking(enabled=False))
    | st.builds(Thinking, effort=st.sampled_from(["minimal", "low", "high", "xhigh"])),
    stream=st.booleans(),
    user=st.none() | WORD,
    extra=st.fixed_dictionaries({}, optional=OWN_FIELDS),
)


def attempt(request: ChatRequest, provider: str) -> Attempt:
    target = Target(
        provider=provider,
        dialect="openai",
        base_url="https://llm.acme.test/v1",
        model=request.model,
        credential_id=None,
        sealed=None,
    )
    return Attempt(call_id="call-1", target=target, timeout_ms=1_000)


@given(REQUESTS, st.sampled_from(["openai", "acme"]))
def test_what_is_written_is_read_as_what_was_meant(request: ChatRequest, provider: str) -> None:
    written = OPENAI.encode(request, attempt(request, provider))

    call = OPENAI_CALLER.read(written)

    assert None is OPENAI.refuses(request)
    assert isinstance(call, ModelCall), call
    assert request == OPENAI_CALLER.to_request(call)


@given(REQUESTS)
def test_what_is_read_passes_through_as_it_was_written(request: ChatRequest) -> None:
    written = OPENAI.encode(request, attempt(request, "acme"))

    call = OPENAI_CALLER.read(written)

    assert isinstance(call, ModelCall), call
    assert written == OPENAI.pass_through(call, attempt(request, "acme"))


# --- answers --------------------------------------------------------------------------------------------

RENDERING = a_rendering("call-1")
USAGE = st.builds(
    Usage,
    **{
        name: st.integers(0, 1_000)
        for name in Usage.__struct_fields__
        # OpenAI has one word for both lifetimes of a cache write, and chat has none for what is sold by the piece.
        if name not in {"cache_write_1h_tokens", "characters", *PIECES - {"tool_uses"}}
    },
)
CITATION = msgspec.Raw(
    b'{"type":"url_citation","url_citation":{"start_index":0,"end_index":1,"title":"t","url":"https://x.test"}}'
)


@st.composite
def answers(draw: st.DrawFn) -> tuple[Event, ...]:
    """The events of an answer as a provider's dialect tells them: each call opened once, every choice finished."""
    count = draw(st.integers(1, 3))
    opened: dict[int, int] = dict.fromkeys(range(count), 0)
    events: list[Event] = [Started(id="call-1", model="m")]
    for kind in draw(st.lists(st.sampled_from(["text", "refusal", "thought", "call", "piece", "cited"]), max_size=12)):
        choice, text = draw(st.integers(0, count - 1)), draw(WORD)
        match kind:
            case "text":
                events.append(TextDelta(text=text, choice=choice))
            case "refusal":
                events.append(RefusalDelta(text=text, choice=choice))
            case "thought":
                events.append(ReasoningDelta(text=text, choice=choice))
            case "cited":
                events.append(CitationDelta(citation=CITATION, dialect="openai", choice=choice))
            case "call":
                index = opened[choice]
                opened[choice] += 1
                call_id = f"call_{choice}_{index}"
                events.append(ToolCallDelta(index=index, id=call_id, name="f", arguments=text, choice=choice))
            case _ if opened[choice]:
                index = draw(st.integers(0, opened[choice] - 1))
                events.append(ToolCallDelta(index=index, arguments=text, choice=choice))
    words: list[FinishReason] = ["stop", "length", "content_filter"]
    calling: list[FinishReason] = [*words, "tool_calls"]
    stops = st.sampled_from([None, "END"])
    for n in range(count):
        reason = draw(st.sampled_from(calling if opened[n] else words))
        events.append(Finished(reason=reason, choice=n, stop_sequence=draw(stops)))
    if draw(st.booleans()):
        events.append(UsageReported(usage=draw(USAGE)))
    return (*events, Ended())


def streamed(events: tuple[Event, ...]) -> bytes:
    state, sent = OPENAI_CALLER.start(RENDERING), b""
    for event in events:
        state, more = OPENAI_CALLER.render(state, event)
        sent += more
    return sent


def assembled(sent: bytes) -> Any:
    """A client that puts the chunks together, knowing nothing of events."""
    choices: dict[int, Any] = {}
    body: Any = {}
    for event in server_events(sent):
        if event.data == b"[DONE]":
            continue
        body = json.loads(event.data)
        for part in body["choices"]:
            choice = choices.setdefault(part["index"], {"index": part["index"], "message": {}, "logprobs": None})
            gather(choice["message"], part["delta"])
            choice.update({name: part[name] for name in ("finish_reason", "stop_reason") if name in part})
    return {**body, "object": "chat.completion", "choices": [choices[index] for index in sorted(choices)]}


def gather(message: Any, delta: Any) -> None:
    for name, value in delta.items():
        if name == "tool_calls":
            for call in value:
                calls = message.setdefault("tool_calls", {})
                before = calls.setdefault(call.pop("index"), {"function": {"arguments": ""}})
                arguments = before["function"]["arguments"] + call["function"]["arguments"]
                before.update({**call, "function": {**before["function"], **call["function"], "arguments": arguments}})
        elif name == "reasoning_details":
            for piece in value:
                add_detail(message.setdefault(name, []), piece)
        elif name != "role" and name in message:
            message[name] += value
        else:
            message[name] = value


def plain(body: Any) -> Any:
    """An answer without the words for nothing."""
    for choice in body["choices"]:
        said = choice["message"]
        if isinstance(calls := said.get("tool_calls"), dict):
            said["tool_calls"] = [calls[index] for index in sorted(calls)]
        choice["message"] = {name: value for name, value in said.items() if value not in (None, "")}
    return {name: value for name, value in body.items() if value is not None}


@given(answers())
def test_a_whole_answer_has_the_content_of_its_stream(events: tuple[Event, ...]) -> None:
    """(G20)"""
    whole = json.loads(OPENAI_CALLER.whole(events, RENDERING))

    assert plain(whole) == plain(assembled(streamed(events)))


@given(answers())
def test_openais_own_sdk_accepts_every_answer(events: tuple[Event, ...]) -> None:
    body = OPENAI_CALLER.whole(events, RENDERING)

    completion = ChatCompletion.model_validate_json(body, strict=True)

    assert json.loads(body) == json.loads(completion.model_dump_json(exclude_unset=True))
    for event in server_events(streamed(events))[:-1]:
        chunk = ChatCompletionChunk.model_validate_json(event.data, strict=True)
        assert json.loads(event.data) == json.loads(chunk.model_dump_json(exclude_unset=True))


@given(answers())
def test_a_rendered_answer_is_understood_as_what_was_rendered(events: tuple[Event, ...]) -> None:
    reported_events = in_order(reported(events))

    assert reported_events == in_order(reported(OPENAI.decode(OPENAI_CALLER.whole(events, RENDERING))))
    assert reported_events == in_order(reported(folded(server_events(streamed(events)))))


def in_order(answer: Any) -> Any:
    """The answer with its thoughts in their order: the numbers of their blocks are reported by their places."""
    for choice in answer["choices"].values():
        choice["thoughts"] = [choice["thoughts"][block] for block in sorted(choice["thoughts"])]
    return answer


@given(answers())
def test_a_stream_sends_done_exactly_when_it_ended(events: tuple[Event, ...]) -> None:
    assert 1 == streamed(events).count(b"data: [DONE]\n\n")
    for length in range(len(events)):
        assert b"[DONE]" not in streamed(events[:length])


@given(answers())
def test_every_event_is_rendered_to_whole_server_sent_events(events: tuple[Event, ...]) -> None:
    state = OPENAI_CALLER.start(RENDERING)
    for event in events:
        state, sent = OPENAI_CALLER.render(state, event)

        assert sent == b"".join(b"data: " + reported_event.data + b"\n\n" for reported_event in server_events(sent))
