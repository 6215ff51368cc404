"""The input of a request that is not in its body, or that may cost more tokens than its bytes.

House rule: unknown content is named, never ignored, since a bound must cover all input.
"""

from collections.abc import Iterator

import msgspec

from entrypoints.http.decode_errors import JSON_ERRORS

"""The exceptions of decoding: the body is not JSON, has other types, is not UTF-8, or is nested too deeply."""

# Tools of Anthropic's that the caller runs: all their results come in requests.
_RUN_BY_CALLER = ("bash_", "text_editor_", "computer_", "memory_", "browser_")
# The advisor is another model with its own price; nothing in the request bounds it.
_UNBOUNDED = ("advisor_",)
BOUNDABLE = ("web_search_", "web_fetch_")
"""Tools that take `max_uses`."""
_STORED = ("container", "mcp_servers", "thread")
# A body without these bytes holds only text; an escape could spell any of the names.
_SUSPECT = (b'"image"', b'"document"', b'"container_upload"', b"\\u")
_DEPTH_MAX = 6


class ToolHead(msgspec.Struct, frozen=True):
    """The fields that identify a tool that Anthropic runs, and bound the number of its uses."""

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
_THREAD = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ONE_BLOCK = msgspec.json.Decoder(_Block)


class Hosted(msgspec.Struct, frozen=True):
    """The tools that Anthropic runs itself, and the most uses of all together; None without a bound.

    The hub may bound `unbounded` of them itself, in addition to the `given` uses of the others.
    """

    kinds: tuple[str, ...] = ()
    uses_max: int | None = None
    unbounded: int = 0
    given: int = 0


def hosted_tools(tools: list[ToolHead]) -> Hosted:
    """The tools that Anthropic runs, from the field `tools`."""
    hosted = [
        tool
        for tool in tools
        if tool.type is not None and tool.type != "custom" and not tool.type.startswith(_RUN_BY_CALLER)
    ]
    if not hosted:
        return Hosted()
    kinds = tuple(tool.type or "" for tool in hosted)
    given = sum(tool.max_uses or 0 for tool in hosted)
    endless = [tool for tool in hosted if (tool.type or "").startswith(_UNBOUNDED) or (tool.max_uses or 0) < 0]
    open_ended = [tool for tool in hosted if tool.max_uses is None]
    if not endless and not open_ended:
        return Hosted(kinds, given)
    if endless or not all((tool.type or "").startswith(BOUNDABLE) for tool in open_ended):
        causes = [tool.type or "" for tool in (*endless, *open_ended) if not (tool.type or "").startswith(BOUNDABLE)]
        return Hosted(tuple(dict.fromkeys((*causes, *kinds))))  # The first one is named as the cause.
    return Hosted(kinds, None, len(open_ended), given)


def stored_elsewhere(fields: dict[str, msgspec.Raw]) -> str | None:
    """The name of a field that refers to content of the provider or of another server."""
    for name in _STORED:
        is_set = name in fields and bytes(fields[name]) not in (b"null", b"[]")
        if is_set and not (name == "thread" and _begins(fields[name])):
            return name
    return None


def _begins(thread: msgspec.Raw) -> bool:
    """Whether a thread begins with this request; then its whole input is in the body.

    https://platform.claude.com/docs/en/build-with-claude/message-threads
    """
    try:
        return _THREAD.decode(thread).keys() == {"type"} and _ONE_BLOCK.decode(thread).type == "create"
    except JSON_ERRORS:
        return False


def unseen_content(body: bytes) -> tuple[int, str | None]:
    """The number of images, and the path of the first content whose tokens nothing in the body bounds."""
    if not any(mark in body for mark in _SUSPECT):
        return 0, None
    try:
        found = [
            hidden
            for number, turn in enumerate(_BODY.decode(body).messages)
            if isinstance(turn.content, list)
            for hidden in _hidden(turn.content, f"messages.{number}.content", 0)
        ]
    except JSON_ERRORS:
        return 0, "messages"
    opaque = [path for path in found if path is not None]
    return len(found) - len(opaque), opaque[0] if opaque else None


def _hidden(blocks: list[_Block], path: str, depth: int) -> Iterator[str | None]:
    """None for every image, the path for all other content that hides tokens."""
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
    """Whether a document is a reference or a PDF: a few bytes may hold any number of pages."""
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
