"""Content blocks that only the caller's dialect and Converse have.

House rule: a block is converted with all its fields, or not at all (None), and then `refuse` names it. Callers of
Anthropic's dialect send documents with citations and search results, callers of OpenAI's dialect a video (`video_url`,
which vLLM and OpenRouter have added).
"""

from typing import Any

import msgspec

from adapters.providers.bedrock.failure import NAME
from adapters.providers.bedrock.media import document_source, video_block
from adapters.providers.bedrock.names import Names, tool_id
from adapters.providers.decode_errors import DECODE_ERRORS
from domain.model_api.requests import Document, ProviderPart

_Json = dict[str, Any]
_BLOCK = msgspec.json.Decoder(_Json)


class _Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    type: str
    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    content: str | list[msgspec.Raw] | None = None


class _Enabled(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    enabled: bool


class _Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    type: str
    text: str
    cache_control: dict[str, str] | None = None


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    type: str
    source: _Source
    title: str | None = None
    context: str | None = None
    citations: _Enabled | None = None
    cache_control: dict[str, str] | None = None


class _SearchResult(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    type: str
    source: str
    title: str
    content: list[_Text]
    citations: _Enabled | None = None
    cache_control: dict[str, str] | None = None


class _ToolResult(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    type: str
    tool_use_id: str
    content: list[msgspec.Raw]
    is_error: bool | None = None
    cache_control: dict[str, str] | None = None


class _Url(msgspec.Struct, frozen=True):
    url: str


class _Video(msgspec.Struct, frozen=True):
    video_url: _Url | str


class _Typed(msgspec.Struct, frozen=True):
    type: str = ""


class ConverseBlock(msgspec.Struct, frozen=True):
    """A Converse block and the cache mark that came with it."""

    block: _Json
    cache_control: msgspec.Raw | None = None


def provider_block(part: ProviderPart, names: Names) -> ConverseBlock | None:
    """Return the Converse block, or None if there is none."""
    try:
        if part.dialect == "openai":
            return _openai(part)
        if part.dialect == NAME:  # From a Converse answer of an earlier turn.
            return ConverseBlock(_BLOCK.decode(part.block))
        return _anthropic(part.block, names) if part.dialect == "anthropic" else None
    except DECODE_ERRORS:
        return None


def _openai(part: ProviderPart) -> ConverseBlock | None:
    if part.name != "video_url":
        return None
    video = msgspec.json.decode(part.block, type=_Video).video_url
    block = video_block(video if isinstance(video, str) else video.url)
    return None if block is None else ConverseBlock(block)


def _anthropic(raw: msgspec.Raw, names: Names) -> ConverseBlock | None:
    match msgspec.json.decode(raw, type=_Typed).type:
        case "document":
            document = msgspec.json.decode(raw, type=_Document)
            block = _document(document, names)
            return None if block is None else ConverseBlock(block, _mark(document.cache_control))
        case "search_result":
            found = msgspec.json.decode(raw, type=_SearchResult)
            return ConverseBlock(_search_result(found), _mark(found.cache_control))
        case "tool_result":
            result = msgspec.json.decode(raw, type=_ToolResult)
            block = _tool_result(result, names)
            return None if block is None else ConverseBlock(block, _mark(result.cache_control))
        case _:
            return None


def _document(document: _Document, names: Names) -> _Json | None:
    """Return a document with its citation settings. One made of text blocks is such a document at Converse too."""
    source = document.source
    block: _Json | None
    if source.type == "content":
        texts = _texts(source.content)
        block = None if texts is None else {"source": {"content": [{"text": text} for text in texts]}}
    elif source.type == "text" and source.data is not None:
        block = document_source(Document(text=source.data))
    else:
        block = document_source(Document(data=source.data, media_type=source.media_type, url=source.url))
    if block is None:
        return None
    block["name"] = names.name(document.title)
    if document.context is not None:
        block["context"] = document.context
    if document.citations is not None:
        block["citations"] = {"enabled": document.citations.enabled}
    return {"document": block}


def _texts(content: str | list[msgspec.Raw] | None) -> list[str] | None:
    if isinstance(content, str):
        return [content]
    blocks = [msgspec.json.decode(raw, type=_Text) for raw in content or ()]
    return [block.text for block in blocks] if blocks and all(block.type == "text" for block in blocks) else None


def _search_result(result: _SearchResult) -> _Json:
    block: _Json = {
        "source": result.source,
        "title": result.title,
        "content": [{"text": block.text} for block in result.content],
    }
    if result.citations is not None:
        block["citations"] = {"enabled": result.citations.enabled}
    return {"searchResult": block}


def _tool_result(sent: _ToolResult, names: Names) -> _Json | None:
    """Return a tool result whose parts a canonical one cannot hold: a search result, or a document with citations."""
    content: list[_Json] = []
    for raw in sent.content:
        if msgspec.json.decode(raw, type=_Typed).type == "text":
            content.append({"text": msgspec.json.decode(raw, type=_Text).text})
        elif (inner := _anthropic(raw, names)) is not None and "toolResult" not in inner.block:
            content.append(inner.block)
        else:
            return None
    result: _Json = {"toolUseId": tool_id(sent.tool_use_id), "content": content}
    if sent.is_error:
        result["status"] = "error"
    return {"toolResult": result}


def _mark(cache_control: dict[str, str] | None) -> msgspec.Raw | None:
    return None if cache_control is None else msgspec.Raw(msgspec.json.encode(cache_control))
