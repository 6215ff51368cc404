"""Fit the messages of a request to a vendor, by its entry in `domain.catalog.openai_compatible`.

Content from other vendors' answers is converted to this vendor's fields, or left out.

House rule: a message that fits is not changed, and if all fit, the messages stay byte for byte as the caller sent them.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from adapters.providers.decode_errors import DECODE_ERRORS
from domain.catalog.vendor import Vendor
from domain.dialects.tool_call_ids import IdForm, fitted_id

UNRECORDED = "(not recorded)"
"""The reasoning of a message by another model, for a vendor that requires some in each message."""

_MESSAGES = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_CALLS = msgspec.json.Decoder(list[dict[str, msgspec.Raw]] | None)
_LIST = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])

_THINKING = ("reasoning_content", "reasoning", "reasoning_details")
_NOTHING: tuple[Any, ...] = (None, "", [], {}, ...)

Turn = dict[str, Any]


def fitted_messages(messages: Any, vendor: Vendor, thinks: Callable[[], bool]) -> Any:
    """Return the messages for the vendor: plain values, or the caller's JSON.

    `thinks` says whether the model will reason.
    """
    change = _changes(messages, vendor, thinks)
    if not change:
        return messages
    if not isinstance(messages, msgspec.Raw):
        return [_changed(turn, change) for turn in messages]
    try:
        turns = _MESSAGES.decode(messages)
        fitted = [_changed(turn, change) for turn in turns]
    except DECODE_ERRORS:
        return messages  # The vendor reports what is wrong with them.
    return messages if all(new is old for new, old in zip(fitted, turns, strict=True)) else fitted


def plain(value: Any) -> Any:
    """Return the value of raw JSON; `...` for invalid JSON, which is left for the vendor to reject."""
    if not isinstance(value, msgspec.Raw):
        return value
    try:
        return msgspec.json.decode(value)
    except DECODE_ERRORS:
        return ...


_Change = Callable[[Turn], Turn]


def _changes(messages: Any, vendor: Vendor, thinks: Callable[[], bool]) -> list[_Change]:
    """Return the changes that the vendor may need, found by a quick search of the bytes."""
    holds = _look(messages)
    changes: list[_Change] = []
    if not vendor.developer and holds(b'"developer"'):
        changes.append(_without_developer)
    if vendor.call_ids is not None and holds(b'"tool_call'):
        form = vendor.call_ids
        changes.append(lambda turn: _with_ids(turn, form))
    if vendor.has_mistrals_parts and holds(b'"file_data"'):
        changes.append(_with_document_urls)
    if vendor.reasoning_in and holds(b'"reasoning'):
        changes.append(lambda turn: _with_reasoning(turn, vendor.reasoning_in))
    if vendor.needs_reasoning and holds(b'"tool_calls"') and thinks():
        changes.append(lambda turn: _with_placeholder(turn, vendor.reasoning_in))
    if vendor.message_takes:
        changes.append(lambda turn: _with_only(turn, vendor))
    elif any(holds(b'"%b"' % name.encode()) for name in vendor.message_lacks):
        changes.append(lambda turn: _without(turn, vendor.message_lacks))
    if not vendor.takes_cache_marks and holds(b'"cache_control"'):
        changes.append(_without_marks)
    return changes


def _look(messages: Any) -> Callable[[bytes], bool]:
    """Return a test whether the caller's JSON contains some bytes; for plain values it is always true."""
    if not isinstance(messages, msgspec.Raw):
        return lambda mark: True
    spelled = bytes(messages)
    return lambda mark: mark in spelled


def _changed(turn: Turn, changes: list[_Change]) -> Turn:
    for change in changes:
        turn = change(turn)
    return turn


def _without_developer(turn: Turn) -> Turn:
    """Return a `developer` message as `system`, the older name of the role, which other vendors use."""
    return turn | {"role": "system"} if plain(turn.get("role")) == "developer" else turn


# --- tool calls -----------------------------------------------------------------------------------------


def _with_ids(turn: Turn, form: IdForm) -> Turn:
    """Replace the tool call ids of another vendor by ids that this one accepts; its own ids are kept."""
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


def _with_reasoning(turn: Turn, reasoning_in: str) -> Turn:
    """Move the reasoning of an assistant's message to the vendor's field for it, and remove all other such fields.

    OpenRouter accepts all of them (https://openrouter.ai/docs/use-cases/reasoning-tokens).
    """
    present = [name for name in _THINKING if name in turn]
    if (
        reasoning_in == "reasoning_details"
        or not present
        or plain(turn.get("role")) != "assistant"
        or present == [reasoning_in]
    ):
        return turn
    changed = {name: value for name, value in turn.items() if name not in _THINKING}
    text = next((text for name in _THINKING if (text := _reasoning_text(plain(turn.get(name)))).strip()), "")
    if not text:
        return changed
    if reasoning_in != "content":
        return changed | {reasoning_in: text}
    content = plain(turn.get("content"))
    if isinstance(content, list) and any(isinstance(part, dict) and part.get("type") == "thinking" for part in content):
        return changed
    parts = content if isinstance(content, list) else [{"type": "text", "text": content}] if content else []
    return changed | {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": text}]}, *parts]}


def _reasoning_text(value: Any) -> str:
    """Return the text of reasoning, given as a string or as OpenRouter's details."""
    if isinstance(value, list):
        return "".join(text for part in value if isinstance(part, dict) and isinstance(text := part.get("text"), str))
    return value if isinstance(value, str) else ""


def _with_placeholder(turn: Turn, reasoning_in: str) -> Turn:
    """Add a placeholder for the reasoning, if there is none in the vendor's field, because the vendor requires it."""
    if plain(turn.get("role")) != "assistant" or isinstance(plain(turn.get(reasoning_in)), str):
        return turn
    return turn | {reasoning_in: UNRECORDED}


# --- fields ---------------------------------------------------------------------------------------------


def _with_only(turn: Turn, vendor: Vendor) -> Turn:
    """Keep the fields that the vendor accepts in this role. The older `function_call` is left to the vendor."""
    taken = next((names for role, names in vendor.message_takes if role == plain(turn.get("role"))), None)
    if taken is None:
        return turn
    strange = [name for name in turn if name not in taken and not (name == "function_call" and plain(turn[name]))]
    return _without(turn, tuple(strange))


def _without(turn: Turn, names: tuple[str, ...]) -> Turn:
    """Return the message without these fields. A refusal becomes the content if there is no other."""
    if not any(name in turn for name in names):
        return turn
    kept = {name: value for name, value in turn.items() if name not in names}
    if "refusal" in names and plain(turn.get("refusal")) not in _NOTHING and plain(turn.get("content")) in _NOTHING:
        kept["content"] = turn["refusal"]
    return kept


def _without_marks(turn: Turn) -> Turn:
    """Return the message and its parts without Anthropic's marks for the prompt cache, which are about cost."""
    kept = {name: value for name, value in turn.items() if name != "cache_control"} if "cache_control" in turn else turn
    content = turn.get("content")
    if not isinstance(content, msgspec.Raw) or bytes(content)[:1] != b"[" or b'"cache_control"' not in bytes(content):
        return kept
    return kept | {"content": without_marks(content)}


def without_marks(marked: msgspec.Raw) -> Any:
    """Return a list of parts or tools without such marks; unchanged if it cannot be read."""
    try:
        return [_unmarked(each) for each in _LIST.decode(marked)]
    except DECODE_ERRORS:
        return marked


def _unmarked(part: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in part.items() if name != "cache_control"}


# --- documents ------------------------------------------------------------------------------------------


def _with_document_urls(turn: Turn) -> Turn:
    """Return documents in Mistral's form. In Mistral's API a `file` part names an uploaded file.

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
