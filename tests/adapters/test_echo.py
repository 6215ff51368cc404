"""The echo: what a newcomer receives before any key is at hand."""

from typing import Any

import httpx2
import msgspec
import pytest

from adapters.providers.echo import EchoTransport
from adapters.providers.framing.sse import EventFramer

pytestmark = pytest.mark.anyio

ADD = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}
SUB = {"type": "function", "function": {"name": "sub"}}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def ask(body: bytes, method: str = "POST", path: str = "/v1/chat/completions") -> tuple[int, list[bytes]]:
    """The status of the answer and the pieces that it came in."""
    request = httpx2.Request(method, f"echo://here{path}", content=body)
    response = await EchoTransport().handle_async_request(request)
    assert isinstance(response.stream, httpx2.AsyncByteStream)
    return response.status_code, [piece async for piece in response.stream]


def requested(text: str | None = "Hello, great world", **fields: Any) -> bytes:
    messages = [{"role": "user", "content": text}]
    return msgspec.json.encode({"model": "echo", "messages": messages, **fields})


async def answer(body: bytes) -> Any:
    status, pieces = await ask(body)
    assert status == 200, pieces
    return msgspec.json.decode(b"".join(pieces))


async def problem(body: bytes, method: str = "POST", path: str = "/v1/chat/completions") -> tuple[int, str]:
    status, pieces = await ask(body, method, path)
    error = msgspec.json.decode(b"".join(pieces))["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return status, error["message"]


async def stream(body: bytes) -> list[Any]:
    """The chunks of a streamed answer, after seeing that each is a read of its own and the last is `[DONE]`."""
    status, pieces = await ask(body)
    framer = EventFramer()
    events = [framer.feed(piece) for piece in pieces]
    assert status == 200
    assert {1} == {len(framed) for framed in events}
    assert events[-1][0].data == b"[DONE]"
    return [msgspec.json.decode(framed[0].data) for framed in events[:-1]]


async def test_the_answer_is_the_users_text() -> None:
    received = await answer(requested("Hello, great world"))

    expected = {"role": "assistant", "content": "Hello, great world", "refusal": None}
    assert expected == received["choices"][0]["message"]
    assert (received["object"], received["model"], received["choices"][0]["finish_reason"]) == (
        "chat.completion",
        "echo",
        "stop",
    )


async def test_the_usage_is_the_number_of_words_of_the_messages_and_of_the_answer() -> None:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "one two three"}]
    usage = (await answer(requested(messages=messages)))["usage"]

    expected = {
        "prompt_tokens": 5,
        "completion_tokens": 3,
        "total_tokens": 8,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
    assert expected == usage


async def test_a_stream_has_the_role_then_each_word_then_the_finish_reason() -> None:
    choices = [chunk["choices"][0] for chunk in await stream(requested(" Hello,  great world ", stream=True))]

    expected: list[Any] = [
        ({"role": "assistant", "content": "", "refusal": None}, None),
        ({"content": " Hello,  "}, None),
        ({"content": "great "}, None),
        ({"content": "world "}, None),
        ({}, "stop"),
    ]
    assert expected == [(choice["delta"], choice["finish_reason"]) for choice in choices]


async def test_a_stream_reports_its_usage_only_if_requested() -> None:
    silent = await stream(requested(stream=True))
    reported = await stream(requested(stream=True, stream_options={"include_usage": True}))

    whole = await answer(requested())
    assert all("usage" not in chunk for chunk in silent)
    assert all(chunk["usage"] is None for chunk in reported[:-1])
    assert ([], whole["usage"]) == (reported[-1]["choices"], reported[-1]["usage"])


async def test_the_same_request_gets_the_same_answer() -> None:
    assert await ask(requested(stream=True)) == await ask(requested(stream=True))


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
async def test_the_cap_cuts_the_answer_after_so_many_words(field: str) -> None:
    received = await answer(requested("one two three", **{field: 2}))

    choice = received["choices"][0]
    assert ("one two", "length", 2) == (
        choice["message"]["content"],
        choice["finish_reason"],
        received["usage"]["completion_tokens"],
    )


async def test_a_cap_that_is_not_reached_cuts_nothing() -> None:
    choice = (await answer(requested("one two three", max_tokens=3)))["choices"][0]

    assert ("one two three", "stop") == (choice["message"]["content"], choice["finish_reason"])


async def test_text_parts_are_read_and_other_parts_are_not() -> None:
    parts = [
        {"type": "text", "text": "What is"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
        {"type": "text", "text": "this?"},
    ]
    received = await answer(requested(messages=[{"role": "user", "content": parts}]))

    assert received["choices"][0]["message"]["content"] == "What is\nthis?"


@pytest.mark.parametrize(
    ("text", "fields", "expected"),
    [
        ("call add", {}, ("add", "{}")),
        ('call add {"a": 1, "b": [2]}', {}, ("add", '{"a": 1, "b": [2]}')),
        ("add, please", {"tool_choice": "required"}, ("add", "{}")),
        ('call sub {"a": 1}', {"tool_choice": "required"}, ("sub", '{"a": 1}')),
        ("add, please", {"tool_choice": SUB}, ("sub", "{}")),
        ('call add {"a": 1}', {"tool_choice": SUB}, ("sub", "{}")),
        ("call mul", {}, None),
        ("call add now", {}, None),
        ("call add", {"tool_choice": "none"}, None),
        ("please call add", {}, None),
    ],
)
async def test_a_tool_is_called_on_request(text: str, fields: dict[str, Any], expected: tuple[str, str] | None) -> None:
    choice = (await answer(requested(text, tools=[ADD, SUB], **fields)))["choices"][0]

    if expected is None:
        assert (text, "stop") == (choice["message"]["content"], choice["finish_reason"])
    else:
        function = choice["message"]["tool_calls"][0]["function"]
        assert (*expected, "tool_calls") == (function["name"], function["arguments"], choice["finish_reason"])
        assert choice["message"]["content"] is None


async def test_a_streamed_tool_call_comes_in_chunks_and_equals_the_complete_one() -> None:
    text = 'call add {"a": 1, "b": 2}'
    whole = (await answer(requested(text, tools=[ADD])))["choices"][0]["message"]["tool_calls"][0]["function"]
    choices = [chunk["choices"][0] for chunk in await stream(requested(text, tools=[ADD], stream=True))]
    pieces = [call["function"] for choice in choices for call in choice["delta"].get("tool_calls", ())]

    assert len(pieces) > 2
    assert whole == {"name": pieces[0]["name"], "arguments": "".join(piece["arguments"] for piece in pieces)}
    assert choices[-1]["finish_reason"] == "tool_calls"


async def test_a_cap_cuts_a_tool_call_whose_name_is_its_first_word() -> None:
    received = await answer(requested('call add {"a": 1}', tools=[ADD], max_tokens=1))

    choice = received["choices"][0]
    assert ("", "length", 1) == (
        choice["message"]["tool_calls"][0]["function"]["arguments"],
        choice["finish_reason"],
        received["usage"]["completion_tokens"],
    )


async def test_after_tool_results_the_answer_is_their_text() -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "call add"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "It is 3."},
        {"role": "tool", "tool_call_id": "call_2", "content": "It is 4."},
    ]
    received = await answer(requested(messages=messages, tools=[ADD], tool_choice="required"))

    assert received["choices"][0]["message"]["content"] == "It is 3.\nIt is 4."


@pytest.mark.parametrize("kind", ["json_object", "json_schema"])
async def test_where_json_is_requested_the_answer_is_json(kind: str) -> None:
    received = await answer(requested('say "hi"', response_format={"type": kind}))

    content = received["choices"][0]["message"]["content"]
    assert {"echo": 'say "hi"'} == msgspec.json.decode(content)


async def test_every_choice_is_the_same_and_is_counted() -> None:
    received = await answer(requested("one two", n=3))

    assert ["one two"] * 3 == [choice["message"]["content"] for choice in received["choices"]]
    assert received["usage"]["completion_tokens"] == 6


async def test_an_empty_message_gets_an_empty_answer() -> None:
    received = await answer(requested("  "))

    assert ("", 0) == (received["choices"][0]["message"]["content"], received["usage"]["completion_tokens"])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "truncated"),
        (b"{", "truncated"),
        (b"[]", "Expected `object`"),
        (b'{"model": "echo"}', "`messages`"),
        (b'{"model": "echo", "messages": []}', "$.messages"),
        (b'{"model": "echo", "messages": [{"content": "a"}]}', "`role`"),
        (b'{"messages": [{"role": "user", "content": "a"}]}', "`model`"),
        (requested(max_tokens=0), "$.max_tokens"),
        (requested(tool_choice="required"), "'required' needs tools"),
        (requested(tools=[ADD], tool_choice=SUB), "no function is named 'sub'"),
    ],
)
async def test_a_malformed_request_is_refused_with_a_reason(body: bytes, words: str) -> None:
    status, message = await problem(body)

    assert status == 400
    assert words in message


async def test_another_path_or_method_is_refused() -> None:
    assert (404, "Unknown request URL: POST /v1/models.") == await problem(requested(), path="/v1/models")
    assert (405, "Not allowed to PUT on /v1/chat/completions.") == await problem(requested(), method="PUT")
