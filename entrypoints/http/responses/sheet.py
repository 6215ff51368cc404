"""The output items of an answer as they are said: which are open, which are done, and the notes that tell it.

House rule: an item gets its place when it begins, and places count from 0 without a gap. A message and a thought are
done when something else begins. Tool calls stay open until the answer ends, since other dialects may tell theirs in
turns. A note is an event of the stream without its number.

https://developers.openai.com/api/reference/resources/responses/streaming-events
"""

from typing import Any, Literal, TypeAlias

import msgspec

from domain.chat import CitationDelta, ForeignBlock, ReasoningDelta, RefusalDelta, TextDelta, ToolCallDelta
from entrypoints.http.responses.blocks import annotation, foreign_item
from entrypoints.http.responses.thoughts import packed
from entrypoints.http.signatures import of_call, of_text

Json: TypeAlias = dict[str, Any]
Content: TypeAlias = TextDelta | RefusalDelta | ReasoningDelta | ToolCallDelta | CitationDelta | ForeignBlock
PartKind = Literal["output_text", "refusal", "summary_text"]


class Note(msgspec.Struct, frozen=True):
    """One event: its type and its fields."""

    type: str
    fields: Json


class _Said(msgspec.Struct, frozen=True):
    """What was said of a part, the last piece first: adding one copies nothing."""

    text: str
    before: "_Said | None"


class _Open(msgspec.Struct, frozen=True, kw_only=True):
    """An item that is being said; `part` is its open part, `key` tells thoughts and tool calls apart."""

    kind: Literal["message", "reasoning", "function_call"]
    place: int
    id: str
    key: int = 0
    parts: tuple[Json, ...] = ()
    part: PartKind | None = None
    said: _Said | None = None
    annotations: tuple[Any, ...] = ()
    encrypted: str | None = None
    call_id: str = ""
    name: str = ""


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """The items so far: `talk` is the open message or thought, `calls` are the open tool calls by their index."""

    call_id: str
    places: int = 0
    done: dict[int, Json] = {}
    talk: _Open | None = None
    calls: dict[int, _Open] = {}

    def output(self) -> list[Json]:
        """The items that are done, in their order."""
        return [self.done[place] for place in sorted(self.done)]


_Noted: TypeAlias = tuple[Sheet, tuple[Note, ...]]


def note(sheet: Sheet, event: Content) -> _Noted:
    """The sheet after an event and its notes; none of a choice beside the first, for which there is no place."""
    if event.choice != 0:
        return sheet, ()
    match event:
        case TextDelta(signature=str(signature)):
            return _signed(*_say(sheet, "output_text", event.text), of_text(signature))
        case TextDelta():
            return _say(sheet, "output_text", event.text)
        case RefusalDelta():
            return _say(sheet, "refusal", event.text)
        case ReasoningDelta():
            return _think(sheet, event)
        case ToolCallDelta(signature=str(signature)):
            sheet, notes = _signed(sheet, (), of_call(signature))
            sheet, more = _call(sheet, event)
            return sheet, (*notes, *more)
        case ToolCallDelta():
            return _call(sheet, event)
        case CitationDelta():
            return _cite(sheet, event)
        case ForeignBlock():
            return _put(sheet, event)


def close(sheet: Sheet, status: Literal["completed", "incomplete"]) -> _Noted:
    """All that is open is done; `status` is that of the item which was said last."""
    sheet, notes = _end_talk(sheet, status)
    for index in sorted(sheet.calls, key=lambda at: sheet.calls[at].place):
        sheet, more = _end_call(sheet, index, status)
        notes += more
    return sheet, notes


def _text_of(said: _Said | None) -> str:
    pieces: list[str] = []
    while said is not None:
        pieces.append(said.text)
        said = said.before
    return "".join(reversed(pieces))


# --- messages -------------------------------------------------------------------------------------------


def _say(sheet: Sheet, kind: Literal["output_text", "refusal"], text: str) -> _Noted:
    if not text:
        return sheet, ()
    sheet, talk, notes = _message_with(sheet, kind)
    delta: Json = {**_at(talk), "delta": text}
    if kind == "output_text":
        delta["logprobs"] = []
    talk = msgspec.structs.replace(talk, said=_Said(text, talk.said))
    return msgspec.structs.replace(sheet, talk=talk), (*notes, Note(f"response.{kind}.delta", delta))


def _cite(sheet: Sheet, event: CitationDelta) -> _Noted:
    sheet, talk, notes = _message_with(sheet, "output_text")
    told = annotation(event)
    added = {**_at(talk), "annotation_index": len(talk.annotations), "annotation": told}
    talk = msgspec.structs.replace(talk, annotations=(*talk.annotations, told))
    return (
        msgspec.structs.replace(sheet, talk=talk),
        (*notes, Note("response.output_text.annotation.added", added)),
    )


def _message_with(sheet: Sheet, kind: Literal["output_text", "refusal"]) -> tuple[Sheet, _Open, tuple[Note, ...]]:
    """The sheet with a message open at a part of this kind."""
    notes: tuple[Note, ...] = ()
    if sheet.talk is None or sheet.talk.kind != "message":
        sheet, notes = _end_talk(sheet)
        talk = _Open(kind="message", place=sheet.places, id=f"msg_{sheet.call_id}_{sheet.places}")
        empty = {"id": talk.id, "type": "message", "status": "in_progress", "role": "assistant", "content": []}
        sheet = msgspec.structs.replace(sheet, places=sheet.places + 1, talk=talk)
        notes += (_added(talk, empty),)
    else:
        talk = sheet.talk
    if talk.part != kind:
        talk, more = _end_part(talk)
        talk = msgspec.structs.replace(talk, part=kind)
        part = _part(kind, "", ())
        notes += (*more, Note("response.content_part.added", {**_at(talk), "part": part}))
        sheet = msgspec.structs.replace(sheet, talk=talk)
    return sheet, talk, notes


def _part(kind: PartKind, text: str, annotations: tuple[Any, ...]) -> Json:
    if kind == "output_text":
        return {"type": kind, "text": text, "annotations": list(annotations), "logprobs": []}
    return {"type": kind, "refusal" if kind == "refusal" else "text": text}


def _at(talk: _Open) -> Json:
    number = "summary_index" if talk.kind == "reasoning" else "content_index"
    return {"item_id": talk.id, "output_index": talk.place, number: len(talk.parts)}


def _added(item: _Open, empty: Json) -> Note:
    return Note("response.output_item.added", _item(item.place, empty))


def _end_part(talk: _Open) -> tuple[_Open, tuple[Note, ...]]:
    if talk.part is None:
        return talk, ()
    text = _text_of(talk.said)
    part = _part(talk.part, text, talk.annotations)
    at = _at(talk)
    if talk.part == "summary_text":
        told = Note("response.reasoning_summary_text.done", {**at, "text": text})
        ended = Note("response.reasoning_summary_part.done", {**at, "part": part})
    else:
        word: Json = {"refusal": text} if talk.part == "refusal" else {"text": text, "logprobs": []}
        told = Note(f"response.{talk.part}.done", {**at, **word})
        ended = Note("response.content_part.done", {**at, "part": part})
    done = msgspec.structs.replace(talk, parts=(*talk.parts, part), part=None, said=None, annotations=())
    return done, (told, ended)


def _end_talk(sheet: Sheet, status: Literal["completed", "incomplete"] = "completed") -> _Noted:
    """The open message or thought is done."""
    if sheet.talk is None:
        return sheet, ()
    talk, notes = _end_part(sheet.talk)
    if talk.kind == "message":
        item: Json = {"id": talk.id, "type": "message", "status": status, "role": "assistant"}
        item["content"] = list(talk.parts)
    else:
        item = {"id": talk.id, "type": "reasoning", "summary": list(talk.parts)}
        if talk.encrypted is not None:
            item["encrypted_content"] = talk.encrypted
    return _done(msgspec.structs.replace(sheet, talk=None), talk.place, item, notes)


def _done(sheet: Sheet, place: int, item: Json, notes: tuple[Note, ...]) -> _Noted:
    told = Note("response.output_item.done", _item(place, item))
    return msgspec.structs.replace(sheet, done={**sheet.done, place: item}), (*notes, told)


# --- thoughts -------------------------------------------------------------------------------------------


def _think(sheet: Sheet, event: ReasoningDelta) -> _Noted:
    """Thinking is said as a summary, which clients show; its proof stands in the item when that is done."""
    if not event.text and event.signature is None and event.redacted is None:
        return sheet, ()
    notes: tuple[Note, ...] = ()
    talk = sheet.talk
    if talk is None or not _continues(talk, event):
        sheet, notes = _end_talk(sheet)
        item_id = f"rs_{sheet.call_id}_{sheet.places}"
        talk = _Open(kind="reasoning", place=sheet.places, id=item_id, key=event.block)
        sheet = msgspec.structs.replace(sheet, places=sheet.places + 1)
        notes += (_added(talk, {"id": talk.id, "type": "reasoning", "summary": []}),)
    if event.text:
        if talk.part is None:
            talk = msgspec.structs.replace(talk, part="summary_text")
            part = _part("summary_text", "", ())
            notes += (Note("response.reasoning_summary_part.added", {**_at(talk), "part": part}),)
        notes += (Note("response.reasoning_summary_text.delta", {**_at(talk), "delta": event.text}),)
        talk = msgspec.structs.replace(talk, said=_Said(event.text, talk.said))
    encrypted = packed(event.signature, event.redacted)
    if encrypted is not None:
        talk = msgspec.structs.replace(talk, encrypted=encrypted)
    return msgspec.structs.replace(sheet, talk=talk), notes


def _signed(sheet: Sheet, before: tuple[Note, ...], signature: str) -> _Noted:
    """A thought without words, with the signature of a text or a call, after what was noted before."""
    sheet, notes = _end_talk(sheet)
    sheet, more = _think(sheet, ReasoningDelta(signature=signature))
    return sheet, (*before, *notes, *more)


def _continues(talk: _Open, event: ReasoningDelta) -> bool:
    """Whether more thinking belongs to what is open: the same block, not proven yet."""
    return talk.kind == "reasoning" and talk.key == event.block and talk.encrypted is None


# --- tool calls and the rest ----------------------------------------------------------------------------


def _call(sheet: Sheet, event: ToolCallDelta) -> _Noted:
    notes: tuple[Note, ...] = ()
    call = sheet.calls.get(event.index)
    if call is None:
        sheet, notes = _end_talk(sheet)
        place = sheet.places
        call_id = event.id or f"call_{sheet.call_id}_{place}"
        call = _Open(
            kind="function_call",
            place=place,
            id=f"fc_{sheet.call_id}_{place}",
            key=event.index,
            call_id=call_id,
            name=event.name or "",
        )
        sheet = msgspec.structs.replace(sheet, places=place + 1)
        notes += (_added(call, _call_item(call, "", "in_progress")),)
    elif event.name and not call.name:
        call = msgspec.structs.replace(call, name=event.name)
    if event.arguments:
        delta = {"item_id": call.id, "output_index": call.place, "delta": event.arguments}
        notes += (Note("response.function_call_arguments.delta", delta),)
        call = msgspec.structs.replace(call, said=_Said(event.arguments, call.said))
    return msgspec.structs.replace(sheet, calls={**sheet.calls, event.index: call}), notes


def _call_item(call: _Open, arguments: str, status: str) -> Json:
    item = {"id": call.id, "type": "function_call", "status": status, "arguments": arguments}
    return {**item, "call_id": call.call_id, "name": call.name}


def _end_call(sheet: Sheet, index: int, status: Literal["completed", "incomplete"]) -> _Noted:
    call = sheet.calls[index]
    notes: tuple[Note, ...] = ()
    arguments = _text_of(call.said)
    at = {"item_id": call.id, "output_index": call.place}
    if not arguments and status == "completed":
        arguments = "{}"  # OpenAI's own word for no arguments; clients parse them.
        notes = (Note("response.function_call_arguments.delta", {**at, "delta": arguments}),)
    notes += (Note("response.function_call_arguments.done", {**at, "name": call.name, "arguments": arguments}),)
    calls = {at: other for at, other in sheet.calls.items() if at != index}
    return _done(msgspec.structs.replace(sheet, calls=calls), call.place, _call_item(call, arguments, status), notes)


def _put(sheet: Sheet, event: ForeignBlock) -> _Noted:
    """A block that is whole when it begins."""
    sheet, notes = _end_talk(sheet)
    place = sheet.places
    item = foreign_item(event, f"{sheet.call_id}_{place}")
    sheet = msgspec.structs.replace(sheet, places=place + 1)
    begun = {**item, "status": "in_progress"}
    if item["type"] != "custom_tool_call":
        return _done(sheet, place, item, (*notes, Note("response.output_item.added", _item(place, begun))))
    at = {"item_id": item["id"], "output_index": place}
    told = (
        Note("response.output_item.added", _item(place, {**begun, "input": ""})),
        Note("response.custom_tool_call_input.delta", {**at, "delta": item["input"]}),
        Note("response.custom_tool_call_input.done", {**at, "input": item["input"]}),
    )
    return _done(sheet, place, item, (*notes, *told))


def _item(place: int, item: Json) -> Json:
    return {"output_index": place, "item": item}
