"""A body in OpenAI's words, fitted to a vendor that is compatible but for what its entry in `domain.compatible` says.

House rule: nothing of the meaning changes. A field goes by the vendor's own name for it; one that the vendor rejects is
left out where it is a label for the caller's own books or says what is so anyway, and sent where it is a wish, so that
the vendor refuses it in its own words.
"""

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import msgspec

from adapters.providers.wire import NONSENSE
from domain.chat import Thinking
from domain.vendor import CAPS, Vendor

# What a field says when it says nothing: None, whatever it says; else the values that are so anyway.
_IDLE: dict[str, tuple[Any, ...] | None] = {
    "user": None,
    "safety_identifier": None,
    "prompt_cache_key": None,
    "store": (False,),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "logit_bias": ({},),
    "service_tier": ("auto", "default"),
    "modalities": (["text"],),
    "verbosity": ("medium",),
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
}

# Below the first bound a budget is "low", below the second "medium", else "high". OpenAI has no budget in tokens;
# Anthropic's least is 1,024 and its guide starts complex tasks at 16,000
# (https://docs.anthropic.com/en/docs/build-with-claude/extended-thinking), so that is where "high" begins.
_LOW_BELOW, _MEDIUM_BELOW = 4_096, 16_000

_MESSAGES = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_CALLS = msgspec.json.Decoder(list[dict[str, msgspec.Raw]] | None)
_SYSTEM = msgspec.Raw(b'"system"')
_encode = msgspec.json.Encoder().encode


def fit(fields: dict[str, Any], vendor: Vendor) -> dict[str, Any]:
    """The body for the vendor; its values are plain ones, or the caller's own JSON. `fields` itself may be changed."""
    for cap in CAPS:
        if cap in fields and cap not in vendor.caps:
            bound = fields.pop(cap)
            if _plain(fields.get(vendor.caps[0])) is None:
                fields[vendor.caps[0]] = bound
    for name, own in vendor.renames:
        if name in fields:
            fields.setdefault(own, fields.pop(name))
    for name in vendor.lacks:
        if name in fields and _is_idle(name, fields[name]):
            del fields[name]
    if vendor.tells_usage:
        fields.pop("stream_options", None)
    if "messages" in fields:
        if not vendor.developer:
            fields["messages"] = _without_developer(fields["messages"])
        if vendor.call_id_size:
            fields["messages"] = _with_short_ids(fields["messages"], vendor.call_id_size)
        if vendor.has_mistrals_parts:
            fields["messages"] = _with_document_urls(fields["messages"])
    if vendor.thinks_by == "thinking" and "thinking" not in fields and _plain(fields.get("reasoning_effort")) == "none":
        del fields["reasoning_effort"]
        fields["thinking"] = {"type": "disabled"}
    return fields


def asked_to_think(thinking: Thinking, vendor: Vendor) -> dict[str, Any]:
    """The fields that ask for the thinking.

    A model that does not know the effort refuses it, which is better than to think, and charge, otherwise than asked.
    """
    return _THINKING[vendor.thinks_by](thinking)


def effort_of(thinking: Thinking) -> str:
    """OpenAI's word for how hard to think; the caller's own stands before a budget in tokens."""
    if not thinking.enabled:
        return "none"
    if thinking.effort is not None:
        return thinking.effort
    if thinking.tokens_max is None:
        return "medium"
    if thinking.tokens_max < _LOW_BELOW:
        return "low"
    return "medium" if thinking.tokens_max < _MEDIUM_BELOW else "high"


def _by_effort(thinking: Thinking) -> dict[str, Any]:
    return {"reasoning_effort": effort_of(thinking)}


def _by_type(thinking: Thinking) -> dict[str, Any]:
    """DeepSeek's way, which Z.AI and Doubao share: a switch, and an effort where the caller named one.

    A budget has no word there (https://api-docs.deepseek.com/guides/thinking_mode); the output cap bounds it.
    """
    if not thinking.enabled:
        return {"thinking": {"type": "disabled"}}
    effort = {} if thinking.effort is None else {"reasoning_effort": thinking.effort}
    return effort if thinking.implicit else {"thinking": {"type": "enabled"}, **effort}


def _by_object(thinking: Thinking) -> dict[str, Any]:
    """OpenRouter's way: an effort or a budget, "one of the following (not both)"."""
    if not thinking.enabled:
        return {"reasoning": {"enabled": False}}
    if thinking.tokens_max is not None:
        return {"reasoning": {"max_tokens": thinking.tokens_max}}
    return {"reasoning": {"enabled": True} if thinking.effort is None else {"effort": thinking.effort}}


_THINKING: dict[str, Callable[[Thinking], dict[str, Any]]] = {
    "reasoning_effort": _by_effort,
    "thinking": _by_type,
    "reasoning": _by_object,
}


def _is_idle(name: str, value: Any) -> bool:
    idle = _IDLE.get(name, ())
    return idle is None or (said := _plain(value)) is None or said in idle


def _plain(value: Any) -> Any:
    """The value of JSON that is kept as it came; what cannot be read is left for the vendor to judge."""
    if not isinstance(value, msgspec.Raw):
        return value
    try:
        return msgspec.json.decode(value)
    except NONSENSE:
        return ...


def _without_developer(messages: Any) -> Any:
    """Messages of the developer as the system's, which is what the role was called before and means elsewhere."""
    if not isinstance(messages, msgspec.Raw):
        return [turn | {"role": "system"} if turn["role"] == "developer" else turn for turn in messages]
    if b'"developer"' not in bytes(messages):
        return messages
    turns = _MESSAGES.decode(messages)
    theirs = [turn for turn in turns if _plain(turn.get("role")) == "developer"]
    for turn in theirs:
        turn["role"] = _SYSTEM
    return msgspec.Raw(_encode(turns)) if theirs else messages


def _with_short_ids(messages: Any, size: int) -> Any:
    """Tool calls of another vendor under ids that this one takes; what it named itself keeps its name.

    Mistral: "must be a-z, A-Z, 0-9, with a length of 9". The same id always becomes the same.
    """
    if isinstance(messages, msgspec.Raw):
        if b'"tool_call' not in bytes(messages):
            return messages
        try:
            return [_renamed(turn, size) for turn in _MESSAGES.decode(messages)]
        except NONSENSE:
            return messages  # The vendor will say what is wrong with them.
    return [_renamed(turn, size) for turn in messages]


def _renamed(turn: dict[str, Any], size: int) -> dict[str, Any]:
    changed: dict[str, Any] = {}
    if isinstance(answered := _plain(turn.get("tool_call_id")), str):
        changed["tool_call_id"] = _short(answered, size)
    if isinstance(calls := turn.get("tool_calls"), msgspec.Raw):
        calls = _CALLS.decode(calls)
    if calls:
        changed["tool_calls"] = [call | {"id": _short(str(_plain(call.get("id"))), size)} for call in calls]
    return turn | changed


def _short(call_id: str, size: int) -> str:
    fits = len(call_id) == size and call_id.isascii() and call_id.isalnum()
    return call_id if fits else sha256(call_id.encode()).hexdigest()[:size]


def _with_document_urls(messages: Any) -> Any:
    """Documents as Mistral takes them, whose `file` parts are files that it keeps.

    https://docs.mistral.ai/capabilities/document_ai/document_qna
    """
    if isinstance(messages, msgspec.Raw):
        if b'"file_data"' not in bytes(messages):
            return messages
        messages = _plain(messages)
    if not isinstance(messages, list):
        return messages
    return [_with_url(turn) if isinstance(turn, dict) else turn for turn in messages]


def _with_url(turn: dict[str, Any]) -> dict[str, Any]:
    content = _plain(turn.get("content"))
    if not isinstance(content, list):
        return turn
    return turn | {"content": [_as_url(part) if isinstance(part, dict) else part for part in content]}


def _as_url(part: dict[str, Any]) -> dict[str, Any]:
    file = part.get("file")
    data = file.get("file_data") if isinstance(file, dict) else None
    if not isinstance(file, dict) or not isinstance(data, str):
        return part
    url = data if data.startswith("data:") else f"data:application/pdf;base64,{data}"
    named = {"document_name": file["filename"]} if file.get("filename") else {}
    return {"type": "document_url", "document_url": url, **named}
