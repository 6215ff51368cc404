"""Default values in vendors' APIs: a field that has its default may be left out, since that changes nothing.

One table for each API. The caller's side leaves such fields out of a translated request; the provider's side leaves
them out where a vendor does not know the field.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

# https://developers.openai.com/api/reference/resources/chat/subresources/completions/methods/create
OPENAI_CHAT: Mapping[str, Any] = {
    "frequency_penalty": 0,
    "presence_penalty": 0,
    "logit_bias": {},
    "logprobs": False,
    "top_logprobs": 0,
    "metadata": {},
    "modalities": ["text"],
    "service_tier": "auto",
    "store": False,
    "verbosity": "medium",
}

# https://developers.openai.com/api/reference/resources/responses/methods/create
# `store` is true by default at OpenAI, but the hub keeps nothing: only an explicit true asks for something.
OPENAI_RESPONSES: Mapping[str, Any] = {
    "background": False,
    "metadata": {},
    "service_tier": "auto",
    "store": False,
    "top_logprobs": 0,
    "truncation": "disabled",
    "context_management": [],
}

# https://platform.claude.com/docs/en/api/messages/create
ANTHROPIC: Mapping[str, Any] = {
    "speed": "standard",
    "mcp_servers": [],
    "context_management": {"edits": []},
}

# Fields of Anthropic's content blocks, by the type of the block.
ANTHROPIC_BLOCKS: Mapping[str, Any] = {
    "tool_use.caller": {"type": "direct"},
    "document.citations": {"enabled": False},
}


# No default is as long, whatever its white space; a longer value is not decoded.
_BYTES_MAX = 256


def has_default(api: Mapping[str, Any], name: str, value: msgspec.Raw) -> bool:
    """Whether the field has its default in that API, or is null."""
    return bytes(value) == b"null" or (name in api and is_one_of(value, (api[name],)))


def is_one_of(value: msgspec.Raw, defaults: Iterable[Any]) -> bool:
    """Whether JSON is one of the values."""
    if len(bytes(value)) > _BYTES_MAX:
        return False
    given = msgspec.json.decode(value)
    return any(same(given, default) for default in defaults)


def same(value: Any, other: Any) -> bool:
    """Whether two JSON values are equal; in Python, false is equal to 0."""
    return bool(value == other) and isinstance(value, bool) == isinstance(other, bool)
