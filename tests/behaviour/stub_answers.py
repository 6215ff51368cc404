"""Small transcripts of our own: what the stub providers answer, as the two vendors would write it.

Every answer has fields that no hub has ever received of, keys in an order of their own and white space, so that a call
which passes through can be reported from one that was written again.
"""

import json
from typing import Any

from tests.behaviour.non_chat_answers import completion_stream, polite_beside_chat
from tests.support.provider import Handler, Received, Reply

TEXT = "Grüße from the stub 🦉"
ARGUMENTS = '{"city": "Paris", "unit": "c"}'
OPENAI_USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
ANTHROPIC_USAGE = {"input_tokens": 11, "output_tokens": 7, "service_tier": "standard"}


def data(value: dict[str, Any]) -> bytes:
    """One event of OpenAI's stream, spaced as json.dumps does it."""
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


def event(kind: str, **fields: Any) -> bytes:
    """One event of Anthropic's stream."""
    return f"event: {kind}\n".encode() + data({"type": kind, **fields})


def openai_whole(message: dict[str, Any] | None = None, finish: str = "stop", **more: Any) -> bytes:
    """A chat completion."""
    said = {"role": "assistant", "content": TEXT, "refusal": None, "future_field": [1.50, {"b": 1, "a": 2}]}
    choice = {"finish_reason": finish, "index": 0, "message": message or said, "logprobs": None}
    body = {
        "choices": [choice],
        "id": "chatcmpl-stub",
        "object": "chat.completion",
        "created": 1700000000,
        "model": "m-2024-01-01",
        "usage": {**OPENAI_USAGE, "vendor_detail": {"x": 1}},
        "vendor_extension": {"z": 1, "a": 1e2},
        **more,
    }
    return json.dumps(body, ensure_ascii=False, indent=1).encode()


def openai_chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
    """One chunk of a chat completion."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish, "future_field": 1}
    head = {"id": "chatcmpl-stub", "object": "chat.completion.chunk", "created": 1700000000, "model": "m-2024-01-01"}
    return data({**head, "choices": [choice]})


def openai_usage_chunk() -> bytes:
    """The chunk that only those see who asked for usage."""
    head = {"id": "chatcmpl-stub", "object": "chat.completion.chunk", "created": 1700000000, "model": "m-2024-01-01"}
    return data({**head, "choices": [], "usage": OPENAI_USAGE})


DONE = b"data: [DONE]\n\n"


def openai_stream(*deltas: dict[str, Any], finish: str = "stop", usage: bool = True) -> list[bytes]:
    """A streamed chat completion, event by event."""
    reported = deltas or ({"content": TEXT[:7]}, {"content": TEXT[7:]})
    chunks = [
        openai_chunk({"role": "assistant", "content": ""}),
        *map(openai_chunk, reported),
        openai_chunk({}, finish),
    ]
    return [*chunks, *([openai_usage_chunk()] if usage else []), DONE]


def openai_calls(*arguments: str) -> dict[str, Any]:
    """An assistant's message that calls the tool `weather` once for each of the arguments."""
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": f"call_{n}", "type": "function", "function": {"name": "weather", "arguments": text}}
            for n, text in enumerate(arguments)
        ],
    }


def openai_call_deltas(*arguments: str) -> list[dict[str, Any]]:
    """The same calls as deltas, each call's arguments in two pieces."""
    deltas: list[dict[str, Any]] = []
    for n, text in enumerate(arguments):
        function = {"name": "weather", "arguments": ""}
        deltas.append({"tool_calls": [{"index": n, "id": f"call_{n}", "type": "function", "function": function}]})
        half = len(text) // 2
        deltas += [
            {"tool_calls": [{"index": n, "function": {"arguments": piece}}]} for piece in (text[:half], text[half:])
        ]
    return deltas


def anthropic_whole(content: list[dict[str, Any]] | None = None, stop: str = "end_turn") -> bytes:
    """A message."""
    body = {
        "model": "m-2024-01-01",
        "id": "msg_stub",
        "type": "message",
        "role": "assistant",
        "future_field": {"b": 1, "a": 2},
        "content": content or [{"type": "text", "text": TEXT}],
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": ANTHROPIC_USAGE,
    }
    return json.dumps(body, ensure_ascii=False, indent=1).encode()


def anthropic_stream(*blocks: dict[str, Any], stop: str = "end_turn") -> list[bytes]:
    """A streamed message, event by event; each block's text or input in two pieces."""
    message: dict[str, Any] = {
        "id": "msg_stub",
        "type": "message",
        "role": "assistant",
        "model": "m-2024-01-01",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 11, "output_tokens": 1},
    }
    events = [event("message_start", message=message), event("ping")]
    for n, block in enumerate(blocks or ({"type": "text", "text": TEXT},)):
        empty: dict[str, Any]
        if block["type"] == "text":
            empty, kind, name, text = {"type": "text", "text": ""}, "text_delta", "text", block["text"]
        else:
            empty, kind, name, text = {**block, "input": {}}, "input_json_delta", "partial_json", block["input"]
        events.append(event("content_block_start", index=n, content_block=empty))
        half = len(text) // 2
        for piece in (text[:half], text[half:]):
            events.append(event("content_block_delta", index=n, delta={"type": kind, name: piece}))
        events.append(event("content_block_stop", index=n))
    ending = {"stop_reason": stop, "stop_sequence": None}
    events.append(event("message_delta", delta=ending, usage={"output_tokens": 7}))
    return [*events, event("message_stop")]


def tool_use(n: int, arguments: str, streamed: bool = False) -> dict[str, Any]:
    """A call of the tool `weather`; in a stream its input is still text."""
    given: Any = arguments if streamed else json.loads(arguments)
    return {"type": "tool_use", "id": f"toolu_{n}", "name": "weather", "input": given}


async def polite(request: Received, reply: Reply) -> None:
    """Answer in the dialect of the path, streamed if asked for."""
    if (besides := polite_beside_chat(request)) is not None:
        content_type, body = besides
        await reply.send(200, {"content-type": content_type}, body)
        return
    body = json.loads(request.body)
    if body.get("stream"):
        await reply.start(200, {"content-type": "text/event-stream"})
        for piece in _polite_stream(request.path, body):
            await reply.write(piece)
    else:
        await reply.send(200, {"content-type": "application/json"}, _polite_whole(request.path))


def _polite_stream(path: str, body: dict[str, Any]) -> list[bytes]:
    from tests.behaviour import responses_answers  # It is made of what is above.

    wants_usage = (body.get("stream_options") or {}).get("include_usage") is True
    if path.endswith("/chat/completions"):
        return openai_stream(usage=wants_usage)
    if path.endswith("/v1/completions"):
        return completion_stream(wants_usage)
    return responses_answers.stream() if path.endswith("/responses") else anthropic_stream()


def _polite_whole(path: str) -> bytes:
    from tests.behaviour import responses_answers

    if path.endswith("/chat/completions"):
        return openai_whole()
    return responses_answers.whole() if path.endswith("/responses") else anthropic_whole()


def failing(status: int, body: bytes = b"", **headers: str) -> Handler:
    """A handler that fails; header names with underscores for hyphens."""
    reported = (
        body or b'{"error":{"message":"scripted failure","type":"scripted_error","param":null,"code":"scripted"}}'
    )
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def handler(request: Received, reply: Reply) -> None:
        await reply.send(status, {"content-type": "application/json", **named}, reported)

    return handler


async def silent(request: Received, reply: Reply) -> None:
    """Never answer; end when the hub has left."""
    await reply.hang_up()
