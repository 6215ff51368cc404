"""Encode a canonical conversation as Converse's system prompt and messages.

House rule: every part becomes a block, or `refuse` has named it. Two things are left out: unsigned reasoning (a model
accepts only what it signed itself), and cache marks for families without caching, because they are about cost.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Message.html
"""

import base64
from typing import Any

import msgspec

from adapters.providers.alternating_turns import has_content, merged
from adapters.providers.bedrock.citations import cited_text
from adapters.providers.bedrock.families import ALLOWED_WITH_RESULTS, CACHING
from adapters.providers.bedrock.media import audio_block, document_source, image_block
from adapters.providers.bedrock.names import Names, tool_id
from adapters.providers.bedrock.provider_blocks import provider_block
from adapters.providers.decode_errors import DECODE_ERRORS
from adapters.providers.tool_arguments import arguments_object
from domain.model_api.requests import (
    Audio,
    Document,
    Image,
    Message,
    Part,
    ProviderPart,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
)

_Json = dict[str, Any]

BASE64_MARK = "base64:"
"""Prefix of an encrypted block of reasoning that is not text and is kept as it came."""


class _CacheControl(msgspec.Struct, frozen=True):
    ttl: str | None = None


def system(leading: tuple[Message, ...], of: str) -> list[_Json]:
    """Return the system prompt: text and cache points."""
    content: list[_Json] = []
    for message in leading:
        for part in message.parts:
            if isinstance(part, Text) and has_content(part):
                content.append({"text": part.text})
                _mark(content, part.cache_control, of)
    return content


def turns(messages: tuple[Message, ...], of: str) -> list[_Json]:
    """Return the conversation: adjacent turns of one role are joined, and turns without content are left out."""
    names = Names()
    messages_out: list[_Json] = []
    for role, parts in merged(messages):
        # Results come first in the turn after the calls, or the request is rejected.
        content = blocks(sorted(parts, key=lambda part: not _is_result(part)), names, of)
        messages_out += [{"role": role, "content": content}] if role != "user" else _users(content, of)
    return messages_out


def blocks(parts: list[Part], names: Names, of: str) -> list[_Json]:
    """Return the parts as blocks, with cache points where they are marked."""
    content: list[_Json] = []
    for part in parts:
        if isinstance(part, ProviderPart):
            converted = provider_block(part, names)
            assert converted is not None, f"{part.name} is refused beforehand"
            content.append(converted.block)
            _mark(content, converted.cache_control, of)
        else:
            content.append(_block(part, names, of))
            _mark(content, _cache_control(part), of)
    return content


def cache_point(cache_control: msgspec.Raw) -> _Json:
    """Return Anthropic's cache mark as a block of its own, with its lifetime of an hour if it has one."""
    try:
        ttl = msgspec.json.decode(cache_control, type=_CacheControl).ttl
    except DECODE_ERRORS:
        ttl = None
    return {"cachePoint": {"type": "default"} if ttl is None else {"type": "default", "ttl": ttl}}


def _users(content: list[_Json], of: str) -> list[_Json]:
    """Return a user's turn with the blocks that Converse requires.

    A document needs text next to it; its name, which the model sees anyway, is such a text. Some families require
    results in a turn of their own. Converse joins adjacent turns of one role, so a minimal assistant turn is put
    between.
    """
    texts = any("text" in block for block in content)
    documents = [block["document"]["name"] for block in content if "document" in block]
    if documents and not texts:
        content = [*content, {"text": ", ".join(documents)}]
    allowed = ALLOWED_WITH_RESULTS.get(of)
    first = next((n for n, block in enumerate(content) if not ("toolResult" in block or "cachePoint" in block)), None)
    if not first or allowed is None or all(next(iter(block)) in allowed for block in content[first:]):
        return [{"role": "user", "content": content}]
    return [
        {"role": "user", "content": content[:first]},
        {"role": "assistant", "content": [{"text": "."}]},
        {"role": "user", "content": content[first:]},
    ]


def _is_result(part: Part) -> bool:
    return isinstance(part, ToolResult) or (isinstance(part, ProviderPart) and part.name.startswith("tool_result."))


def _mark(content: list[_Json], cache_control: msgspec.Raw | None, of: str) -> None:
    """Add a cache point after the marked block, but before documents and videos, after which it is rejected."""
    if cache_control is None or of not in CACHING:
        return
    at = len(content)
    while at and ("document" in content[at - 1] or "video" in content[at - 1]):
        at -= 1
    if at and "cachePoint" not in content[at - 1]:
        content.insert(at, cache_point(cache_control))


def _cache_control(part: Part) -> msgspec.Raw | None:
    """Return the part's mark; a mark inside a result moves after the result, where Converse accepts it."""
    if isinstance(part, Reasoning | Audio | ProviderPart):
        return None
    if part.cache_control is None and isinstance(part, ToolResult):
        return next((inner.cache_control for inner in part.parts if inner.cache_control is not None), None)
    return part.cache_control


def _block(part: Part, names: Names, of: str) -> _Json:
    block: _Json | None
    match part:
        case Text():
            cited = None if part.citations is None else cited_text(part.text, part.citations)
            block = cited if cited is not None else {"text": part.text}
        case Image():
            block = image_block(part)
        case Document():
            block = _document(part, names)
        case Audio():
            block = audio_block(part)
        case Reasoning():
            block = {"reasoningContent": _reasoning(part)}
        case ToolCall():
            block = {
                "toolUse": {
                    "toolUseId": tool_id(part.id),
                    "name": part.name,
                    "input": arguments_object(part.arguments),
                }
            }
        case ToolResult():
            block = {"toolResult": _result(part, names, of)}
        case ProviderPart():
            block = None
    assert block is not None, f"{type(part).__name__} is refused beforehand"
    return block


def _document(document: Document, names: Names) -> _Json | None:
    source = document_source(document)
    return None if source is None else {"document": {**source, "name": names.name(document.name)}}


def _reasoning(part: Reasoning) -> _Json:
    """Return reasoning as it came. An encrypted block is base64 on Converse's wire, of Anthropic's data."""
    if part.redacted is None:
        return {"reasoningText": {"text": part.text, "signature": part.signature}}
    if part.redacted.startswith(BASE64_MARK):
        return {"redactedContent": part.redacted.removeprefix(BASE64_MARK)}
    return {"redactedContent": base64.b64encode(part.redacted.encode()).decode()}


def _result(result: ToolResult, names: Names, of: str) -> _Json:
    """Return a tool result. Palmyra rejects a status; there the tool's output itself reports a failure."""
    content = [_block(part, names, of) for part in result.parts if has_content(part)]
    block: _Json = {"toolUseId": tool_id(result.call_id), "content": content}
    if result.is_error and of != "writer":
        block["status"] = "error"
    return block
