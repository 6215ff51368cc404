"""The reasoning effort in a chat-completions request: OpenAI's field, or that of another vendor with the same API.

`reasoning_effort` is OpenAI's; `reasoning` is OpenRouter's object (https://openrouter.ai/docs/use-cases/reasoning-tokens),
and `thinking` that of DeepSeek, Z.AI and Cohere. Members without a canonical field stay in `extra` by their path.
"""

from typing import Any

import msgspec

from domain.model_api.requests import Thinking
from entrypoints.http.decode_errors import JSON_ERRORS, JsonDecoder, decode_json
from entrypoints.http.dialects.openai_chat.field_errors import unreadable
from entrypoints.http.dialects.openai_chat.turns import Wrong


class _Reasoning(msgspec.Struct):
    effort: str | None = None
    max_tokens: int | None = None
    enabled: bool | None = None


class _Thinking(msgspec.Struct):
    type: str | None = None
    budget_tokens: int | None = None
    token_budget: int | None = None


_FIELDS = JsonDecoder(dict[str, msgspec.Raw])
_OBJECTS: tuple[tuple[str, Any], ...] = (("reasoning", _Reasoning), ("thinking", _Thinking))
# Reasoning is returned in every dialect that can express it, and earlier reasoning goes back to the provider.
_IDLE = (b"null", b"false")


def thinking_of(effort: str | None, extra: dict[str, msgspec.Raw]) -> Thinking | None:
    """The requested reasoning, None if no field is set; the fields are removed from `extra`."""
    reasoning, thinking = (_taken(extra, name, shape) for name, shape in _OBJECTS)
    effort = effort or (reasoning.effort if reasoning is not None else None)
    budget = reasoning.max_tokens if reasoning is not None else None
    wanted = reasoning.enabled if reasoning is not None else None
    if thinking is not None:
        budget = budget or thinking.budget_tokens or thinking.token_budget
        wanted = wanted if thinking.type is None else thinking.type != "disabled"
    if effort == "none" or wanted is False:
        return Thinking(enabled=False)
    if effort is None and budget is None and wanted is None:
        return None
    return Thinking(effort=effort, tokens_max=budget)


def _taken(extra: dict[str, msgspec.Raw], name: str, shape: Any) -> Any:
    """The object of that name; None if it is missing or not an object."""
    raw = extra.get(name)
    if raw is None or bytes(raw)[:1] != b"{":
        return None
    try:
        decoded, fields = decode_json(raw, shape), _FIELDS.decode(raw)
    except JSON_ERRORS as error:
        raise Wrong(unreadable(error, name)) from None
    del extra[name]
    for part, value in fields.items():
        if part not in shape.__struct_fields__ and bytes(value) not in _IDLE:
            extra[f"{name}.{part}"] = value
    return decoded
