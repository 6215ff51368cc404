"""An answer as its request asked for it, where the provider could not be told: a fold over events.

- Where calls shall come one at a time, the caller hears of the first alone.
- The function that stands for a custom tool is called as that tool: its call is given whole, when its input is.
- A tool of a group is called by its own name, with the group's beside it.
- Thinking that shall not be shown is kept back; its signature is not.

What is kept back here was generated, so it is charged.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from domain.model_api.events import (
    Broken,
    Ended,
    Event,
    Finished,
    FinishReason,
    ProviderBlock,
    ReasoningDelta,
    ToolCallDelta,
)
from domain.model_api.requests import ChatRequest, ModelRequest, Tool
from domain.model_api.tools import input_of
from entrypoints.http.dialects.dialect import CallerDialect, ErrorBody, Rendering

_NAME, _CUSTOM_CALL = "openai", "custom_tool_call"
_HIDDEN = b'"omitted"'


class _Buffered(msgspec.Struct, frozen=True):
    """The call of a custom tool so far; `pieces` are those of its arguments."""

    tool: Tool
    id: str | None
    pieces: tuple[str, ...]


class _State(msgspec.Struct, frozen=True):
    """`inner` is the dialect's own; `first` the first call of each choice; `buffered` calls by choice and index."""

    inner: Any
    first: dict[int, int | str] = {}
    buffered: dict[tuple[int, int], _Buffered] = {}


class _Wish(msgspec.Struct, frozen=True):
    """What of the request bears on how its answer is told."""

    one_call: bool
    hides_thinking: bool
    tools: dict[str, Tool]


def as_asked(dialect: CallerDialect, request: ModelRequest | None) -> CallerDialect:
    """The caller's dialect, telling the answer as the request asked; the same where nothing is kept back or renamed."""
    if not isinstance(request, ChatRequest):
        return dialect
    wish = _Wish(
        one_call=request.parallel_tool_calls is False,
        hides_thinking=bytes(request.extra.get("thinking.display", b"")) == _HIDDEN,
        tools={tool.name: tool for tool in request.tools if tool.custom is not None or tool.group is not None},
    )
    if not (wish.one_call or wish.hides_thinking or wish.tools):
        return dialect
    failed = dialect.stream_failed

    def whole(events: tuple[Event, ...], rendering: Rendering) -> bytes:
        state, told = _State(None), list[Event]()
        for event in events:
            state, more = _heard(wish, state, event)
            told += more
        return dialect.whole(tuple(told), rendering)

    def render(state: _State, event: Event) -> tuple[_State, bytes]:
        state, events = _heard(wish, state, event)
        inner, written = state.inner, b""
        for each in events:
            inner, piece = dialect.render(inner, each)
            written += piece
        return msgspec.structs.replace(state, inner=inner), written

    def stream_failed(state: _State, error: ErrorBody) -> bytes:
        return dialect.stream_error(error) if failed is None else failed(state.inner, error)

    return msgspec.structs.replace(
        dialect,
        whole=whole,
        start=lambda rendering: _State(dialect.start(rendering)),
        render=render,
        stream_failed=stream_failed,
    )


def _heard(wish: _Wish, state: _State, event: Event) -> tuple[_State, tuple[Event, ...]]:
    """The state after one event, and what the caller hears of it."""
    match event:
        case ReasoningDelta() if wish.hides_thinking:
            kept = event.signature is not None or event.redacted is not None
            return state, (msgspec.structs.replace(event, text=""),) if kept else ()
        case ToolCallDelta():
            if wish.one_call and state.first.get(event.choice, event.index) != event.index:
                return state, ()
            return _called(wish, _with_first(state, event.choice, event.index), event)
        case ProviderBlock(dialect="openai", name="custom_tool_call"):
            if wish.one_call and event.choice in state.first:
                return state, ()
            return _with_first(state, event.choice, ""), (_renamed(wish, event),)
        case Finished():
            told: list[Event] = [*_given(state, event.choice, event.reason), event]
            left = {at: call for at, call in state.buffered.items() if at[0] != event.choice}
            return msgspec.structs.replace(state, buffered=left), tuple(told)
        case Ended() | Broken():
            told = [
                call for choice in sorted({at[0] for at in state.buffered}) for call in _given(state, choice, "length")
            ]
            return msgspec.structs.replace(state, buffered={}), (*told, event)
        case _:
            return state, (event,)


def _with_first(state: _State, choice: int, index: int | str) -> _State:
    return state if choice in state.first else msgspec.structs.replace(state, first={**state.first, choice: index})


def _called(wish: _Wish, state: _State, event: ToolCallDelta) -> tuple[_State, tuple[Event, ...]]:
    at = event.choice, event.index
    call, tool = state.buffered.get(at), wish.tools.get(event.name or "")
    if call is not None:
        call = msgspec.structs.replace(call, pieces=(*call.pieces, event.arguments))
    elif tool is None:
        return state, (event,)
    elif tool.custom is None:
        assert tool.group is not None
        return state, (msgspec.structs.replace(event, name=tool.group[1], group=tool.group[0]),)
    else:
        call = _Buffered(tool, event.id, (event.arguments,))
    return msgspec.structs.replace(state, buffered={**state.buffered, at: call}), ()


def _given(state: _State, choice: int, reason: FinishReason) -> Iterator[ProviderBlock]:
    """The calls of custom tools, which are over; one that was cut is no call, for half a patch is none.

    A model that did not keep to the form wrote the input alone.
    """
    for at, call in sorted(state.buffered.items()):
        arguments = "".join(call.pieces)
        text = input_of(arguments)
        if at[0] == choice and (text is not None or reason != "length"):
            yield _block(call.tool, call.id, arguments if text is None else text, choice)


class _Called(msgspec.Struct, frozen=True):
    name: str = ""
    input: str = ""


class _CustomCall(msgspec.Struct, frozen=True):
    id: str | None = None
    custom: _Called = _Called()


def _renamed(wish: _Wish, event: ProviderBlock) -> ProviderBlock:
    """A custom tool's call by a server that knows such tools; one of a group under its own name."""
    try:
        call = msgspec.json.decode(event.block, type=_CustomCall)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return event
    tool = wish.tools.get(call.custom.name)
    return event if tool is None else _block(tool, call.id, call.custom.input, event.choice)


def _block(tool: Tool, call_id: str | None, text: str, choice: int) -> ProviderBlock:
    group, name = tool.group or (None, tool.name)
    custom = {"name": name, "input": text} | ({} if group is None else {"namespace": group})
    block = msgspec.json.encode({"id": call_id, "type": "custom", "custom": custom})
    return ProviderBlock(dialect=_NAME, name=_CUSTOM_CALL, block=msgspec.Raw(block), choice=choice)
