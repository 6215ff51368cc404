"""Rendering events as an answer of Anthropic's messages API, streamed.

Rule: one content block is open at a time, and the terminal events are sent only on `Ended`; no ending is invented.

Anthropic sends one block after the other, while other dialects' tool calls may be interleaved. So an open tool call
stays open until the answer ends, and everything that begins meanwhile waits, and follows in the order of its first
piece. `content_block_events` decides this for both framings; this module writes its events as server-sent events, and
`whole` puts them together.

https://platform.claude.com/docs/en/build-with-claude/streaming
"""

import msgspec

from domain.dialects.stop_reasons import ANTHROPIC_WRITTEN
from domain.model_api.events import Ended, Event, Finished, Started, UsageReported
from domain.usage import Usage
from entrypoints.http.dialects.anthropic.content_block_events import (
    Begin,
    BlockState,
    ContentBlockEvent,
    End,
    Piece,
    drain,
    draw,
    is_content,
)
from entrypoints.http.dialects.dialect import Rendering
from entrypoints.http.one_line_json import one_line

_ENCODE = msgspec.json.Encoder().encode


class State(msgspec.Struct, frozen=True):
    """The output so far, and what is kept for the end."""

    rendering: Rendering
    block_state: BlockState = BlockState()
    begun: bool = False
    ended: bool = False
    usage: Usage = Usage()
    finished: Finished | None = None


def start(rendering: Rendering) -> State:
    """Before the first event."""
    return State(rendering=rendering)


def render(state: State, event: Event) -> tuple[State, bytes]:
    """One event as bytes, possibly none: usage and the reason to finish are held until the end."""
    if state.ended:
        return state, b""
    if is_content(event):
        block_state, block_events = draw(state.block_state, event)
        if not block_events:
            return msgspec.structs.replace(state, block_state=block_state), b""
        written = b"".join([_written(block_event) for block_event in block_events])
        if block_state is state.block_state:  # it goes on in a block that is open, so the message has begun
            return state, written
        return msgspec.structs.replace(state, block_state=block_state, begun=True), _opening(state) + written
    match event:
        case Started():
            return msgspec.structs.replace(state, begun=True), _opening(state)
        case UsageReported():
            return msgspec.structs.replace(state, usage=event.usage), b""
        case Finished(choice=0):
            return msgspec.structs.replace(state, finished=event), b""
        case Ended():
            return msgspec.structs.replace(state, begun=True, ended=True), _opening(state) + _ending(state)
        case _:
            return state, b""


def message(rendering: Rendering, usage: Usage, **rest: object) -> dict[str, object]:
    """A message around its content, whole or just begun."""
    return {
        "id": rendering.call_id,
        "type": "message",
        "role": "assistant",
        "model": rendering.call.model,
        **rest,
        "usage": usage_json(usage),
    }


def usage_json(usage: Usage) -> dict[str, object]:
    """The units in Anthropic's fields, where cache reads and writes are not part of the input."""
    writes = {
        "ephemeral_5m_input_tokens": usage.cache_write_tokens,
        "ephemeral_1h_input_tokens": usage.cache_write_1h_tokens,
    }
    reported: dict[str, object] = {
        "input_tokens": usage.input_tokens + usage.input_audio_tokens + usage.input_image_tokens,
        "cache_creation_input_tokens": usage.cache_write_tokens + usage.cache_write_1h_tokens,
        "cache_read_input_tokens": usage.cache_read_tokens + usage.cache_read_audio_tokens,
        "cache_creation": writes,
        "output_tokens": usage.output_tokens
        + usage.output_audio_tokens
        + usage.output_image_tokens
        + usage.reasoning_tokens,
    }
    if usage.reasoning_tokens:
        reported["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    if usage.tool_uses:
        reported["server_tool_use"] = {"web_search_requests": usage.tool_uses, "web_fetch_requests": 0}
    return reported


def stop(finished: Finished | None, block_state: BlockState) -> dict[str, str | None]:
    """Why the answer stopped, null if the provider did not report it.

    A model's own refusal is text that only this value marks as one. OpenAI has "stop" after a required tool call, where
    Anthropic always has `tool_use`. https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons
    """
    if finished is None:
        return {"stop_reason": None, "stop_sequence": None}
    reason = ANTHROPIC_WRITTEN[finished.reason]
    if block_state.refused:
        reason = "refusal"
    elif finished.reason == "stop" and finished.stop_sequence is not None:
        reason = "stop_sequence"
    elif finished.reason == "stop" and block_state.called:
        reason = "tool_use"
    return {"stop_reason": reason, "stop_sequence": finished.stop_sequence}


def provider_blocks_field(block_state: BlockState) -> dict[str, object]:
    """Blocks of other vendors, which Anthropic cannot express, as an extension field; none if there are none."""
    return {"provider_blocks": block_state.provider_block} if block_state.provider_block else {}


def _opening(state: State) -> bytes:
    if state.begun:
        return b""
    # Other vendors count at the end, and Claude Code shows the count at the start: so it gets an estimate.
    usage = state.usage if state.usage != Usage() else Usage(input_tokens=state.rendering.call.likely_input_tokens)
    empty = message(state.rendering, usage, content=[], stop_reason=None, stop_sequence=None)
    return _event("message_start", message=empty)


def _ending(state: State) -> bytes:
    block_state, block_events = drain(state.block_state)
    delta = _event(
        "message_delta",
        delta=stop(state.finished, block_state),
        usage=usage_json(state.usage),
        **provider_blocks_field(block_state),
    )
    return b"".join([*map(_written, block_events), delta, _event("message_stop")])


def _written(block_event: ContentBlockEvent) -> bytes:
    match block_event:
        case Piece():
            # The hot path, hence no dict: most of a stream is this line.
            return (
                b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,'
                b'"delta":{"type":"%b","%b":%b}}\n\n'
                % (block_event.index, block_event.kind.encode(), _FIELD_OF[block_event.kind], _value(block_event.value))
            )
        case Begin():
            return _event("content_block_start", index=block_event.index, content_block=block_event.block)
        case End():
            return _event("content_block_stop", index=block_event.index)


_FIELD_OF = {
    "text_delta": b"text",
    "thinking_delta": b"thinking",
    "signature_delta": b"signature",
    "input_json_delta": b"partial_json",
    "citations_delta": b"citation",
}


def _value(value: str | msgspec.Raw) -> bytes:
    return _ENCODE(value) if isinstance(value, str) else one_line(bytes(value))


def _event(name: str, **fields: object) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), one_line(_ENCODE({"type": name, **fields})))
