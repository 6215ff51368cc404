"""OpenAI's completions, the legacy API, the caller's side.

https://developers.openai.com/api/reference/resources/completions/methods/create

House rule: a chat model gets the prompt as a user message, where that has the same meaning: one text, and no field
about its continuation (`suffix`, `echo`, `logprobs`, `best_of`). Other calls only go to providers with this API.
"""

from typing import Annotated, Any

import msgspec

from domain.dialects.stop_reasons import OPENAI_WRITTEN
from domain.model_api.call import ModelCall
from domain.model_api.events import Ended, Event, Finished, RefusalDelta, TextDelta, UsageReported
from domain.model_api.requests import ChatRequest, Message, Text
from domain.refusals import BadRequest
from domain.usage import Usage
from entrypoints.http.decode_errors import JsonDecoder
from entrypoints.http.dialects.dialect import CallerDialect, Rendering
from entrypoints.http.dialects.openai_chat.field_errors import bad, read_body
from entrypoints.http.dialects.openai_chat.render import usage_object
from entrypoints.http.dialects.openai_media.shared import Inputs, Model, error, inputs_of, stream_error

NAME = "openai-completions"
# OpenAI's own default. It is sent to every provider, since their defaults differ.
OUTPUT_TOKENS_DEFAULT = 16
# Also a default: the mark between documents, after which a model starts a new text.
PROMPT_DEFAULT = "<|endoftext|>"

_Cap = Annotated[int, msgspec.Meta(ge=0, le=2**31)]
_Count = Annotated[int, msgspec.Meta(ge=1, le=128)]


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class _Body(msgspec.Struct):
    model: Model
    prompt: Inputs = PROMPT_DEFAULT
    max_tokens: _Cap | None = None
    n: _Count | None = None
    best_of: _Count | None = None
    echo: bool | None = None
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    user: str | None = None


_BODY = JsonDecoder(_Body)
_DECODED = frozenset({"model", "prompt", "max_tokens", "n", "stream", "stream_options", "stop", "seed", "user"})
_NUMBERS = ("temperature", "top_p")
_ENCODE = msgspec.json.Encoder().encode
_NO_PROMPT = msgspec.Raw(b"null")  # Then the default applies, which is a text.
_DONE = b"data: [DONE]\n\n"


def read(body: bytes) -> ModelCall | BadRequest:
    """A request body as a call, or the first problem with it."""
    found = read_body(_BODY, body)
    if isinstance(found, BadRequest):
        return found
    known, fields = found
    prompts = inputs_of("prompt", known.prompt, fields.get("prompt", _NO_PROMPT))
    if isinstance(prompts, BadRequest):
        return prompts
    if known.best_of is not None and known.best_of < (known.n or 1):
        return bad("best_of", "It is fewer than n.")
    stream = known.stream is True
    if not stream:
        fields.pop("stream_options", None)  # Without a stream it has no meaning, and OpenAI rejects it.
    return ModelCall(
        dialect=NAME,
        operation="completions",
        model=known.model,
        fields=fields,
        body_bytes=len(body),
        stream=stream,
        wants_usage=not stream or (known.stream_options is not None and known.stream_options.include_usage is True),
        output_tokens_max=OUTPUT_TOKENS_DEFAULT if known.max_tokens is None else known.max_tokens,
        cap_field="max_tokens",
        choices=max(known.n or 1, known.best_of or 1) * len(prompts),
        inputs=len(prompts),
        echoes=known.echo is True,
    )


def to_request(call: ModelCall) -> ChatRequest | BadRequest:
    """The prompt as a user message.

    Fields that a chat cannot express are in `extra`, for every provider to refuse by name.
    """
    known = _BODY.decode(_ENCODE(call.fields))
    stop = (known.stop,) if isinstance(known.stop, str) else tuple(known.stop or ())
    extra = {name: raw for name, raw in call.fields.items() if name not in (*_DECODED, *_NUMBERS) and _says(name, raw)}
    if not isinstance(known.prompt, str):
        extra["prompt (tokens, or more than one)"] = call.fields["prompt"]
    text = known.prompt if isinstance(known.prompt, str) else ""
    return ChatRequest(
        model=call.model,
        messages=(Message(role="user", parts=(Text(text=text),)),),
        output_tokens_max=max(1, call.output_tokens_max or 1),
        stop=stop,
        choices=known.n or 1,
        seed=known.seed,
        user=known.user,
        stream=call.stream,
        temperature=_number(call, "temperature"),
        top_p=_number(call, "top_p"),
        extra=extra,
    )


def whole(events: tuple[Event, ...], rendering: Rendering) -> bytes:
    """The answer as a `text_completion`. A model's reasoning is left out: the API has no field for it."""
    choices: dict[int, dict[str, Any]] = {0: _choice(0, "", None)}
    usage: Usage | None = None
    for event in events:
        match event:
            case TextDelta() | RefusalDelta():
                choices.setdefault(event.choice, _choice(event.choice, "", None))["text"] += event.text
            case Finished():
                choice = choices.setdefault(event.choice, _choice(event.choice, "", None))
                choice["finish_reason"] = OPENAI_WRITTEN[event.reason]
            case UsageReported():
                usage = event.usage
            case _:
                pass
    reported = {} if usage is None else {"usage": usage_object(usage)}
    return _ENCODE({**_head(rendering), "choices": [choices[index] for index in sorted(choices)], **reported})


class _State(msgspec.Struct, frozen=True):
    head: dict[str, Any]
    wants_usage: bool
    usage: Usage | None = None


def start(rendering: Rendering) -> _State:
    """The state before the first event."""
    return _State(head=_head(rendering), wants_usage=rendering.call.wants_usage)


def render(state: _State, event: Event) -> tuple[_State, bytes]:
    """One event as the bytes of its chunk, often none."""
    match event:
        case TextDelta() | RefusalDelta():
            return state, _chunk(state, [_choice(event.choice, event.text, None)])
        case Finished():
            return state, _chunk(state, [_choice(event.choice, "", OPENAI_WRITTEN[event.reason])])
        case UsageReported():
            return msgspec.structs.replace(state, usage=event.usage), b""
        case Ended():
            reported = b""
            if state.wants_usage and state.usage is not None:
                reported = _chunk(state, [], usage_object(state.usage))
            return state, reported + _DONE
    return state, b""


def _says(name: str, raw: msgspec.Raw) -> bool:
    """Whether the field has a meaning: it is not a default of OpenAI's."""
    return bytes(raw) not in (b"null", b"false", b"{}", b'""', b"1" if name == "best_of" else b"0")


def _number(call: ModelCall, name: str) -> msgspec.Raw | None:
    raw = call.fields.get(name)
    return None if raw is None or bytes(raw) == b"null" else raw


def _head(rendering: Rendering) -> dict[str, Any]:
    return {
        "id": f"cmpl-{rendering.call_id}",
        "object": "text_completion",
        "created": rendering.created_s,
        "model": rendering.call.model,
    }


def _choice(index: int, text: str, finish: str | None) -> dict[str, Any]:
    return {"text": text, "index": index, "logprobs": None, "finish_reason": finish}


def _chunk(state: _State, choices: list[dict[str, Any]], usage: dict[str, Any] | None = None) -> bytes:
    reported = {"usage": usage} if state.wants_usage else {}
    return b"data: %b\n\n" % _ENCODE({**state.head, "choices": choices, **reported})


COMPLETIONS_CALLER = CallerDialect(
    name=NAME,
    read=read,
    to_request=to_request,
    whole=whole,
    start=start,
    render=render,
    error=error,
    stream_error=stream_error,
)
