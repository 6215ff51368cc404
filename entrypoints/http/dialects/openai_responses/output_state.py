"""The output items of an answer as they are said: which are open, which are done, and the notes that tell it.

House rule: an item gets its place when it begins, and places count from 0 without a gap. A message and a thought are
done when something else begins. Tool calls stay open until the answer ends, since other dialects may tell theirs in
turns. A note is an event of the stream without its number.

https://developers.openai.com/api/reference/resources/responses/streaming-events
"""

from typing import Any, Literal, TypeAlias

import msgspec

from domain.model_api.events import CitationDelta, ProviderBlock, ReasoningDelta, RefusalDelta, TextDelta, ToolCallDelta
from entrypoints.http.dialects.openai_chat.provider_blocks import is_logprobs
from entrypoints.http.dialects.openai_responses.blocks import annotation, one_line, provider_item
from entrypoints.http.dialects.openai_responses.items import Json, Note, Open, PartKind, Said, Sheet, text_of
from entrypoints.http.dialects.openai_responses.reasoning import packed
from entrypoints.http.dialects.signatures import of_call, of_text

Content: TypeAlias = TextDelta | RefusalDelta | ReasoningDelta | ToolCallDelta | CitationDelta | ProviderBlock
_Noted: TypeAlias = tuple[Sheet, tuple[Note, ...]]


def note(sheet: Sheet, event: Content) -> _Noted:
    """The sheet after an event and its notes; none of a choice beside the first, for which there is no place."""
    if event.choice != 0:
        return sheet, ()
    match event:
        case TextDelta(signature=str(signature)):
            return _signed(*_say(sheet, event), of_text(signature))
        case TextDelta() | RefusalDelta():
            return _say(sheet, event)
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
        case ProviderBlock() if is_logprobs(event):
            return _weigh(sheet, event), ()
        case ProviderBlock():
            return _put(sheet, event)


def close(sheet: Sheet, status: Literal["completed", "incomplete"]) -> _Noted:
    """All that is open is done; `status` is that of the item which was said last."""
    sheet, notes = _end_talk(sheet, status)
    for index in sorted(sheet.calls, key=lambda at: sheet.calls[at].place):
        sheet, more = _end_call(sheet, index, status)
        notes += more
    return sheet, notes


# --- messages -------------------------------------------------------------------------------------------


def _say(sheet: Sheet, event: TextDelta | RefusalDelta) -> _Noted:
    if not event.text:
        return sheet, ()
    kind: Literal["output_text", "refusal"] = "output_text" if isinstance(event, TextDelta) else "refusal"
    sheet, talk, notes = _message_with(sheet, kind)
    delta: Json = {**_at(talk), "delta": event.text}
    passage = talk.passage
    if isinstance(event, TextDelta):
        delta["logprobs"] = []
        passage = passage.with_more(event)
    talk = msgspec.structs.replace(talk, said=Said(event.text, talk.said), passage=passage)
    return msgspec.structs.replace(sheet, talk=talk), (*notes, Note(f"response.{kind}.delta", delta))


def _cite(sheet: Sheet, event: CitationDelta) -> _Noted:
    sheet, talk, notes = _message_with(sheet, "output_text")
    told = annotation(event, talk.passage)
    added = {**_at(talk), "annotation_index": len(talk.annotations), "annotation": told}
    talk = msgspec.structs.replace(talk, annotations=(*talk.annotations, told))
    return (
        msgspec.structs.replace(sheet, talk=talk),
        (*notes, Note("response.output_text.annotation.added", added)),
    )


class _Logprobs(msgspec.Struct):
    content: list[msgspec.Raw]


def _weigh(sheet: Sheet, event: ProviderBlock) -> Sheet:
    """How likely the tokens of the open text were, told with the text when it is done."""
    talk = sheet.talk
    if talk is None or talk.part != "output_text":
        return sheet
    content = [one_line(raw) for raw in msgspec.json.decode(event.block, type=_Logprobs).content]
    return msgspec.structs.replace(sheet, talk=msgspec.structs.replace(talk, likely=(*talk.likely, *content)))


def _message_with(sheet: Sheet, kind: Literal["output_text", "refusal"]) -> tuple[Sheet, Open, tuple[Note, ...]]:
    """The sheet with a message open at a part of this kind."""
    notes: tuple[Note, ...] = ()
    if sheet.talk is None or sheet.talk.kind != "message":
        sheet, notes = _end_talk(sheet)
        talk = Open(kind="message", place=sheet.places, id=f"msg_{sheet.call_id}_{sheet.places}")
        empty = {"id": talk.id, "type": "message", "status": "in_progress", "role": "assistant", "content": []}
        sheet = msgspec.structs.replace(sheet, places=sheet.places + 1, talk=talk)
        notes += (_added(talk, empty),)
    else:
        talk = sheet.talk
    if talk.part != kind:
        talk, more = _end_part(talk)
        talk = msgspec.structs.replace(talk, part=kind)
        part = _part(kind, "")
        notes += (*more, Note("response.content_part.added", {**_at(talk), "part": part}))
        sheet = msgspec.structs.replace(sheet, talk=talk)
    return sheet, talk, notes


def _part(kind: PartKind, text: str, annotations: tuple[Any, ...] = (), likely: tuple[Any, ...] = ()) -> Json:
    if kind == "output_text":
        return {"type": kind, "text": text, "annotations": list(annotations), "logprobs": list(likely)}
    return {"type": kind, "refusal" if kind == "refusal" else "text": text}


def _at(talk: Open) -> Json:
    number = "summary_index" if talk.kind == "reasoning" else "content_index"
    return {"item_id": talk.id, "output_index": talk.place, number: len(talk.parts)}


def _added(item: Open, empty: Json) -> Note:
    return Note("response.output_item.added", _item(item.place, empty))


def _end_part(talk: Open) -> tuple[Open, tuple[Note, ...]]:
    if talk.part is None:
        return talk, ()
    text = text_of(talk.said)
    part = _part(talk.part, text, talk.annotations, talk.likely)
    at = _at(talk)
    if talk.part == "summary_text":
        told = Note("response.reasoning_summary_text.done", {**at, "text": text})
        ended = Note("response.reasoning_summary_part.done", {**at, "part": part})
    else:
        word: Json = {"refusal": text} if talk.part == "refusal" else {"text": text, "logprobs": list(talk.likely)}
        told = Note(f"response.{talk.part}.done", {**at, **word})
        ended = Note("response.content_part.done", {**at, "part": part})
    afresh = Open(kind=talk.kind, place=talk.place, id=talk.id, key=talk.key, encrypted=talk.encrypted)
    done = msgspec.structs.replace(afresh, parts=(*talk.parts, part))
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
        talk = Open(kind="reasoning", place=sheet.places, id=item_id, key=event.block)
        sheet = msgspec.structs.replace(sheet, places=sheet.places + 1)
        notes += (_added(talk, {"id": talk.id, "type": "reasoning", "summary": []}),)
    if event.text:
        if talk.part is None:
            talk = msgspec.structs.replace(talk, part="summary_text")
            part = _part("summary_text", "")
            notes += (Note("response.reasoning_summary_part.added", {**_at(talk), "part": part}),)
        notes += (Note("response.reasoning_summary_text.delta", {**_at(talk), "delta": event.text}),)
        talk = msgspec.structs.replace(talk, said=Said(event.text, talk.said))
    encrypted = packed(event.signature, event.redacted)
    if encrypted is not None:
        talk = msgspec.structs.replace(talk, encrypted=encrypted)
    return msgspec.structs.replace(sheet, talk=talk), notes


def _signed(sheet: Sheet, before: tuple[Note, ...], signature: str) -> _Noted:
    """A thought without words, with the signature of a text or a call, after what was noted before."""
    sheet, notes = _end_talk(sheet)
    sheet, more = _think(sheet, ReasoningDelta(signature=signature))
    return sheet, (*before, *notes, *more)


def _continues(talk: Open, event: ReasoningDelta) -> bool:
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
        call = Open(
            kind="function_call",
            place=place,
            id=f"fc_{sheet.call_id}_{place}",
            key=event.index,
            call_id=call_id,
            name=event.name or "",
            group=event.group,
        )
        sheet = msgspec.structs.replace(sheet, places=place + 1)
        notes += (_added(call, _call_item(call, "", "in_progress")),)
    elif event.name and not call.name:
        call = msgspec.structs.replace(call, name=event.name, group=event.group)
    if event.arguments:
        delta = {"item_id": call.id, "output_index": call.place, "delta": event.arguments}
        notes += (Note("response.function_call_arguments.delta", delta),)
        call = msgspec.structs.replace(call, said=Said(event.arguments, call.said))
    return msgspec.structs.replace(sheet, calls={**sheet.calls, event.index: call}), notes


def _call_item(call: Open, arguments: str, status: str) -> Json:
    item = {"id": call.id, "type": "function_call", "status": status, "arguments": arguments}
    grouped = {} if call.group is None else {"namespace": call.group}
    return {**item, "call_id": call.call_id, "name": call.name, **grouped}


def _end_call(sheet: Sheet, index: int, status: Literal["completed", "incomplete"]) -> _Noted:
    call = sheet.calls[index]
    notes: tuple[Note, ...] = ()
    arguments = text_of(call.said)
    at = {"item_id": call.id, "output_index": call.place}
    if not arguments and status == "completed":
        arguments = "{}"  # OpenAI's own word for no arguments; clients parse them.
        notes = (Note("response.function_call_arguments.delta", {**at, "delta": arguments}),)
    notes += (Note("response.function_call_arguments.done", {**at, "name": call.name, "arguments": arguments}),)
    calls = {at: other for at, other in sheet.calls.items() if at != index}
    return _done(msgspec.structs.replace(sheet, calls=calls), call.place, _call_item(call, arguments, status), notes)


def _put(sheet: Sheet, event: ProviderBlock) -> _Noted:
    """A block that is whole when it begins."""
    sheet, notes = _end_talk(sheet)
    place = sheet.places
    item = provider_item(event, f"{sheet.call_id}_{place}")
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
