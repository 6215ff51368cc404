"""What of a request's input does not stand in its body, or may cost more tokens than the bytes that it comes in.

House rule: whoever cannot be understood is named, never passed over: a bound that misses something is no bound.
"""

from collections.abc import Iterator

import msgspec

NONSENSE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding raises for a body that is no JSON, of other types, no UTF-8, or nested too deeply."""

# Tools of Anthropic's that the caller runs: no result comes into the input behind the hub's back.
_RUN_BY_CALLER = ("bash_", "text_editor_", "computer_", "memory_", "browser_")
# The advisor is another model, at a price of its own, which nothing in the request bounds.
_UNBOUNDED = ("advisor_",)
_STORED = ("container", "mcp_servers", "thread")
# A body without these bytes holds nothing but text; an escape could spell any word.
_SUSPECT = (b'"image"', b'"document"', b'"container_upload"', b"\\u")
_DEPTH_MAX = 6


class ToolHead(msgspec.Struct, frozen=True):
    """What tells a tool that Anthropic runs, and how often at most."""

    type: str | None = None
    max_uses: int | None = None


class _Source(msgspec.Struct, frozen=True):
    type: str = ""
    content: msgspec.Raw = msgspec.Raw(b"")


class _Block(msgspec.Struct, frozen=True):
    type: str = ""
    source: msgspec.Raw = msgspec.Raw(b"")
    content: msgspec.Raw = msgspec.Raw(b"")


class _Turn(msgspec.Struct, frozen=True):
    content: str | list[_Block]


class _Body(msgspec.Struct, frozen=True):
    messages: list[_Turn]


_BODY = msgspec.json.Decoder(_Body)
_SOURCE = msgspec.json.Decoder(_Source)
_BLOCKS = msgspec.json.Decoder(list[_Block])
_ONE_BLOCK = msgspec.json.Decoder(_Block)


def hosted_tools(tools: list[ToolHead]) -> tuple[tuple[str, ...], int | None]:
    """The tools that Anthropic runs itself, and how often they may be used together; None without a bound."""
    hosted = [
        tool
        for tool in tools
        if tool.type is not None and tool.type != "custom" and not tool.type.startswith(_RUN_BY_CALLER)
    ]
    kinds = tuple(tool.type or "" for tool in hosted)
    if any(tool.max_uses is None or tool.max_uses < 0 or (tool.type or "").startswith(_UNBOUNDED) for tool in hosted):
        return kinds, None
    return kinds, sum(tool.max_uses or 0 for tool in hosted) if hosted else None


def stored_elsewhere(fields: dict[str, msgspec.Raw]) -> str | None:
    """A field that refers to what the provider, or somebody else, holds."""
    for name in _STORED:
        if name in fields and bytes(fields[name]) not in (b"null", b"[]"):
            return name
    return None


def unseen_content(body: bytes) -> tuple[int, str | None]:
    """How many pictures there are, and the path of the first content whose tokens nothing in the body bounds."""
    if not any(mark in body for mark in _SUSPECT):
        return 0, None
    try:
        found = [
            hidden
            for number, turn in enumerate(_BODY.decode(body).messages)
            if isinstance(turn.content, list)
            for hidden in _hidden(turn.content, f"messages.{number}.content", 0)
        ]
    except NONSENSE:
        return 0, "messages"
    opaque = [path for path in found if path is not None]
    return len(found) - len(opaque), opaque[0] if opaque else None


def _hidden(blocks: list[_Block], path: str, depth: int) -> Iterator[str | None]:
    """None for every picture, its path for everything else that hides tokens."""
    for number, block in enumerate(blocks):
        here = f"{path}.{number}"
        if block.type == "container_upload" or depth > _DEPTH_MAX:
            yield here
        elif block.type == "image":
            yield None
        else:
            if block.type == "document" and bytes(block.source)[:1] == b"{":
                yield from _in_document(block.source, f"{here}.source", depth)
            yield from _inside(block.content, f"{here}.content", depth)


def _in_document(raw: msgspec.Raw, path: str, depth: int) -> Iterator[str | None]:
    """A document from elsewhere, or a PDF: a few bytes of it hold any number of pages."""
    source = _SOURCE.decode(raw)
    if source.type in ("url", "file", "base64"):
        yield path
    yield from _inside(source.content, f"{path}.content", depth)


def _inside(content: msgspec.Raw, path: str, depth: int) -> Iterator[str | None]:
    """The blocks in a tool's result or in a document made of blocks."""
    match bytes(content)[:1]:
        case b"[":
            yield from _hidden(_BLOCKS.decode(content), path, depth + 1)
        case b"{":
            yield from _hidden([_ONE_BLOCK.decode(content)], path, depth + 1)
        case _:
            return
