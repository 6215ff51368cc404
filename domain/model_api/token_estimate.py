"""The estimated number of tokens of a text: the part that a tokenizer would see, at four bytes a token.

There is one estimate of a request's input, for quotes, for probable charges, and for calls whose provider counted
nothing. It reads the request as JSON in any caller's dialect: texts count by their bytes, a tool's schema by its names
and descriptions, an image as one of common size, a file or a recording by its size. Ids, types, signatures, encrypted
reasoning and URLs count nothing.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

BYTES_PER_TOKEN = 4
# An image of 1,092 by 1,092 pixels at Anthropic, the largest that it does not scale down; others are near
# (https://platform.claude.com/docs/en/build-with-claude/vision#calculate-image-costs).
TOKENS_PER_IMAGE = 1_590
# Each message and each tool adds a few tokens.
BYTES_AROUND = 3 * BYTES_PER_TOKEN
# A page of a PDF is some 100 KB and 1,000 tokens, and a second of compressed audio some 10 KB and 10 tokens.
_FILE_BYTES_PER_TOKEN = 100
_AUDIO_BYTES_PER_TOKEN = 1_000

# The fields whose content a model reads, in all callers' dialects.
_PROMPTS = (
    "messages",
    "system",
    "instructions",
    "input",
    "prompt",
    "suffix",
    "query",
    "documents",
    "texts",
    "content",
    "contents",
    "systemInstruction",
    "system_instruction",
    "requests",
    "tools",
    "functions",
    "response_format",
    "text",
    "output_config",
)
_TURNS = frozenset(("messages", "contents", "input", "tools", "functions"))
# Fields next to texts that the model does not read.
_UNREAD = frozenset(
    (
        *("type", "role", "id", "call_id", "tool_call_id", "tool_use_id", "index", "status", "detail", "format"),
        *("filename", "model", "signature", "thoughtSignature", "thought_signature", "encrypted_content"),
        *("redacted_content", "data", "file_data", "result", "cache_control", "url", "uri", "fileUri", "file_url"),
        *("file_id", "image_url", "media_type", "mime_type", "mimeType", "strict", "annotations", "logprobs"),
        *("citations", "metadata", "phase", "server_label", "authorization", "headers"),
    )
)
_SCHEMAS = frozenset(("parameters", "input_schema", "schema", "parametersJsonSchema", "inputSchema"))
_IMAGES = frozenset(("image", "image_url", "input_image", "computer_screenshot"))
# What a model itself writes in a provider-specific block.
_WRITTEN = frozenset(("input", "arguments", "args", "code", "query", "queries", "action", "operation", "patch"))


def estimated_input(fields: Mapping[str, msgspec.Raw]) -> int:
    """The tokens of a request, by the fields of its body: "Hello" in one message is 5, alone it is 2.

    An image is 1,590. Tokens given as numbers are counted.
    """
    seen = _Seen()
    for name in _PROMPTS:
        if name in fields:
            _read(name, fields[name], seen)
    return -(-seen.size // BYTES_PER_TOKEN) + seen.tokens


def written_bytes(block: msgspec.Raw) -> int:
    """How many bytes of text a model wrote in a provider-specific block of its answer.

    A search or the code that was run is the model's; a tool's result and encrypted content are not.
    """
    seen = _Seen()
    try:
        _written(msgspec.json.decode(block), seen)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return 0
    return seen.size


class _Seen:
    """What was read so far: bytes of text, and tokens of other content."""

    __slots__ = ("size", "tokens")

    def __init__(self) -> None:
        self.size = 0
        self.tokens = 0


def _read(name: str, raw: msgspec.Raw, seen: _Seen) -> None:
    try:
        value = msgspec.json.decode(raw)
        if name in _TURNS and isinstance(value, list):
            seen.size += BYTES_AROUND * sum(isinstance(each, dict) for each in value)
        _count(value, seen)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        seen.size += len(raw)  # Invalid JSON, but a provider may read it.


def _count(value: Any, seen: _Seen) -> None:
    """Add the content of a prompt's value."""
    if isinstance(value, str):
        if value.startswith("data:"):
            _count_file(value, "", seen)
        else:
            seen.size += len(value) if value.isascii() else len(value.encode("utf-8", "replace"))
    elif isinstance(value, list):
        for each in value:
            _count(each, seen)
    elif isinstance(value, dict):
        _count_object(value, seen)
    elif value is not None and not isinstance(value, bool):
        seen.size += BYTES_PER_TOKEN


def _count_object(value: dict[str, Any], seen: _Seen) -> None:
    if isinstance(kind := value.get("type"), str) and kind in _IMAGES:
        seen.tokens += TOKENS_PER_IMAGE
        return
    if value.get("defer_loading") is True:
        return  # A tool that the model sees only when it searches for one.
    encoded, kind = _encoded(value)
    if encoded is not None:
        _count_file(encoded, kind, seen)
    for name, part in value.items():
        if name in _SCHEMAS:
            _count_schema(part, seen)
        elif name not in _UNREAD and part is not encoded:
            _count(part, seen)


def _encoded(value: dict[str, Any]) -> tuple[str | None, str]:
    """The file that an object carries, and its media type or format; Anthropic's plain texts are `text`."""
    data = value.get("file_data")
    if isinstance(data, str):
        return data, ""
    data, kinds = value.get("data"), [value.get(name) for name in ("media_type", "mime_type", "mimeType", "format")]
    kind = next((kind for kind in kinds if isinstance(kind, str)), None)
    if not isinstance(data, str) or kind is None:
        return None, ""
    return data, "text" if value.get("type") == "text" else kind


def _count_file(data: str, kind: str, seen: _Seen) -> None:
    """Add a file in base64, or in plain text: by the page, by the second, or by its letters."""
    if data.startswith("data:"):
        kind, _, data = data[5:].partition(",")
    elif kind == "text":
        _count(data, seen)
        return
    size = len(data) * 3 // 4
    if kind.startswith("image"):
        seen.tokens += TOKENS_PER_IMAGE
    elif kind.startswith(("audio", "video")) or kind in ("wav", "mp3"):
        seen.tokens += -(-size // _AUDIO_BYTES_PER_TOKEN)
    elif kind.startswith(("text", "application/json")):
        seen.size += size
    else:
        seen.tokens += -(-size // _FILE_BYTES_PER_TOKEN)


def _count_schema(value: Any, seen: _Seen) -> None:
    """Add the text of a JSON Schema: names, descriptions and the allowed values."""
    if isinstance(value, list):
        for each in value:
            _count_schema(each, seen)
    elif isinstance(value, dict):
        for name, part in value.items():
            if name in ("properties", "$defs", "definitions") and isinstance(part, dict):
                for called, inner in part.items():
                    seen.size += len(called)
                    _count_schema(inner, seen)
            elif name in ("description", "enum"):
                _count(part, seen)
            elif isinstance(part, dict | list):
                _count_schema(part, seen)


def _written(value: Any, seen: _Seen) -> None:
    if isinstance(value, list):
        for each in value:
            _written(each, seen)
    elif isinstance(value, dict):
        for name, part in value.items():
            if name in _WRITTEN:
                _count(part, seen)
            elif isinstance(part, dict | list):
                _written(part, seen)
