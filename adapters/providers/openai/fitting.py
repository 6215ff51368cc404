"""A request body in OpenAI's dialect, fitted to a vendor by its entry in `domain.catalog.openai_compatible`.

House rule: nothing of the meaning changes. A field goes by the vendor's own name for it; one that the vendor rejects is
left out where it is a label for the caller's own books or says what is so anyway, and sent where it is a wish, so that
the vendor refuses it in its own words.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from adapters.providers.openai.history import fitted_messages, plain, without_marks
from domain.catalog.vendor import CAPS, Vendor
from domain.model_api.requests import Thinking

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

_EMPTY_SIZE_MAX = 16  # of an empty list, however it is spaced


def fit(fields: dict[str, Any], vendor: Vendor) -> dict[str, Any]:
    """The body for the vendor; its values are plain ones, or the caller's own JSON. `fields` itself may be changed."""
    for cap in CAPS:
        if cap in fields and cap not in vendor.caps:
            bound = fields.pop(cap)
            if plain(fields.get(vendor.caps[0])) is None:
                fields[vendor.caps[0]] = bound
    for name, own in vendor.renames:
        if name in fields:
            fields.setdefault(own, fields.pop(name))
    for name in vendor.lacks:
        if name in fields and _is_idle(name, fields[name]):
            del fields[name]
    if vendor.tells_usage:
        fields.pop("stream_options", None)
    if vendor.thinks_by == "thinking" and "thinking" not in fields and plain(fields.get("reasoning_effort")) == "none":
        del fields["reasoning_effort"]
        fields["thinking"] = {"type": "disabled"}
    if vendor.name:
        _leave_out_no_tools(fields, vendor)
    if "messages" in fields:
        fields["messages"] = fitted_messages(fields["messages"], vendor, _thinks(fields, vendor))
    return fields


def _thinks(fields: dict[str, Any], vendor: Vendor) -> bool:
    """Whether the model is to think, or may: most do unless told not to."""
    thinking = plain(fields.get("thinking"))
    if isinstance(thinking, dict):
        return thinking.get("type") != "disabled"
    return "reasoning_effort" in fields or not str(plain(fields.get("model"))).startswith(vendor.silent)


def _leave_out_no_tools(fields: dict[str, Any], vendor: Vendor) -> None:
    """An empty list of tools is none, but is rejected; so is a choice among them. Marks on tools are about cost."""
    tools = fields.get("tools")
    if isinstance(tools, msgspec.Raw) and len(tools) < _EMPTY_SIZE_MAX and plain(tools) == []:
        del fields["tools"]
        if plain(fields.get("tool_choice")) in ("auto", "none"):
            del fields["tool_choice"]
        fields.pop("parallel_tool_calls", None)
    elif isinstance(tools, msgspec.Raw) and not vendor.takes_cache_marks and b'"cache_control"' in bytes(tools):
        fields["tools"] = without_marks(tools)


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
    return idle is None or (said := plain(value)) is None or said in idle
