"""The content of one candidate as parts of Gemini's API, event by event.

House rule: a function call is one whole part, while calls of other dialects may arrive in interleaved pieces. So from
the first call on all events wait for the end of the candidate, and then follow in the order of their first piece.

A signature of another vendor goes into `thoughtSignature`, which clients return unread. Some clients return no
thoughts; therefore the first call carries them, too.

https://ai.google.dev/gemini-api/docs/thought-signatures
"""

import re
from typing import Any, TypeAlias

import msgspec

from domain.dialects.signatures import as_thought_signature, googles
from domain.model_api.citations import Passage, Source, source_of
from domain.model_api.events import (
    CitationDelta,
    Event,
    ProviderBlock,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
)
from entrypoints.http.decode_errors import JSON_ERRORS
from entrypoints.http.dialects.google.read import NAME
from entrypoints.http.dialects.tool_arguments import arguments_object

Json = dict[str, Any]
Content: TypeAlias = TextDelta | RefusalDelta | ReasoningDelta | ToolCallDelta | ProviderBlock
_CONTENT = (TextDelta, RefusalDelta, ReasoningDelta, ToolCallDelta, ProviderBlock)
_DATA_URL = re.compile(r"data:([^;,]+)(?:;[^;,]*)*;base64,", re.IGNORECASE)


class _Url(msgspec.Struct, frozen=True):
    url: str = ""


class _ImageBlock(msgspec.Struct, frozen=True):
    image_url: _Url = _Url()


class _Linked(msgspec.Struct, frozen=True):
    """A list, the last one first: adding one copies nothing."""

    item: Any
    before: "_Linked | None"


class Choice(msgspec.Struct, frozen=True):
    """The output of one candidate so far.

    `text` has the pieces of its text, `thought` those of the reasoning block `block`, `thoughts` the complete blocks,
    `waiting` the events since the first call.
    """

    text: _Linked | None = None
    thought: _Linked | None = None
    block: int = 0
    thoughts: tuple[Json, ...] = ()
    waiting: _Linked | None = None
    passage: Passage = Passage()
    sources: tuple[Source, ...] = ()
    likely: tuple[msgspec.Raw, ...] = ()
    about: tuple[tuple[str, msgspec.Raw], ...] = ()

    @property
    def output(self) -> str:
        """The whole text."""
        return "".join(_in_order(self.text))


def received(choice: Choice, event: Event) -> tuple[Choice, list[Any]]:
    """The candidate after an event, and the parts of the event."""
    if isinstance(event, CitationDelta):
        source = source_of(event)
        found = () if source is None else (choice.passage.of(source),)
        return msgspec.structs.replace(choice, sources=(*choice.sources, *found)), []
    if not isinstance(event, _CONTENT):
        return choice, []
    if isinstance(event, ProviderBlock) and not event.generated:
        return _about(choice, event), []
    if choice.waiting is not None or isinstance(event, ToolCallDelta):
        return msgspec.structs.replace(choice, waiting=_Linked(event, choice.waiting)), []
    return _content(choice, event)


def drained(choice: Choice) -> tuple[Choice, list[Any]]:
    """The candidate at its end, and the parts that waited for it."""
    waiting: list[Content] = _in_order(choice.waiting)
    choice = msgspec.structs.replace(choice, waiting=None)
    parts: list[Any] = []
    called: set[int] = set()
    for event in waiting:
        if not isinstance(event, ToolCallDelta):
            choice, more = _content(choice, event)
            parts += more
        elif event.index not in called:
            choice = _thought_over(choice)
            pieces = [one for one in waiting if isinstance(one, ToolCallDelta) and one.index == event.index]
            parts.append(_call(pieces, () if called else choice.thoughts))
            called.add(event.index)
    return choice, parts


def joined(parts: list[Any]) -> list[Any]:
    """The parts of a whole answer: text and reasoning are each joined into one part, up to its signature."""
    reported: list[Any] = []
    for part in parts:
        last = reported[-1] if reported else None
        if (
            isinstance(part, dict)
            and isinstance(last, dict)
            and "text" in part
            and "text" in last
            and part.get("thought") == last.get("thought")
            and "thoughtSignature" not in last
        ):
            reported[-1] = {**last, **part, "text": last["text"] + part["text"]}
        else:
            reported.append(part)
    return reported


def _content(choice: Choice, event: Content) -> tuple[Choice, list[Any]]:
    match event:
        case TextDelta():
            signature = _spelled(event.signature)
            if not event.text and signature is None:
                return choice, []
            choice = msgspec.structs.replace(
                _thought_over(choice),
                text=_Linked(event.text, choice.text),
                passage=choice.passage.with_more(event),
            )
            return choice, [_signed({"text": event.text}, signature)]
        case RefusalDelta():
            return msgspec.structs.replace(choice, text=_Linked(event.text, choice.text)), [{"text": event.text}]
        case ReasoningDelta():
            return _thought(choice, event)
        case ProviderBlock(dialect="google"):
            return choice, [event.block]
        case ProviderBlock(dialect="openai", name="images"):
            return choice, _image(event.block)
        case _:
            return choice, []  # Google cannot express it.


def _thought(choice: Choice, event: ReasoningDelta) -> tuple[Choice, list[Any]]:
    """Reasoning: text as it comes, and its signature when it comes, in a part with an empty text."""
    if event.block != choice.block:
        choice = msgspec.structs.replace(_thought_over(choice), block=event.block)
    parts: list[Any] = []
    if event.text:
        choice = msgspec.structs.replace(choice, thought=_Linked(event.text, choice.thought))
        parts.append({"text": event.text, "thought": True})
    if event.signature is None and event.redacted is None:
        return choice, parts
    proof = {name: value for name in ("signature", "redacted") if (value := getattr(event, name)) is not None}
    whole = {"text": "".join(_in_order(choice.thought)), **proof}
    choice = msgspec.structs.replace(choice, thought=None, thoughts=(*choice.thoughts, whole))
    spelled = googles(event.signature) or as_thought_signature(proof)
    return choice, [*parts, {"text": "", "thought": True, "thoughtSignature": spelled}]


def _thought_over(choice: Choice) -> Choice:
    """The candidate with its open, unsigned reasoning among the complete blocks."""
    if choice.thought is None:
        return choice
    whole = {"text": "".join(_in_order(choice.thought))}
    return msgspec.structs.replace(choice, thought=None, thoughts=(*choice.thoughts, whole))


def _call(pieces: list[ToolCallDelta], thoughts: tuple[Json, ...]) -> Json:
    """A function call, with its own signature and the thoughts that led to it."""
    call: Json = {"id": next((piece.id for piece in pieces if piece.id), None) or f"call_{pieces[0].index}"}
    call["name"] = next((piece.name for piece in pieces if piece.name), None) or ""
    call["args"] = arguments_object("".join(piece.arguments for piece in pieces))
    signature = next((piece.signature for piece in pieces if piece.signature), None)
    if googles(signature) is not None or not thoughts:
        return _signed({"functionCall": call}, _spelled(signature))
    proof: Json = {"thoughts": list(thoughts)} if signature is None else {"signature": signature, "thoughts": thoughts}
    return _signed({"functionCall": call}, as_thought_signature(proof))


def _image(block: msgspec.Raw) -> list[Any]:
    """An image as OpenRouter's models give it: `{"type": "image_url", "image_url": {"url": "data:…"}}`."""
    try:
        url = msgspec.json.decode(block, type=_ImageBlock).image_url.url
    except JSON_ERRORS:
        return []
    head = _DATA_URL.match(url)
    return [{"inlineData": {"mimeType": head[1].lower(), "data": url[head.end() :]}}] if head else []


def _about(choice: Choice, event: ProviderBlock) -> Choice:
    """Metadata of the answer: logprobs of its tokens, or a field of Google's own."""
    if (event.dialect, event.name) == ("openai", "logprobs"):
        return msgspec.structs.replace(choice, likely=(*choice.likely, event.block))
    if event.dialect == NAME:
        return msgspec.structs.replace(choice, about=(*choice.about, (event.name, event.block)))
    return choice


def _spelled(signature: str | None) -> str | None:
    if signature is None:
        return None
    return googles(signature) or as_thought_signature({"signature": signature})


def _signed(part: Json, signature: str | None) -> Json:
    return part if signature is None else {**part, "thoughtSignature": signature}


def _in_order(last: _Linked | None) -> list[Any]:
    items: list[Any] = []
    while last is not None:
        items.append(last.item)
        last = last.before
    return items[::-1]
