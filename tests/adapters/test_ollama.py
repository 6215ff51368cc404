"""Ollama's own dialect: answers as lines of JSON, and requests."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.providers.dialect import ServerEvent
from adapters.providers.http import HttpProviders
from adapters.providers.ollama import OLLAMA
from domain.failures import Failure
from domain.model_api.call import Attempt, Target
from domain.model_api.events import Broken, Ended, Event, UsageReported
from domain.model_api.requests import (
    Audio,
    ChatRequest,
    Document,
    Image,
    Message,
    Part,
    Reasoning,
    ResponseFormat,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from domain.usage import Usage
from tests.adapters.http_attempts import RowVault, chat, events_of, outcome
from tests.adapters.openai_events import reported
from tests.support.provider import Received, Reply, StubProvider
from tests.support.unsupported import dropped

MADE = {"model": "qwen3", "created_at": "2025-07-01T12:00:00.5Z"}
LAST = {**MADE, "message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop",
        "total_duration": 99, "prompt_eval_count": 26, "eval_count": 9}  # fmt: skip
CALL = {"function": {"name": "look", "arguments": {"at": "é", "n": [1, 2]}}}


def line(done: bool = False, **message: Any) -> dict[str, Any]:
    return {**MADE, "message": {"role": "assistant", "content": "", **message}, "done": done}


STREAM = [line(thinking="H"), line(thinking="m."), line(content="Ye"), line(content="s."), line(tool_calls=[CALL]),
          line(tool_calls=[{**CALL, "id": "c7"}]), LAST]  # fmt: skip
WHOLE = {**LAST, "message": {"role": "assistant", "thinking": "Hm.", "content": "Yes.",
                             "tool_calls": [CALL, {**CALL, "id": "c7"}]}}  # fmt: skip


def ndjson(lines: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in lines)


def folded(stream: bytes) -> tuple[Event, ...]:
    framer, state = OLLAMA.framer(), OLLAMA.start()
    meant: list[Event] = []
    for event in [*framer.feed(stream), *framer.finish()]:
        state, more = OLLAMA.step(state, event)
        meant += more
        if more and isinstance(more[-1], Ended | Broken):
            break
    return tuple(meant)


def requested(*parts: Part, **more: Any) -> ChatRequest:
    return ChatRequest(model="m", messages=(Message(role="user", parts=parts or (Text(text="Hi"),)),), **more)


def attempt(base_url: str = "http://127.0.0.1:11434", cap: int | None = None) -> Attempt:
    target = Target(
        provider="local", dialect="ollama", base_url=base_url, model="qwen3", credential_id=None, sealed=None
    )
    return Attempt(call_id="call-1", target=target, output_cap=cap, timeout_ms=10_000)


def sent(request: ChatRequest, cap: int | None = None) -> Any:
    assert OLLAMA.refuses(request) is None
    return json.loads(OLLAMA.encode(request, attempt(cap=cap)))


# --- answers --------------------------------------------------------------------------------------------


def test_an_answer_has_reasoning_text_calls_and_counts() -> None:
    answer = reported(folded(ndjson(STREAM)))

    choice = answer["choices"][0]
    assert ("Yes.", {0: ("Hm.", None, None)}) == (choice["text"], choice["thoughts"])
    assert [
        ("call_20250701T1200005Z_0", "look", {"at": "é", "n": [1, 2]}),
        ("c7", "look", {"at": "é", "n": [1, 2]}),
    ] == [(call_id, name, json.loads(given)) for call_id, name, given in choice["calls"].values()]
    assert ([("tool_calls", None)], True) == (choice["finish"], answer["ended"])
    assert Usage(input_tokens=26, output_tokens=9) == answer["usage"]
    assert [("", "qwen3")] == answer["started"]


def test_a_whole_answer_reports_what_its_stream_reports() -> None:
    assert reported(folded(ndjson(STREAM))) == reported(OLLAMA.decode(json.dumps(WHOLE).encode()))


@pytest.mark.parametrize("reason", ["stop", "length"])
def test_the_finish_reason_is_reported(reason: str) -> None:
    assert [(reason, None)] == reported(folded(ndjson([{**LAST, "done_reason": reason}])))["choices"][0]["finish"]


def test_a_prompt_without_a_count_leaves_the_output_reported() -> None:
    """An older server counts no prompt that it remembered; it is estimated."""
    remembered = {name: value for name, value in LAST.items() if name != "prompt_eval_count"}

    assert Usage(output_tokens=int(str(LAST["eval_count"]))) == reported(folded(ndjson([remembered])))["usage"]


def test_what_counts_nothing_is_no_report() -> None:
    uncounted = {name: value for name, value in LAST.items() if not name.endswith("_count")}

    assert reported(folded(ndjson([uncounted])))["usage"] is None


@pytest.mark.parametrize(
    ("count", "tokens", "noted"), [(7.0, 7, False), ("7", 7, False), (6.5, 7, True), (-1, 0, True)]
)
def test_a_count_is_read_however_it_is_spelled(count: Any, tokens: int, noted: bool) -> None:
    (report,) = (event for event in folded(ndjson([{**LAST, "eval_count": count}])) if isinstance(event, UsageReported))

    assert (tokens, noted) == (report.usage.output_tokens, bool(report.notes))


@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b"no", json.dumps(line(content="x")).encode(), b'{"error":"no such model"}']
)  # fmt: skip
def test_what_is_no_answer_breaks(body: bytes) -> None:
    assert isinstance(OLLAMA.decode(body)[-1], Broken)


def test_an_error_in_a_stream_breaks_it_and_a_cut_stream_never_ends() -> None:
    assert "out of memory" == reported(folded(ndjson([*STREAM[:3], {"error": "out of memory"}])))["failure"].message
    for end in range(1, len(ndjson(STREAM)) - 1):
        assert not reported(folded(ndjson(STREAM)[:end]))["ended"]


@given(st.binary(max_size=60))
def test_no_bytes_make_it_raise(data: bytes) -> None:
    OLLAMA.decode(data)
    OLLAMA.step(OLLAMA.start(), ServerEvent("", data, data))
    OLLAMA.failure(404, {}, data)


@pytest.mark.anyio
@pytest.mark.parametrize("step", [1, 7, 10_000])
async def test_a_stream_of_lines_comes_over_the_wire_however_it_is_cut(providers: HttpProviders, step: int) -> None:
    body = ndjson(STREAM)

    async def handler(request: Received, reply: Reply) -> None:
        await reply.start(200, {"content-type": "application/x-ndjson"})
        for at in range(0, len(body), step):
            await reply.write(body[at : at + step])

    shell = HttpProviders(providers.lines._transport, {}, RowVault(), {"ollama": OLLAMA})
    async with StubProvider(handler) as stub:
        root = stub.base_url.removesuffix("/v1")
        call = msgspec.structs.replace(chat(stream=True), dialect="anthropic")
        found = await outcome(shell, attempt(root), call, requested(stream=True))

    assert not isinstance(found, Failure)
    assert "/api/chat" == stub.requests[0].path
    assert reported(folded(body)) == reported(events_of(found))


# --- requests -------------------------------------------------------------------------------------------


def test_a_request_is_encoded_for_ollama() -> None:
    called = (Reasoning(text="Hm."), Text(text="I look."), ToolCall(id="c1", name="look", arguments='{"at":1}'))
    request = ChatRequest(
        model="m",
        messages=(
            Message(role="developer", parts=(Text(text="Be brief."),)),
            Message(role="user", parts=(Text(text="What?"), Document(text="Word.", name="a.txt"), Image(data="AA=="))),
            Message(role="assistant", parts=called),
            Message(role="user", parts=(ToolResult(call_id="c1", parts=(Text(text="Blue."),)), Text(text="So?"))),
        ),
        tools=(Tool(name="look"),),
        output_tokens_max=50,
        temperature=msgspec.Raw(b"0.10"),
        top_k=3,
        stop=("X",),
        seed=7,
        response_format=ResponseFormat(mode="json_schema", schema=msgspec.Raw(b'{"type":"object"}')),
        thinking=Thinking(tokens_max=99),
        extra={
            "keep_alive": msgspec.Raw(b'"5m"'),
            "options": msgspec.Raw(b'{"num_ctx":4096,"seed":1}'),
            "frequency_penalty": msgspec.Raw(b"0.5"),
        },
    )

    assert sent(request) == {
        "model": "qwen3",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "What?\n\na.txt\n\nWord.", "images": ["AA=="]},
            {
                "role": "assistant",
                "content": "I look.",
                "thinking": "Hm.",
                "tool_calls": [{"id": "c1", "function": {"name": "look", "arguments": {"at": 1}}}],
            },
            {"role": "tool", "content": "Blue.", "tool_call_id": "c1", "tool_name": "look"},
            {"role": "user", "content": "So?"},
        ],
        "stream": False,
        "tools": [
            {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
        ],
        "format": {"type": "object"},
        "think": True,
        "options": {
            "num_ctx": 4096,
            "num_predict": 50,
            "temperature": 0.1,
            "top_k": 3,
            "stop": ["X"],
            "seed": 7,
            "frequency_penalty": 0.5,
        },
        "keep_alive": "5m",
    }


def test_the_hubs_cap_bounds_the_prediction_whatever_the_callers_options() -> None:
    request = requested(extra={"options": msgspec.Raw(b'{"num_predict":-1}')})

    assert {"num_predict": 9} == sent(request, cap=9)["options"]


@pytest.mark.parametrize(
    ("thinking", "think"),
    [
        (Thinking(enabled=False), False),
        (Thinking(effort="low"), "low"),
        (Thinking(effort="max"), True),
        (Thinking(), True),
    ],
)
def test_thinking_is_a_switch_or_a_level(thinking: Thinking, think: bool | str) -> None:
    assert think == sent(requested(thinking=thinking))["think"]


def test_no_tool_is_offered_where_none_may_be_used() -> None:
    assert "tools" not in sent(requested(tools=(Tool(name="look"),), tool_choice=ToolChoice(mode="none")))


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (requested(choices=2),                                                  "n"),
        (requested(tools=(Tool(name="a"),), tool_choice=ToolChoice(mode="required")), "tool_choice"),
        (requested(extra={"logprobs": msgspec.Raw(b"true")}),                   "logprobs"),
        (requested(Image(url="https://x.test/a.png")),                          "messages[0].image_url"),
        (requested(Audio(data="AA==", format="wav")),                           "messages[0].input_audio"),
        (requested(Document(data="AA==", media_type="application/pdf")),        "messages[0].document"),
    ],
)  # fmt: skip
def test_a_field_that_ollama_does_not_have_is_refused_by_name(request_: ChatRequest, field: str) -> None:
    refused = OLLAMA.refuses(request_)

    assert refused is not None
    assert (field, "ollama") == (refused.field, refused.dialect)


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (requested(tools=(Tool(name="a", strict=True),)),                       "tools[0].strict"),
        (requested(thinking=Thinking(effort="hyper")),                          "reasoning_effort"),
        (requested(extra={"options": msgspec.Raw(b"[]")}),                      "options"),
    ],
)  # fmt: skip
def test_a_droppable_field_is_left_out_and_named(request_: ChatRequest, field: str) -> None:
    assert (field,) == dropped(OLLAMA, request_)
    OLLAMA.encode(request_, attempt())


def test_calls_one_at_a_time_are_kept_by_the_hub() -> None:
    assert () == dropped(OLLAMA, requested(tools=(Tool(name="a"),), parallel_tool_calls=False))
