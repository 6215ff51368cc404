"""What a provider is to do with a request, and what its answers look like on the wire in either dialect."""

import msgspec


class Script(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What to do with one request.

    The answer is `words` words of at least `word_bytes` (and a `tool` call) and the `usage` (input, output tokens), or none if that is None.
    `keep_alive` sends comments instead of events, until the hub leaves. `cut` ends the connection after so many bytes of the answer; `closed` ends the answer there in good order.
    `silent_after` sends so many events and then waits for the hub to leave (-1: not even the headers); `error_after`
    sends so many events and then an error; `pace_ms` comes before each event. `gate` waits until the test opens it,
    before the answer or after `gate_after` events of it.
    With `status` other than 200 the answer is an error. `first` and `cut_first` are the status and the cut of the
    first request with this id alone.
    """

    id: str
    words: int = 3
    word_bytes: int = 0
    usage: tuple[int, int] | None = (10, 5)
    status: int = 200
    first: int = 200
    cut: int | None = None
    closed: bool = False
    cut_first: int | None = None
    silent_after: int | None = None
    pace_ms: int = 0
    gate: str = ""
    gate_after: int = 0
    error_after: int | None = None
    keep_alive: bool = False
    tool: bool = False

    def text(self) -> str:
        """The answer's text."""
        return "".join(map(self.word, range(self.words)))

    def word(self, number: int) -> str:
        """One of its words, as long as the script wants it."""
        return f"word{number} ".rjust(self.word_bytes, "-")


def streamed(script: Script, dialect: str) -> list[bytes]:
    """The answer's events; the terminal one last, or the error that comes in its place."""
    events = _openai_stream(script) if dialect == "openai" else _anthropic_stream(script)
    if script.error_after is None:
        return events
    name = b"event: error\n" if dialect == "anthropic" else b""
    error = b'data: {"type":"error","error":{"type":"overloaded_error","message":"scripted"}}\n\n'
    return [*events[: script.error_after], name + error]


def whole(script: Script, dialect: str) -> bytes:
    """The answer as one JSON body."""
    if dialect == "openai":
        message = {"role": "assistant", "content": script.text()}
        reported = {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        }
        return msgspec.json.encode(
            reported if script.usage is None else {**reported, "usage": _openai_usage(script.usage)}
        )
    tokens_in, tokens_out = script.usage or (0, 0)
    return msgspec.json.encode(
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "m",
            "content": [{"type": "text", "text": script.text()}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": tokens_in, "output_tokens": tokens_out},
        }
    )


def _openai_usage(usage: tuple[int, int]) -> dict[str, int]:
    return {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}


def _openai_stream(script: Script) -> list[bytes]:
    def event(delta: dict[str, object], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        return b"data: %b\n\n" % msgspec.json.encode({**head, "choices": [choice]})

    events = [event({"role": "assistant", "content": ""})]
    events += [event({"content": script.word(n)}) for n in range(script.words)]
    if script.tool:
        function = {"name": "look", "arguments": ""}
        events.append(event({"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": function}]}))
        events.append(event({"tool_calls": [{"index": 0, "function": {"arguments": '{"at":1}'}}]}))
    events.append(event({}, "tool_calls" if script.tool else "stop"))
    if script.usage is not None:
        reported = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": []}
        events.append(b"data: %b\n\n" % msgspec.json.encode({**reported, "usage": _openai_usage(script.usage)}))
    return [*events, b"data: [DONE]\n\n"]


def _anthropic_stream(script: Script) -> list[bytes]:
    def event(kind: str, **fields: object) -> bytes:
        return b"event: %b\ndata: %b\n\n" % (kind.encode(), msgspec.json.encode({"type": kind, **fields}))

    tokens_in, tokens_out = script.usage or (0, 0)
    message: dict[str, object] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": tokens_in, "output_tokens": 1},
    }
    events = [event("message_start", message=message)]
    events.append(event("content_block_start", index=0, content_block={"type": "text", "text": ""}))
    events += [
        event("content_block_delta", index=0, delta={"type": "text_delta", "text": script.word(n)})
        for n in range(script.words)
    ]
    events.append(event("content_block_stop", index=0))
    if script.tool:
        block = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}
        events.append(event("content_block_start", index=1, content_block=block))
        delta = {"type": "input_json_delta", "partial_json": '{"at":1}'}
        events.append(event("content_block_delta", index=1, delta=delta))
        events.append(event("content_block_stop", index=1))
    reason = "tool_use" if script.tool else "end_turn"
    usage = {"output_tokens": tokens_out}
    events.append(event("message_delta", delta={"stop_reason": reason, "stop_sequence": None}, usage=usage))
    return [*events, event("message_stop")]
