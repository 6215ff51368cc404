"""The output items of an answer: which are open, which are done, and the stream events that report it.

Rule: an item gets its place when it begins, and places count from 0 without a gap. A message and a reasoning item are
done when something else begins. Tool calls stay open until the answer ends, since other dialects may interleave them. A
`StreamEvent` is an event of the stream without its number.

https://developers.openai.com/api/reference/resources/responses/streaming-events
"""

from typing import Any, Literal, TypeAlias

import msgspec

from domain.model_api.events import CitationDelta, ProviderBlock, ReasoningDelta, RefusalDelta, TextDelta, ToolCallDelta
from entrypoints.http.dialects.openai_chat.provider_blocks import is_logprobs
from entrypoints.http.dialects.openai_responses.blocks import annotation, one_line, provider_item
from entrypoints.http.dialects.openai_responses.items import (
    Json,
    Open,
    OutputState,
    PartKind,
    PieceList,
    StreamEvent,
    text_of,
)
from entrypoints.http.dialects.openai_responses.reasoning import packed
from entrypoints.http.dialects.signatures import of_call, of_text

Content: TypeAlias = TextDelta | RefusalDelta | ReasoningDelta | ToolCallDelta | CitationDelta | ProviderBlock
_Applied: TypeAlias = tuple[OutputState, tuple[StreamEvent, ...]]


def note(output_state: OutputState, event: Content) -> _Applied:
    """The state after an event, and its stream events; none for a choice other than the first."""
    if event.choice != 0:
        return output_state, ()
    match event:
        case TextDelta(signature=str(signature)):
            return _signed(*_text(output_state, event), of_text(signature))
        case TextDelta() | RefusalDelta():
            return _text(output_state, event)
        case ReasoningDelta():
            return _reasoning(output_state, event)
        case ToolCallDelta(signature=str(signature)):
            output_state, stream_events = _signed(output_state, (), of_call(signature))
            output_state, more = _call(output_state, event)
            return output_state, (*stream_events, *more)
        case ToolCallDelta():
            return _call(output_state, event)
        case CitationDelta():
            return _cite(output_state, event)
        case ProviderBlock() if is_logprobs(event):
            return _count(output_state, event), ()
        case ProviderBlock():
            return _put(output_state, event)


def close(output_state: OutputState, status: Literal["completed", "incomplete"]) -> _Applied:
    """Close all open items; `status` is that of the last item."""
    output_state, stream_events = _end_open_item(output_state, status)
    for index in sorted(output_state.calls, key=lambda at: output_state.calls[at].place):
        output_state, more = _end_call(output_state, index, status)
        stream_events += more
    return output_state, stream_events


# --- messages -------------------------------------------------------------------------------------------


def _text(output_state: OutputState, event: TextDelta | RefusalDelta) -> _Applied:
    if not event.text:
        return output_state, ()
    kind: Literal["output_text", "refusal"] = "output_text" if isinstance(event, TextDelta) else "refusal"
    output_state, open_item, stream_events = _message_with(output_state, kind)
    delta: Json = {**_at(open_item), "delta": event.text}
    passage = open_item.passage
    if isinstance(event, TextDelta):
        delta["logprobs"] = []
        passage = passage.with_more(event)
    open_item = msgspec.structs.replace(open_item, pieces=PieceList(event.text, open_item.pieces), passage=passage)
    return msgspec.structs.replace(output_state, open_item=open_item), (
        *stream_events,
        StreamEvent(f"response.{kind}.delta", delta),
    )


def _cite(output_state: OutputState, event: CitationDelta) -> _Applied:
    output_state, open_item, stream_events = _message_with(output_state, "output_text")
    entry = annotation(event, open_item.passage)
    added = {**_at(open_item), "annotation_index": len(open_item.annotations), "annotation": entry}
    open_item = msgspec.structs.replace(open_item, annotations=(*open_item.annotations, entry))
    return (
        msgspec.structs.replace(output_state, open_item=open_item),
        (*stream_events, StreamEvent("response.output_text.annotation.added", added)),
    )


class _Logprobs(msgspec.Struct):
    content: list[msgspec.Raw]


def _count(output_state: OutputState, event: ProviderBlock) -> OutputState:
    """The logprobs of the open text, which are sent with the text when it is done."""
    open_item = output_state.open_item
    if open_item is None or open_item.part != "output_text":
        return output_state
    content = [one_line(raw) for raw in msgspec.json.decode(event.block, type=_Logprobs).content]
    return msgspec.structs.replace(
        output_state, open_item=msgspec.structs.replace(open_item, likely=(*open_item.likely, *content))
    )


def _message_with(
    output_state: OutputState, kind: Literal["output_text", "refusal"]
) -> tuple[OutputState, Open, tuple[StreamEvent, ...]]:
    """The state with a message open at a part of this type."""
    stream_events: tuple[StreamEvent, ...] = ()
    if output_state.open_item is None or output_state.open_item.kind != "message":
        output_state, stream_events = _end_open_item(output_state)
        open_item = Open(
            kind="message", place=output_state.places, id=f"msg_{output_state.call_id}_{output_state.places}"
        )
        empty = {"id": open_item.id, "type": "message", "status": "in_progress", "role": "assistant", "content": []}
        output_state = msgspec.structs.replace(output_state, places=output_state.places + 1, open_item=open_item)
        stream_events += (_added(open_item, empty),)
    else:
        open_item = output_state.open_item
    if open_item.part != kind:
        open_item, more = _end_part(open_item)
        open_item = msgspec.structs.replace(open_item, part=kind)
        part = _part(kind, "")
        stream_events += (*more, StreamEvent("response.content_part.added", {**_at(open_item), "part": part}))
        output_state = msgspec.structs.replace(output_state, open_item=open_item)
    return output_state, open_item, stream_events


def _part(kind: PartKind, text: str, annotations: tuple[Any, ...] = (), likely: tuple[Any, ...] = ()) -> Json:
    if kind == "output_text":
        return {"type": kind, "text": text, "annotations": list(annotations), "logprobs": list(likely)}
    return {"type": kind, "refusal" if kind == "refusal" else "text": text}


def _at(open_item: Open) -> Json:
    number = "summary_index" if open_item.kind == "reasoning" else "content_index"
    return {"item_id": open_item.id, "output_index": open_item.place, number: len(open_item.parts)}


def _added(item: Open, empty: Json) -> StreamEvent:
    return StreamEvent("response.output_item.added", _item(item.place, empty))


def _end_part(open_item: Open) -> tuple[Open, tuple[StreamEvent, ...]]:
    if open_item.part is None:
        return open_item, ()
    text = text_of(open_item.pieces)
    part = _part(open_item.part, text, open_item.annotations, open_item.likely)
    at = _at(open_item)
    if open_item.part == "summary_text":
        done_event = StreamEvent("response.reasoning_summary_text.done", {**at, "text": text})
        ended = StreamEvent("response.reasoning_summary_part.done", {**at, "part": part})
    else:
        content: Json = (
            {"refusal": text} if open_item.part == "refusal" else {"text": text, "logprobs": list(open_item.likely)}
        )
        done_event = StreamEvent(f"response.{open_item.part}.done", {**at, **content})
        ended = StreamEvent("response.content_part.done", {**at, "part": part})
    reset = Open(
        kind=open_item.kind, place=open_item.place, id=open_item.id, key=open_item.key, encrypted=open_item.encrypted
    )
    done = msgspec.structs.replace(reset, parts=(*open_item.parts, part))
    return done, (done_event, ended)


def _end_open_item(output_state: OutputState, status: Literal["completed", "incomplete"] = "completed") -> _Applied:
    """Close the open message or reasoning."""
    if output_state.open_item is None:
        return output_state, ()
    open_item, stream_events = _end_part(output_state.open_item)
    if open_item.kind == "message":
        item: Json = {"id": open_item.id, "type": "message", "status": status, "role": "assistant"}
        item["content"] = list(open_item.parts)
    else:
        item = {"id": open_item.id, "type": "reasoning", "summary": list(open_item.parts)}
        if open_item.encrypted is not None:
            item["encrypted_content"] = open_item.encrypted
    return _done(msgspec.structs.replace(output_state, open_item=None), open_item.place, item, stream_events)


def _done(output_state: OutputState, place: int, item: Json, stream_events: tuple[StreamEvent, ...]) -> _Applied:
    done_event = StreamEvent("response.output_item.done", _item(place, item))
    return msgspec.structs.replace(output_state, done={**output_state.done, place: item}), (*stream_events, done_event)


# --- thoughts -------------------------------------------------------------------------------------------


def _reasoning(output_state: OutputState, event: ReasoningDelta) -> _Applied:
    """Reasoning is sent as a summary, which clients show; its signature is in the item when that is done."""
    if not event.text and event.signature is None and event.redacted is None:
        return output_state, ()
    stream_events: tuple[StreamEvent, ...] = ()
    open_item = output_state.open_item
    if open_item is None or not _continues(open_item, event):
        output_state, stream_events = _end_open_item(output_state)
        item_id = f"rs_{output_state.call_id}_{output_state.places}"
        open_item = Open(kind="reasoning", place=output_state.places, id=item_id, key=event.block)
        output_state = msgspec.structs.replace(output_state, places=output_state.places + 1)
        stream_events += (_added(open_item, {"id": open_item.id, "type": "reasoning", "summary": []}),)
    if event.text:
        if open_item.part is None:
            open_item = msgspec.structs.replace(open_item, part="summary_text")
            part = _part("summary_text", "")
            stream_events += (StreamEvent("response.reasoning_summary_part.added", {**_at(open_item), "part": part}),)
        stream_events += (
            StreamEvent("response.reasoning_summary_text.delta", {**_at(open_item), "delta": event.text}),
        )
        open_item = msgspec.structs.replace(open_item, pieces=PieceList(event.text, open_item.pieces))
    encrypted = packed(event.signature, event.redacted)
    if encrypted is not None:
        open_item = msgspec.structs.replace(open_item, encrypted=encrypted)
    return msgspec.structs.replace(output_state, open_item=open_item), stream_events


def _signed(output_state: OutputState, before: tuple[StreamEvent, ...], signature: str) -> _Applied:
    """Reasoning without text, with the signature of a text or a call, after the events before it."""
    output_state, stream_events = _end_open_item(output_state)
    output_state, more = _reasoning(output_state, ReasoningDelta(signature=signature))
    return output_state, (*before, *stream_events, *more)


def _continues(open_item: Open, event: ReasoningDelta) -> bool:
    """Whether more reasoning belongs to the open item: the same block, not signed yet."""
    return open_item.kind == "reasoning" and open_item.key == event.block and open_item.encrypted is None


# --- tool calls and the rest ----------------------------------------------------------------------------


def _call(output_state: OutputState, event: ToolCallDelta) -> _Applied:
    stream_events: tuple[StreamEvent, ...] = ()
    call = output_state.calls.get(event.index)
    if call is None:
        output_state, stream_events = _end_open_item(output_state)
        place = output_state.places
        call_id = event.id or f"call_{output_state.call_id}_{place}"
        call = Open(
            kind="function_call",
            place=place,
            id=f"fc_{output_state.call_id}_{place}",
            key=event.index,
            call_id=call_id,
            name=event.name or "",
            group=event.group,
        )
        output_state = msgspec.structs.replace(output_state, places=place + 1)
        stream_events += (_added(call, _call_item(call, "", "in_progress")),)
    elif event.name and not call.name:
        call = msgspec.structs.replace(call, name=event.name, group=event.group)
    if event.arguments:
        delta = {"item_id": call.id, "output_index": call.place, "delta": event.arguments}
        stream_events += (StreamEvent("response.function_call_arguments.delta", delta),)
        call = msgspec.structs.replace(call, pieces=PieceList(event.arguments, call.pieces))
    return msgspec.structs.replace(output_state, calls={**output_state.calls, event.index: call}), stream_events


def _call_item(call: Open, arguments: str, status: str) -> Json:
    item = {"id": call.id, "type": "function_call", "status": status, "arguments": arguments}
    grouped = {} if call.group is None else {"namespace": call.group}
    return {**item, "call_id": call.call_id, "name": call.name, **grouped}


def _end_call(output_state: OutputState, index: int, status: Literal["completed", "incomplete"]) -> _Applied:
    call = output_state.calls[index]
    stream_events: tuple[StreamEvent, ...] = ()
    arguments = text_of(call.pieces)
    at = {"item_id": call.id, "output_index": call.place}
    if not arguments and status == "completed":
        arguments = "{}"  # OpenAI's own value for no arguments; clients parse them.
        stream_events = (StreamEvent("response.function_call_arguments.delta", {**at, "delta": arguments}),)
    stream_events += (
        StreamEvent("response.function_call_arguments.done", {**at, "name": call.name, "arguments": arguments}),
    )
    calls = {at: other for at, other in output_state.calls.items() if at != index}
    return _done(
        msgspec.structs.replace(output_state, calls=calls),
        call.place,
        _call_item(call, arguments, status),
        stream_events,
    )


def _put(output_state: OutputState, event: ProviderBlock) -> _Applied:
    """A block that is whole when it begins."""
    output_state, stream_events = _end_open_item(output_state)
    place = output_state.places
    item = provider_item(event, f"{output_state.call_id}_{place}")
    output_state = msgspec.structs.replace(output_state, places=place + 1)
    begun = {**item, "status": "in_progress"}
    if item["type"] != "custom_tool_call":
        return _done(
            output_state, place, item, (*stream_events, StreamEvent("response.output_item.added", _item(place, begun)))
        )
    at = {"item_id": item["id"], "output_index": place}
    item_events = (
        StreamEvent("response.output_item.added", _item(place, {**begun, "input": ""})),
        StreamEvent("response.custom_tool_call_input.delta", {**at, "delta": item["input"]}),
        StreamEvent("response.custom_tool_call_input.done", {**at, "input": item["input"]}),
    )
    return _done(output_state, place, item, (*stream_events, *item_events))


def _item(place: int, item: Json) -> Json:
    return {"output_index": place, "item": item}
