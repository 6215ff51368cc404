"""Reading a request of Anthropic's messages API, as far as every call must be understood.

House rule: two passes over the body and no more; what a plan needs is checked strictly, the rest is kept as it came.
Only what could hide input that is not in the body is looked at deeper.

https://platform.claude.com/docs/en/api/messages/create
"""

import re
from typing import Annotated, Literal

import msgspec

from domain.calls import ChatCall
from domain.refusals import BadRequest

MODEL_CHARACTERS_MAX = 1024
"""Names of models are kept in the call log; an ARN, the longest kind, fits."""

OUTPUT_TOKENS_MAX = 2**31
"""The largest `max_tokens` that is taken for a number somebody meant."""


class _Block(msgspec.Struct, frozen=True):
    type: str


class _Turn(msgspec.Struct, frozen=True):
    role: Literal["user", "assistant", "system"]
    content: str | list[_Block]


class _Tool(msgspec.Struct, frozen=True):
    type: str | None = None


class _Head(msgspec.Struct, frozen=True):
    model: Annotated[str, msgspec.Meta(min_length=1, max_length=MODEL_CHARACTERS_MAX)]
    messages: Annotated[list[_Turn], msgspec.Meta(min_length=1)]
    max_tokens: Annotated[int, msgspec.Meta(ge=1, le=OUTPUT_TOKENS_MAX)]
    stream: bool = False
    tools: list[_Tool] | None = None


class _Source(msgspec.Struct, frozen=True):
    type: str = ""
    media_type: str | None = None
    content: msgspec.Raw = msgspec.Raw(b"")


class _DeepBlock(msgspec.Struct, frozen=True):
    type: str = ""
    source: msgspec.Raw = msgspec.Raw(b"")
    content: msgspec.Raw = msgspec.Raw(b"")


class _DeepTurn(msgspec.Struct, frozen=True):
    content: str | list[_DeepBlock]


class _DeepHead(msgspec.Struct, frozen=True):
    messages: list[_DeepTurn]


_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_HEAD = msgspec.json.Decoder(_Head)
_DEEP_HEAD = msgspec.json.Decoder(_DeepHead)
_SOURCE = msgspec.json.Decoder(_Source)
_BLOCKS = msgspec.json.Decoder(list[_DeepBlock])
_ONE_BLOCK = msgspec.json.Decoder(_DeepBlock)

UNSAID = msgspec.Raw(b"")
"""The default of an optional field that is kept as JSON; msgspec decodes no union of Raw and None."""

NONSENSE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding raises for a body that is no JSON, of other types, no UTF-8, or nested too deeply."""


def said(raw: msgspec.Raw) -> msgspec.Raw | None:
    """An optional field's JSON; null is as good as nothing."""
    return None if bytes(raw) in (b"", b"null") else raw


def read(body: bytes) -> ChatCall | BadRequest:
    """A body as a call, or what is wrong with it and how to put it right."""
    try:
        if not body.isascii():
            body.decode()  # The parser passes over the texts that it need not know.
        fields = _FIELDS.decode(body)
        head = _HEAD.decode(body)
    except NONSENSE as problem:
        return complaint(problem)
    hosted, opaque = _tools(head.tools) if head.tools else ((), None)
    return ChatCall(
        dialect="anthropic",
        model=head.model,
        fields=fields,
        body_bytes=len(body),
        stream=head.stream,
        wants_usage=True,
        output_tokens_max=head.max_tokens,
        cap_field="max_tokens",
        choices=1,
        opaque_input=_elsewhere(fields) or opaque or _opaque_content(body),
        hosted_tools=hosted,
    )


# --- what does not stand in the body --------------------------------------------------------------------

# Tools that Anthropic charges by the use (or, for the advisor, at another model's price), beside their tokens.
_CHARGED = ("web_search_", "code_execution_", "advisor_")
# Tools of Anthropic's that the caller runs: no result comes into the input behind the hub's back.
_RUN_BY_CALLER = ("bash_", "text_editor_", "computer_", "memory_", "browser_")
_STORED = ("container", "mcp_servers", "thread")
# A body without these bytes holds no source but text and base64 images; an escape could spell any word.
_SUSPECT = (b'"url"', b'"file"', b'"container_upload"', b'pdf"', b"\\u")
_DEPTH_MAX = 6


def _tools(tools: list[_Tool]) -> tuple[tuple[str, ...], str | None]:
    """The tools charged by the use, and the first whose results become input tokens that nobody sent."""
    hosted: tuple[str, ...] = ()
    opaque: str | None = None
    for index, tool in enumerate(tools):
        kind = tool.type
        if kind is None or kind == "custom" or kind.startswith(_RUN_BY_CALLER):
            continue
        opaque = opaque or f"tools.{index}"
        if kind.startswith(_CHARGED):
            hosted = (*hosted, kind)
    return hosted, opaque


def _elsewhere(fields: dict[str, msgspec.Raw]) -> str | None:
    """A field that refers to what the provider, or somebody else, holds."""
    for name in _STORED:
        if name in fields and bytes(fields[name]) not in (b"null", b"[]"):
            return name
    return None


def _opaque_content(body: bytes) -> str | None:
    """The first content whose tokens are not in the body, and the whole of what cannot be understood."""
    if not any(mark in body for mark in _SUSPECT):
        return None
    try:
        messages = _DEEP_HEAD.decode(body).messages
        for index, turn in enumerate(messages):
            if isinstance(turn.content, list):
                path = _opaque_block(turn.content, f"messages.{index}.content", 0)
                if path is not None:
                    return path
    except NONSENSE:
        return "messages"
    return None


def _opaque_block(blocks: list[_DeepBlock], path: str, depth: int) -> str | None:
    for index, block in enumerate(blocks):
        here = f"{path}.{index}"
        if block.type == "container_upload" or depth > _DEPTH_MAX:
            return here
        inside = _opaque_source(block, here, depth) or _opaque_inside(block.content, f"{here}.content", depth)
        if inside is not None:
            return inside
    return None


def _opaque_source(block: _DeepBlock, path: str, depth: int) -> str | None:
    """An image or document that is fetched from elsewhere, or a PDF: a few bytes of it hold any number of pages."""
    if block.type not in ("image", "document") or bytes(block.source)[:1] != b"{":
        return None
    source = _SOURCE.decode(block.source)
    if source.type in ("url", "file") or (source.type == "base64" and block.type == "document"):
        return f"{path}.source"
    return _opaque_inside(source.content, f"{path}.source.content", depth)


def _opaque_inside(content: msgspec.Raw, path: str, depth: int) -> str | None:
    """The blocks in a tool's result or in a document made of blocks."""
    match bytes(content)[:1]:
        case b"[":
            return _opaque_block(_BLOCKS.decode(content), path, depth + 1)
        case b"{":
            return _opaque_block([_ONE_BLOCK.decode(content)], path, depth + 1)
        case _:
            return None


# --- complaints -----------------------------------------------------------------------------------------

_REMEDIES = {
    "model": 'give the name of a model, such as "claude-sonnet-4-5"',
    "messages": 'give a list with at least one message, such as [{"role": "user", "content": "Hello"}]',
    "role": 'give "user" or "assistant", or "system" after a user\'s turn',
    "content": 'give a string, or a list of content blocks such as {"type": "text", "text": "Hello"}',
    "max_tokens": "give the most output tokens you want, a whole number from 1 upwards",
    "stream": "give true or false, or leave it out",
    "type": 'give the kind of block or tool as a string, such as "text"',
    "system": "give a string or a list of text blocks",
    "tools": 'give a list of tools, each with "name" and "input_schema"',
}
_ENUM = re.compile(r"Invalid enum value '.*'", re.DOTALL)  # The value is the caller's, of any length.
_AT = re.compile(r" - at `\$([^`]*)`$")
_MISSING = re.compile(r"^Object missing required field `([^`]*)`")
_STEP = re.compile(r"\[(\d+|\.\.\.)\]|\.([^.\[]+)")


def complaint(problem: Exception, within: str = "") -> BadRequest:
    """What decoding found wrong, at its path as Anthropic writes it (`messages.0.content`), and the remedy."""
    if isinstance(problem, RecursionError):
        return BadRequest(field=within or None, problem="the JSON is nested too deeply; send a flatter request")
    if not isinstance(problem, msgspec.ValidationError):
        said = "it is not UTF-8" if isinstance(problem, UnicodeDecodeError) else str(problem)
        return BadRequest(field=within or None, problem=f"the body is not valid JSON ({said}); send a JSON object")
    text = _ENUM.sub("this is none of the known values", str(problem))
    at = _AT.search(text)
    steps = [a or b for a, b in _STEP.findall(at[1])] if at is not None else []
    missing = _MISSING.match(text)
    what = "this field is required" if missing is not None else _AT.sub("", text)
    path = ".".join([step for step in (within, *steps, missing[1] if missing is not None else "") if step])
    if not path:
        return BadRequest(field=None, problem=f"the body must be a JSON object: {what}")
    name = next((step for step in reversed(path.split(".")) if not step.isdigit()), "")
    return BadRequest(field=path, problem=f"{what}; {_REMEDIES.get(name, 'give it as the API reference says')}")
