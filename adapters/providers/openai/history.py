"""The messages of a request, fitted to a vendor as its entry in `domain.catalog.openai_compatible` says.

What other vendors' answers left in them is said in this one's words, or left out.

House rule: a message that fits is not touched, and messages that all fit stay byte for byte as the caller wrote them.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from adapters.providers.decode_errors import NONSENSE
from domain.catalog.vendor import Vendor
from domain.dialects.tool_call_ids import IdForm, fitted_id

UNRECORDED = "(not recorded)"
"""The thinking of a message that another model wrote, for a vendor that wants some with each."""

_MESSAGES = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_CALLS = msgspec.json.Decoder(list[dict[str, msgspec.Raw]] | None)
_LIST = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])

_THINKING = ("reasoning_content", "reasoning", "reasoning_details")
_NOTHING: tuple[Any, ...] = (None, "", [], {}, ...)

Turn = dict[str, Any]


def fitted_messages(messages: Any, vendor: Vendor, thinks: bool) -> Any:
    """The messages for the vendor: plain values, or the caller's own JSON. `thinks` says whether the model is to."""
    change = _changes(messages, vendor, thinks)
    if not change:
        return messages
    if not isinstance(messages, msgspec.Raw):
        return [_changed(turn, change) for turn in messages]
    try:
        turns = _MESSAGES.decode(messages)
        told = [_changed(turn, change) for turn in turns]
    except NONSENSE:
        return messages  # The vendor will say what is wrong with them.
    return messages if all(new is old for new, old in zip(told, turns, strict=True)) else told


def plain(value: Any) -> Any:
    """The value of JSON that is kept as it came; what cannot be read is left for the vendor to judge."""
    if not isinstance(value, msgspec.Raw):
        return value
    try:
        return msgspec.json.decode(value)
    except NONSENSE:
        return ...


_Change = Callable[[Turn], Turn]


def _changes(messages: Any, vendor: Vendor, thinks: bool) -> list[_Change]:
    """What may have to be changed for the vendor, by a look at the bytes."""
    holds = _look(messages)
    wanted: list[_Change] = []
    if not vendor.developer and holds(b'"developer"'):
        wanted.append(_without_developer)
    if vendor.call_ids is not None and holds(b'"tool_call'):
        form = vendor.call_ids
        wanted.append(lambda turn: _with_ids(turn, form))
    if vendor.has_mistrals_parts and holds(b'"file_data"'):
        wanted.append(_with_document_urls)
    if vendor.thought_in and holds(b'"reasoning'):
        wanted.append(lambda turn: _with_thinking(turn, vendor.thought_in))
    if vendor.wants_thoughts and thinks and holds(b'"tool_calls"'):
        wanted.append(lambda turn: _with_some_thinking(turn, vendor.thought_in))
    if vendor.message_takes:
        wanted.append(lambda turn: _with_only(turn, vendor))
    elif any(holds(b'"%b"' % name.encode()) for name in vendor.message_lacks):
        wanted.append(lambda turn: _without(turn, vendor.message_lacks))
    if not vendor.takes_cache_marks and holds(b'"cache_control"'):
        wanted.append(_without_marks)
    return wanted


def _look(messages: Any) -> Callable[[bytes], bool]:
    """Whether the caller's JSON holds some bytes; of plain values anything may be."""
    if not isinstance(messages, msgspec.Raw):
        return lambda mark: True
    spelled = bytes(messages)
    return lambda mark: mark in spelled


def _changed(turn: Turn, changes: list[_Change]) -> Turn:
    for change in changes:
        turn = change(turn)
    return turn


def _without_developer(turn: Turn) -> Turn:
    """The developer as the system, which is what the role was called before and means elsewhere."""
    return turn | {"role": "system"} if plain(turn.get("role")) == "developer" else turn


# --- tool calls -----------------------------------------------------------------------------------------


def _with_ids(turn: Turn, form: IdForm) -> Turn:
    """Tool calls of another vendor under ids that this one takes; what it named itself keeps its name."""
    changed: Turn = {}
    if isinstance(answered := plain(turn.get("tool_call_id")), str) and fitted_id(answered, form) != answered:
        changed["tool_call_id"] = fitted_id(answered, form)
    if isinstance(calls := turn.get("tool_calls"), msgspec.Raw):
        calls = _CALLS.decode(calls)
    ids = [str(plain(call.get("id"))) for call in calls or ()]
    if any(fitted_id(call_id, form) != call_id for call_id in ids):
        changed["tool_calls"] = [
            call | {"id": fitted_id(call_id, form)} for call, call_id in zip(calls or (), ids, strict=True)
        ]
    return turn | changed if changed else turn


# --- thinking -------------------------------------------------------------------------------------------


def _with_thinking(turn: Turn, thought_in: str) -> Turn:
    """The thinking of a message of the assistant in the vendor's own word for it, and in no other's.

    OpenRouter takes all of them (https://openrouter.ai/docs/use-cases/reasoning-tokens).
    """
    said = [name for name in _THINKING if name in turn]
    if thought_in == "reasoning_details" or not said or plain(turn.get("role")) != "assistant" or said == [thought_in]:
        return turn
    told = {name: value for name, value in turn.items() if name not in _THINKING}
    text = next((text for name in _THINKING if (text := _thought(plain(turn.get(name)))).strip()), "")
    if not text:
        return told
    if thought_in != "content":
        return told | {thought_in: text}
    content = plain(turn.get("content"))
    if isinstance(content, list) and any(isinstance(part, dict) and part.get("type") == "thinking" for part in content):
        return told
    parts = content if isinstance(content, list) else [{"type": "text", "text": content}] if content else []
    return told | {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": text}]}, *parts]}


def _thought(said: Any) -> str:
    """The text of thinking, given as text or as OpenRouter's details."""
    if isinstance(said, list):
        return "".join(text for part in said if isinstance(part, dict) and isinstance(text := part.get("text"), str))
    return said if isinstance(said, str) else ""


def _with_some_thinking(turn: Turn, thought_in: str) -> Turn:
    """A placeholder where another model's thinking, or none, led to the message: the vendor wants some with each."""
    if plain(turn.get("role")) != "assistant" or isinstance(plain(turn.get(thought_in)), str):
        return turn
    return turn | {thought_in: UNRECORDED}


# --- fields ---------------------------------------------------------------------------------------------


def _with_only(turn: Turn, vendor: Vendor) -> Turn:
    """The fields that the vendor takes in a message of this role. A call in the older form is left for it to judge."""
    taken = next((names for role, names in vendor.message_takes if role == plain(turn.get("role"))), None)
    if taken is None:
        return turn
    strange = [name for name in turn if name not in taken and not (name == "function_call" and plain(turn[name]))]
    return _without(turn, tuple(strange))


def _without(turn: Turn, names: tuple[str, ...]) -> Turn:
    """The message without these fields. A refusal is what was said where nothing else was."""
    if not any(name in turn for name in names):
        return turn
    told = {name: value for name, value in turn.items() if name not in names}
    if "refusal" in names and plain(turn.get("refusal")) not in _NOTHING and plain(turn.get("content")) in _NOTHING:
        told["content"] = turn["refusal"]
    return told


def _without_marks(turn: Turn) -> Turn:
    """The message and its parts without Anthropic's marks for the prompt cache, which are about cost."""
    told = {name: value for name, value in turn.items() if name != "cache_control"} if "cache_control" in turn else turn
    content = turn.get("content")
    if not isinstance(content, msgspec.Raw) or bytes(content)[:1] != b"[" or b'"cache_control"' not in bytes(content):
        return told
    return told | {"content": without_marks(content)}


def without_marks(marked: msgspec.Raw) -> Any:
    """A list of parts, or of tools, without such marks; as it is where it cannot be read."""
    try:
        return [_unmarked(each) for each in _LIST.decode(marked)]
    except NONSENSE:
        return marked


def _unmarked(part: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in part.items() if name != "cache_control"}


# --- documents ------------------------------------------------------------------------------------------


def _with_document_urls(turn: Turn) -> Turn:
    """Documents as Mistral takes them, whose `file` parts are files that it keeps.

    https://docs.mistral.ai/capabilities/document_ai/document_qna
    """
    content = plain(turn.get("content"))
    if not isinstance(content, list):
        return turn
    parts = [_as_url(part) if isinstance(part, dict) else part for part in content]
    return turn if parts == content else turn | {"content": parts}


def _as_url(part: dict[str, Any]) -> dict[str, Any]:
    file = part.get("file")
    data = file.get("file_data") if isinstance(file, dict) else None
    if not isinstance(file, dict) or not isinstance(data, str):
        return part
    url = data if data.lower().startswith(("data:", "http:", "https:")) else f"data:application/pdf;base64,{data}"
    named = {"document_name": file["filename"]} if file.get("filename") else {}
    return {"type": "document_url", "document_url": url, **named}
