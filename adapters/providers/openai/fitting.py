"""Fit a request body in OpenAI's dialect to a vendor, by its entry in `domain.catalog.openai_compatible`.

House rule: the meaning does not change. A field gets the vendor's name for it. A field that the vendor rejects is left
out if it is only a label for the caller or has the default value; otherwise it is sent, so that the vendor rejects it
with its own message.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from adapters.providers.openai.history import fitted_messages, plain, without_marks
from domain.catalog.vendor import CAPS, Vendor
from domain.dialects.default_values import OPENAI_CHAT, same
from domain.model_api.requests import Thinking

# Fields that a vendor need not know, whatever their value.
_DROPPABLE = frozenset(("user", "safety_identifier", "prompt_cache_key"))

# Below the first bound a budget is "low", below the second "medium", else "high". OpenAI has no budget in tokens;
# Anthropic's minimum is 1,024 and its guide starts complex tasks at 16,000
# (https://docs.anthropic.com/en/docs/build-with-claude/extended-thinking), so "high" begins there.
_LOW_BELOW, _MEDIUM_BELOW = 4_096, 16_000

_EMPTY_SIZE_MAX = 16  # of an empty list with any whitespace


def fit(fields: dict[str, Any], vendor: Vendor) -> dict[str, Any]:
    """Return the body for the vendor, with plain values or the caller's JSON as values. May change `fields` itself."""
    for cap in CAPS:
        if cap in fields and cap not in vendor.caps:
            bound = fields.pop(cap)
            if plain(fields.get(vendor.caps[0])) is None:
                fields[vendor.caps[0]] = bound
    for name, vendor_name in vendor.renames:
        if name in fields:
            fields.setdefault(vendor_name, fields.pop(name))
    for name in vendor.lacks:
        if name in fields and _is_droppable(name, fields[name]):
            del fields[name]
    if vendor.reports_usage:
        fields.pop("stream_options", None)
    if (
        vendor.reasoning_by == "thinking"
        and "thinking" not in fields
        and plain(fields.get("reasoning_effort")) == "none"
    ):
        del fields["reasoning_effort"]
        fields["thinking"] = {"type": "disabled"}
    if vendor.name:
        _leave_out_no_tools(fields, vendor)
        if not vendor.developer:  # A vendor without OpenAI's newer role lacks its newer choice, too.
            _leave_only_allowed_tools(fields)
    if "messages" in fields:
        fields["messages"] = fitted_messages(fields["messages"], vendor, lambda: _thinks(fields, vendor))
    return fields


def _thinks(fields: dict[str, Any], vendor: Vendor) -> bool:
    """Whether the model will or may reason: most models do unless it is disabled."""
    thinking = plain(fields.get("thinking"))
    if isinstance(thinking, dict):
        return thinking.get("type") != "disabled"
    return "reasoning_effort" in fields or not str(plain(fields.get("model"))).startswith(vendor.silent)


def _leave_out_no_tools(fields: dict[str, Any], vendor: Vendor) -> None:
    """Remove an empty list of tools, which vendors reject, and the choice that belongs to it; remove cache marks."""
    tools = fields.get("tools")
    if isinstance(tools, msgspec.Raw) and len(tools) < _EMPTY_SIZE_MAX and plain(tools) == []:
        del fields["tools"]
        if plain(fields.get("tool_choice")) in ("auto", "none"):
            del fields["tool_choice"]
        fields.pop("parallel_tool_calls", None)
    elif isinstance(tools, msgspec.Raw) and not vendor.takes_cache_marks and b'"cache_control"' in bytes(tools):
        fields["tools"] = without_marks(tools)


def _leave_only_allowed_tools(fields: dict[str, Any]) -> None:
    """Replace OpenAI's choice `allowed_tools`, which no other vendor has, by these tools alone."""
    choice, tools = fields.get("tool_choice"), fields.get("tools")
    if (
        not isinstance(choice, msgspec.Raw)
        or b'"allowed_tools"' not in bytes(choice)
        or not isinstance(tools, msgspec.Raw)
    ):
        return
    wanted = plain(choice).get("allowed_tools") if isinstance(plain(choice), dict) else None
    if not isinstance(wanted, dict) or not isinstance(wanted.get("tools"), list):
        return
    names = [_name_of(tool) for tool in wanted["tools"]]
    left = [raw for raw in msgspec.json.decode(tools, type=list[msgspec.Raw]) if _name_of(plain(raw)) in names]
    if left:
        fields |= {"tools": left, "tool_choice": wanted.get("mode", "auto")}


def _name_of(tool: Any) -> Any:
    """Return the name of a function, which identifies it in OpenAI's dialect."""
    function = tool.get("function") if isinstance(tool, dict) else None
    return function.get("name") if isinstance(function, dict) else None


def reasoning_fields(thinking: Thinking, vendor: Vendor) -> dict[str, Any]:
    """Return the fields that request reasoning.

    A model that does not know the effort rejects the request, which is better than another effort at another price.
    """
    return _REASONING_FIELDS[vendor.reasoning_by](thinking)


def effort_of(thinking: Thinking) -> str:
    """Return OpenAI's reasoning effort; the caller's own value has precedence over a budget in tokens."""
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
    """Return the fields of DeepSeek, Z.AI and Doubao: a switch, and an effort if the caller named one.

    They have no field for a budget (https://api-docs.deepseek.com/guides/thinking_mode); the output cap bounds it.
    """
    if not thinking.enabled:
        return {"thinking": {"type": "disabled"}}
    effort = {} if thinking.effort is None else {"reasoning_effort": thinking.effort}
    return effort if thinking.implicit else {"thinking": {"type": "enabled"}, **effort}


def _by_object(thinking: Thinking) -> dict[str, Any]:
    """Return OpenRouter's fields: an effort or a budget, "one of the following (not both)"."""
    if not thinking.enabled:
        return {"reasoning": {"enabled": False}}
    if thinking.tokens_max is not None:
        return {"reasoning": {"max_tokens": thinking.tokens_max}}
    return {"reasoning": {"enabled": True} if thinking.effort is None else {"effort": thinking.effort}}


_REASONING_FIELDS: dict[str, Callable[[Thinking], dict[str, Any]]] = {
    "reasoning_effort": _by_effort,
    "thinking": _by_type,
    "reasoning": _by_object,
}


def _is_droppable(name: str, value: Any) -> bool:
    if name in _DROPPABLE or (given := plain(value)) is None:
        return True
    return (name in OPENAI_CHAT and same(given, OPENAI_CHAT[name])) or (name, given) == ("service_tier", "default")
