"""The echo's chat completions: the hub's own parrot.

- The answer is the text of the last user message, under any model name, streamed word by word if asked for.
- One word is one token: `max_tokens` cuts the answer after so many words (`finish_reason` "length"), and the usage
  is the words of all messages and the words that were sent.
- `call NAME` or `call NAME {"some": "json"}`, where NAME is one of the request's tools, answers with that tool call;
  so does a `tool_choice` of "required" (the first tool) or of a named function.
- After tool results, the answer is their text.
- With a `response_format` of JSON, the answer is `{"echo": text}`.
- `n` choices all say the same.
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
    """What the echo reads of a chat completion request; every other field is allowed and ignored."""

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


class _Said(msgspec.Struct, frozen=True):
    """The answer of each choice: its words, or the tool that is called and its arguments' words."""

    words: tuple[str, ...]
    tool: str | None
    finish: str

    @property
    def tokens(self) -> int:
        return len(self.words) + (self.tool is not None)


_decoder = msgspec.json.Decoder(_Request)


def chat(body: bytes, content_type: str) -> EchoAnswer:
    """The answer, event by event if the request says `stream`."""
    asked = _decoder.decode(body)
    said = _say(asked)
    digest = hashlib.sha256(body).hexdigest()[:24]
    return as_events(_streamed(asked, said, digest)) if asked.stream else as_json(_whole(asked, said, digest))


def _say(asked: _Request) -> _Said:
    """What is answered, cut to the tokens allowed. A tool's name counts as one word."""
    tokens_max = asked.max_completion_tokens or asked.max_tokens
    call = _tool_call(asked)
    if call is not None:
        tool, words = call[0], _words(call[1])
    else:
        tool, words = None, _words(_text(asked))
    room = len(words) if tokens_max is None else tokens_max - (tool is not None)
    if len(words) > room:
        return _Said((*words[: room - 1], words[room - 1].rstrip()) if room else (), tool, "length")
    return _Said(words, tool, "stop" if tool is None else "tool_calls")


def _words(text: str) -> tuple[str, ...]:
    """The text in pieces of one word each, with the white space around it."""
    words = _WORD.findall(text)
    if words:
        words[0] = text[: len(text) - len(text.lstrip())] + words[0]
    return tuple(words)


def _text(asked: _Request) -> str:
    """What to say, in the form that was asked for."""
    if asked.response_format is not None and asked.response_format.type in ("json_object", "json_schema"):
        return encode({"echo": _heard(asked)}).decode()
    return _heard(asked)


def _heard(asked: _Request) -> str:
    """The text to say back: that of the tool results at the end, else of the last user message."""
    results = []
    for message in reversed(asked.messages):
        if message.role != "tool":
            break
        results.append(message.text)
    if results:
        return "\n".join(reversed(results))
    users = [message for message in asked.messages if message.role == "user"]
    return (users or asked.messages)[-1].text


def _tool_call(asked: _Request) -> tuple[str, str] | None:
    """The tool to call and its arguments as JSON text, or None if the answer is text.

    Tool results are answered even where the choice is "required": an agent's loop must end.
    """
    names = [tool.function.name for tool in asked.tools or ()]
    forced = wanted = None
    if isinstance(asked.tool_choice, _Tool):
        forced = wanted = asked.tool_choice.function.name
        if forced not in names:
            raise Misfit(f"tool_choice: no function is named {forced!r} in tools")
    elif asked.tool_choice == "required":
        if not names:
            raise Misfit("tool_choice: 'required' needs tools")
        forced = names[0]
    if asked.tool_choice == "none" or asked.messages[-1].role == "tool":
        return None
    match _heard(asked).split(maxsplit=2):
        case ["call", name, *rest] if name in names and wanted in (None, name):
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


def _whole(asked: _Request, said: _Said, digest: str) -> dict[str, Any]:
    """The answer as one `chat.completion`."""
    text = "".join(said.words)
    choices = []
    for index in range(asked.n or 1):
        message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
        if said.tool is not None:
            function = {"name": said.tool, "arguments": text}
            message |= {
                "content": None,
                "tool_calls": [{"id": f"call_{digest}{index}", "type": "function", "function": function}],
            }
        choices.append({"index": index, "message": message, "logprobs": None, "finish_reason": said.finish})
    return {**_head(asked, digest, "chat.completion"), "choices": choices, "usage": _usage(asked, said)}


def _streamed(asked: _Request, said: _Said, digest: str) -> Iterator[bytes]:
    """The same answer as server-sent events: role, words, finish, the usage if asked for, the terminal word."""
    head = _head(asked, digest, "chat.completion.chunk")
    with_usage = asked.stream_options is not None and asked.stream_options.include_usage
    usage: dict[str, Any] = {"usage": None} if with_usage else {}

    def event(index: int, delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
        return b"data: %b\n\n" % encode({**head, "choices": [choice], **usage})

    choices = range(asked.n or 1)
    for index in choices:
        opening: dict[str, Any] = {"role": "assistant", "content": "", "refusal": None}
        if said.tool is not None:
            function = {"name": said.tool, "arguments": ""}
            call = {"index": 0, "id": f"call_{digest}{index}", "type": "function", "function": function}
            opening |= {"content": None, "tool_calls": [call]}
        yield event(index, opening)
    for word in said.words:
        piece: dict[str, Any] = {"content": word}
        if said.tool is not None:
            piece = {"tool_calls": [{"index": 0, "function": {"arguments": word}}]}
        for index in choices:
            yield event(index, piece)
    for index in choices:
        yield event(index, {}, said.finish)
    if with_usage:
        yield b"data: %b\n\n" % encode({**head, "choices": [], "usage": _usage(asked, said)})
    yield b"data: [DONE]\n\n"


def _head(asked: _Request, digest: str, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{digest}", "object": kind, "created": 0, "model": asked.model}


def _usage(asked: _Request, said: _Said) -> dict[str, Any]:
    prompt = sum(len(message.text.split()) for message in asked.messages)
    completion = said.tokens * (asked.n or 1)
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
