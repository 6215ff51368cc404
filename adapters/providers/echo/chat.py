"""The echo's chat completions.

- The answer is the text of the last user message, under any model name, streamed word by word on request.
- One word is one token: `max_tokens` cuts the answer after so many words (`finish_reason` "length"), and the usage is
  the words of all messages and the words that were sent.
- `call NAME` or `call NAME {"some": "json"}`, where NAME is one of the request's tools, answers with that tool call;
  so does a `tool_choice` of "required" (the first tool) or of a named function.
- After tool results, the answer is their text.
- With a `response_format` of JSON, the answer is `{"echo": text}`.
- All `n` choices are the same.
"""

import hashlib
import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec

from adapters.providers.echo.shared import Count, EchoAnswer, Misfit, as_events, as_json, encode

_WORD = re.compile(r"\S+\s*")


class _Content(msgspec.Struct, frozen=True):
    type: str
    text: str = ""


class _Message(msgspec.Struct, frozen=True):
    role: str
    content: str | list[_Content] | None = None

    @property
    def text(self) -> str:
        if self.content is None or isinstance(self.content, str):
            return self.content or ""
        return "\n".join(part.text for part in self.content if part.type == "text")


class _Function(msgspec.Struct, frozen=True):
    name: str


class _Tool(msgspec.Struct, frozen=True):
    function: _Function


class _Format(msgspec.Struct, frozen=True):
    type: str


class _StreamOptions(msgspec.Struct, frozen=True):
    include_usage: bool = False


class _Request(msgspec.Struct, frozen=True):
    """The fields of a chat completion request that the echo reads; every other field is allowed and ignored."""

    model: str
    messages: Annotated[list[_Message], msgspec.Meta(min_length=1)]
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    max_tokens: Count | None = None
    max_completion_tokens: Count | None = None
    n: Annotated[int, msgspec.Meta(ge=1, le=128)] | None = None
    tools: list[_Tool] | None = None
    tool_choice: Literal["none", "auto", "required"] | _Tool | None = None
    response_format: _Format | None = None


class _Answer(msgspec.Struct, frozen=True):
    """The answer of each choice: its words, or the tool that is called and the words of its arguments."""

    words: tuple[str, ...]
    tool: str | None
    finish: str

    @property
    def tokens(self) -> int:
        return len(self.words) + (self.tool is not None)


_decoder = msgspec.json.Decoder(_Request)


def chat(body: bytes, content_type: str) -> EchoAnswer:
    """Return the answer, event by event if the request has `stream`."""
    request = _decoder.decode(body)
    answer = _answer_to(request)
    digest = hashlib.sha256(body).hexdigest()[:24]
    return (
        as_events(_streamed(request, answer, digest))
        if request.stream
        else as_json(_completion(request, answer, digest))
    )


def _answer_to(request: _Request) -> _Answer:
    """Return the answer, cut to the allowed tokens. A tool's name counts as one word."""
    tokens_max = request.max_completion_tokens or request.max_tokens
    call = _tool_call(request)
    if call is not None:
        tool, words = call[0], _words(call[1])
    else:
        tool, words = None, _words(_text(request))
    room = len(words) if tokens_max is None else tokens_max - (tool is not None)
    if len(words) > room:
        return _Answer((*words[: room - 1], words[room - 1].rstrip()) if room else (), tool, "length")
    return _Answer(words, tool, "stop" if tool is None else "tool_calls")


def _words(text: str) -> tuple[str, ...]:
    """Split the text into words with the white space around them."""
    words = _WORD.findall(text)
    if words:
        words[0] = text[: len(text) - len(text.lstrip())] + words[0]
    return tuple(words)


def _text(request: _Request) -> str:
    """Return the text of the answer in the requested form."""
    if request.response_format is not None and request.response_format.type in ("json_object", "json_schema"):
        return encode({"echo": _text_to_repeat(request)}).decode()
    return _text_to_repeat(request)


def _text_to_repeat(request: _Request) -> str:
    """Return the text to repeat: that of the tool results at the end, else of the last user message."""
    results = []
    for message in reversed(request.messages):
        if message.role != "tool":
            break
        results.append(message.text)
    if results:
        return "\n".join(reversed(results))
    users = [message for message in request.messages if message.role == "user"]
    return (users or request.messages)[-1].text


def _tool_call(request: _Request) -> tuple[str, str] | None:
    """Return the tool to call and its arguments as JSON text, or None if the answer is text.

    Tool results are answered with text even if the choice is "required", because an agent's loop must end.
    """
    names = [tool.function.name for tool in request.tools or ()]
    forced = selected = None
    if isinstance(request.tool_choice, _Tool):
        forced = selected = request.tool_choice.function.name
        if forced not in names:
            raise Misfit(f"tool_choice: no function is named {forced!r} in tools")
    elif request.tool_choice == "required":
        if not names:
            raise Misfit("tool_choice: 'required' needs tools")
        forced = names[0]
    if request.tool_choice == "none" or request.messages[-1].role == "tool":
        return None
    match _text_to_repeat(request).split(maxsplit=2):
        case ["call", name, *rest] if name in names and selected in (None, name):
            arguments = rest[0].rstrip() if rest else "{}"
            if _is_object(arguments):
                return name, arguments
    return None if forced is None else (forced, "{}")


def _is_object(text: str) -> bool:
    try:
        msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    except msgspec.MsgspecError:
        return False
    return True


def _completion(request: _Request, answer: _Answer, digest: str) -> dict[str, Any]:
    """Return the answer as one `chat.completion`."""
    text = "".join(answer.words)
    choices = []
    for index in range(request.n or 1):
        message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
        if answer.tool is not None:
            function = {"name": answer.tool, "arguments": text}
            message |= {
                "content": None,
                "tool_calls": [{"id": f"call_{digest}{index}", "type": "function", "function": function}],
            }
        choices.append({"index": index, "message": message, "logprobs": None, "finish_reason": answer.finish})
    return {**_head(request, digest, "chat.completion"), "choices": choices, "usage": _usage(request, answer)}


def _streamed(request: _Request, answer: _Answer, digest: str) -> Iterator[bytes]:
    """Return the answer as server-sent events: role, words, finish, usage on request, `[DONE]`."""
    head = _head(request, digest, "chat.completion.chunk")
    with_usage = request.stream_options is not None and request.stream_options.include_usage
    usage: dict[str, Any] = {"usage": None} if with_usage else {}

    def event(index: int, delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
        return b"data: %b\n\n" % encode({**head, "choices": [choice], **usage})

    choices = range(request.n or 1)
    for index in choices:
        opening: dict[str, Any] = {"role": "assistant", "content": "", "refusal": None}
        if answer.tool is not None:
            function = {"name": answer.tool, "arguments": ""}
            call = {"index": 0, "id": f"call_{digest}{index}", "type": "function", "function": function}
            opening |= {"content": None, "tool_calls": [call]}
        yield event(index, opening)
    for word in answer.words:
        chunk: dict[str, Any] = {"content": word}
        if answer.tool is not None:
            chunk = {"tool_calls": [{"index": 0, "function": {"arguments": word}}]}
        for index in choices:
            yield event(index, chunk)
    for index in choices:
        yield event(index, {}, answer.finish)
    if with_usage:
        yield b"data: %b\n\n" % encode({**head, "choices": [], "usage": _usage(request, answer)})
    yield b"data: [DONE]\n\n"


def _head(request: _Request, digest: str, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{digest}", "object": kind, "created": 0, "model": request.model}


def _usage(request: _Request, answer: _Answer) -> dict[str, Any]:
    prompt = sum(len(message.text.split()) for message in request.messages)
    completion = answer.tokens * (request.n or 1)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
