"""Answers in OpenAI's dialect: a stream of chunks, event by event.

House rule: `data: [DONE]` is sent on `Ended` only, and usage is never made up. Content that OpenAI's dialect cannot
express is in extension fields that its SDKs ignore: `reasoning_content` (DeepSeek's field) for reasoning,
`reasoning_details` (OpenRouter's) for the same with its place and signature, `extra_content` (Google's) for a
signature on a text or a call, `stop_reason` (vLLM's) for the stop sequence that was met, `provider_blocks` for blocks
that only another dialect can express.
"""

from typing import Any, assert_never

import msgspec

from domain.dialects.openrouter_reasoning import detail_of
from domain.dialects.stop_reasons import OPENAI_WRITTEN
from domain.model_api.citations import Passage
from domain.model_api.embeddings import Embedded
from domain.model_api.events import (
    AudioDelta,
    Broken,
    CitationDelta,
    Ended,
    Event,
    Finished,
    ProviderBlock,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    UsageReported,
)
from domain.model_api.images import ImageResult
from domain.model_api.requests import Reasoning
from domain.model_api.rerank import Ranked
from domain.model_api.video import VideoResult
from domain.usage import Usage
from entrypoints.http.dialects.dialect import Rendering
from entrypoints.http.dialects.openai_chat.google_signatures import extra_content
from entrypoints.http.dialects.openai_chat.provider_blocks import is_custom_call, is_logprobs, provider_block
from entrypoints.http.dialects.openai_chat.reasoning_order import Places
from entrypoints.http.one_line_json import one_line

NAME = "openai"

# OpenAI has no reason for a refusal that ends the answer (Anthropic's `refusal` means that its safety classifiers
# stepped in, so content_filter is nearest), and none for a pause: the output so far is complete, so it is a stop.

_DONE = b"data: [DONE]\n\n"
_NOWHERE = Places()
_encode = msgspec.json.Encoder().encode


class State(msgspec.Struct, frozen=True):
    """The state of the rendering: the bytes around each choice, the started choices, the last reported usage.

    `functions` are the function calls so far, `customs` the places of custom tools' calls among all calls; `places`
    are those of each choice's reasoning.
    """

    head: bytes
    tail: bytes
    wants_usage: bool
    opened: tuple[int, ...] = ()
    functions: int = 0
    customs: tuple[int, ...] = ()
    passage: Passage = Passage()
    usage: Usage | None = None
    places: dict[int, Places] = {}


def start(rendering: Rendering) -> State:
    """The state before the first event. If usage is requested, all chunks but the last have a null one, as OpenAI's."""
    about = _encode(
        {
            "id": rendering.call_id,
            "object": "chat.completion.chunk",
            "created": rendering.created_s,
            "model": rendering.call.model,
        }
    )
    tail = b'],"usage":null}\n\n' if rendering.call.wants_usage else b"]}\n\n"
    return State(head=b"data: " + about[:-1] + b',"choices":[', tail=tail, wants_usage=rendering.call.wants_usage)


def render(state: State, event: Event) -> tuple[State, bytes]:
    """One event as the bytes of its chunk, often none."""
    match event:
        case TextDelta():
            return _texted(_placed(state, event), event, content) if (content := _text(event)) else (state, b"")
        case ToolCallDelta():
            return _called(_placed(state, event), event)
        case ReasoningDelta():
            state = _placed(state, event)
            thought = thinking(event, state.places[event.choice])
            return _delta_chunk(state, event.choice, thought) if thought else (state, b"")
        case RefusalDelta():
            return _delta_chunk(state, event.choice, {"refusal": event.text})
        case ProviderBlock() if is_logprobs(event):
            return _likely(state, event)
        case ProviderBlock() if is_custom_call(event):
            return _called_custom(_placed(state, event), event)
        case CitationDelta() | ProviderBlock():
            return _delta_chunk(state, event.choice, provider_block(event, state.passage))
        case Started():
            return _delta_chunk(state, 0, {"content": ""})
        case Finished():
            return _finished(state, event)
        case UsageReported():
            return msgspec.structs.replace(state, usage=event.usage), b""
        case Ended():
            return state, _usage_chunk(state) + _DONE
        case Embedded() | ImageResult() | VideoResult() | Ranked() | AudioDelta():
            return state, b""  # A chunk cannot express the event.
        case Broken():
            return state, b""  # `stream_error` renders the failure.
    assert_never(event)


def _texted(state: State, event: TextDelta, content: dict[str, Any]) -> tuple[State, bytes]:
    """Text; its length so far gives the passage of the sources that follow, which only the first choice has."""
    if event.choice == 0:
        state = msgspec.structs.replace(state, passage=state.passage.with_more(event))
    return _delta_chunk(state, event.choice, content)


def _called(state: State, event: ToolCallDelta) -> tuple[State, bytes]:
    """A piece of a function call, at its place among all calls: calls of custom tools may precede it."""
    if event.id is not None and event.index >= state.functions:
        state = msgspec.structs.replace(state, functions=event.index + 1)
    if state.customs:
        before = sum(event.index >= place - number for number, place in enumerate(state.customs))
        event = msgspec.structs.replace(event, index=event.index + before)
    return _delta_chunk(state, event.choice, {"tool_calls": [tool_call(event)]})


def _called_custom(state: State, event: ProviderBlock) -> tuple[State, bytes]:
    """The call of a custom tool, whole in one piece."""
    place = state.functions + len(state.customs)
    state = msgspec.structs.replace(state, customs=(*state.customs, place))
    call = msgspec.json.decode(event.block, type=dict[str, Any])
    return _delta_chunk(state, event.choice, {"tool_calls": [{"index": place, **call}]})


def tool_call(delta: ToolCallDelta) -> dict[str, Any]:
    """A piece of a tool call. The first, which carries the id, has the type as well."""
    function: dict[str, Any] = {} if delta.name is None else {"name": delta.name}
    function["arguments"] = delta.arguments
    if delta.id is None:
        return {"index": delta.index, "function": function, **extra_content(delta.signature)}
    reported = {"index": delta.index, "id": delta.id, "type": "function", "function": function}
    return {**reported, **extra_content(delta.signature)}


def usage_object(usage: Usage) -> dict[str, Any]:
    """The units as OpenAI adds them up.

    Cached, written, audio and image tokens count inside the prompt, reasoning inside the completion. `image_tokens`,
    `cached_audio_tokens` and `tool_uses` are extensions, present only if they are not zero.
    """
    written = usage.cache_write_tokens + usage.cache_write_1h_tokens
    read = usage.cache_read_tokens + usage.cache_read_audio_tokens
    prompt = usage.input_tokens + usage.input_audio_tokens + usage.input_image_tokens + read + written
    completion = usage.output_tokens + usage.output_audio_tokens + usage.output_image_tokens + usage.reasoning_tokens
    reported: dict[str, Any] = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {
            "cached_tokens": read,
            "cache_write_tokens": written,
            "audio_tokens": usage.input_audio_tokens + usage.cache_read_audio_tokens,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "audio_tokens": usage.output_audio_tokens,
        },
    }
    if usage.cache_read_audio_tokens:
        reported["prompt_tokens_details"]["cached_audio_tokens"] = usage.cache_read_audio_tokens
    if usage.input_image_tokens:
        reported["prompt_tokens_details"]["image_tokens"] = usage.input_image_tokens
    if usage.output_image_tokens:
        reported["completion_tokens_details"]["image_tokens"] = usage.output_image_tokens
    if usage.tool_uses:
        reported["tool_uses"] = usage.tool_uses
    return reported


def _text(event: TextDelta) -> dict[str, Any]:
    if event.signature is None:
        return {"content": event.text} if event.text else {}
    return {"content": event.text, **extra_content(event.signature)}


def thinking(event: ReasoningDelta, places: Places) -> dict[str, Any]:
    """A piece of reasoning: its text for clients that show it, and all of it for clients that send it back."""
    if not (event.text or event.signature is not None or event.redacted is not None):
        return {}
    piece = Reasoning(text=event.text, signature=event.signature, redacted=event.redacted)
    reported: dict[str, Any] = {"reasoning_content": event.text} if event.text else {}
    return {**reported, "reasoning_details": [detail_of(piece, places.thoughts[event.block])]}


def _placed(state: State, event: TextDelta | ReasoningDelta | ToolCallDelta | ProviderBlock) -> State:
    """The state with the event's place in its choice, if it begins something."""
    before = state.places.get(event.choice, _NOWHERE)
    after = before.after(event)
    if after is before:
        return state
    return msgspec.structs.replace(state, places={**state.places, event.choice: after})


def _delta_chunk(state: State, choice: int, delta: dict[str, Any]) -> tuple[State, bytes]:
    """A chunk with a delta; the first of a choice has the role."""
    state, delta = _opened(state, choice, delta)
    return state, b'%b{"index":%d,"delta":%b,"finish_reason":null}%b' % (
        state.head,
        choice,
        one_line(_encode(delta)),
        state.tail,
    )


def _likely(state: State, event: ProviderBlock) -> tuple[State, bytes]:
    state, delta = _opened(state, event.choice, {})
    choice = {"index": event.choice, "delta": delta, "logprobs": event.block, "finish_reason": None}
    return state, state.head + one_line(_encode(choice)) + state.tail


def _finished(state: State, event: Finished) -> tuple[State, bytes]:
    state, delta = _opened(state, event.choice, {})
    choice: dict[str, Any] = {"index": event.choice, "delta": delta, "finish_reason": OPENAI_WRITTEN[event.reason]}
    if event.stop_sequence is not None:
        choice["stop_reason"] = event.stop_sequence
    return state, state.head + _encode(choice) + state.tail


def _opened(state: State, choice: int, delta: dict[str, Any]) -> tuple[State, dict[str, Any]]:
    if choice in state.opened:
        return state, delta
    opened = msgspec.structs.replace(state, opened=(*state.opened, choice))
    return opened, {"role": "assistant", **delta}


def _usage_chunk(state: State) -> bytes:
    """The chunk with only the usage and no choices, for callers that requested it."""
    if not state.wants_usage or state.usage is None:
        return b""
    return state.head + b'],"usage":' + _encode(usage_object(state.usage)) + b"}\n\n"
