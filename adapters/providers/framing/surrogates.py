"""Lone halves of surrogate pairs in what a provider says: joined where they follow each other, else replaced.

House rule: no text with a lone half leaves this room, for it cannot be written as UTF-8. A server that cuts its text
between UTF-16 units sends the halves of one character in two events (RFC 8259, 8.2: "unpredictable"), so a first half
at the end of a piece waits for the piece that follows it. A caller of the same dialect gets the bytes as they are.
"""

import re

import msgspec

from domain.model_api.events import (
    CitationDelta,
    Event,
    ProviderBlock,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
)

REPLACEMENT = "\ufffd"
_LONE = re.compile("[\ud800-\udfff]")
_MARK = re.compile(rb"\\u[dD][89abcdefABCDEF]")
_ESCAPE = re.compile(
    rb"(?P<before>(?<!\\)(?:\\\\)*)(?P<pair>\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
_PAIR_SIZE = 12

# Where a text is: the events whose texts follow each other.
_Place = tuple[type, int, int]


def may_be_in(data: bytes) -> bool:
    """Whether there may be a lone half in it: whether there is any half."""
    return b"\\u" in data and _MARK.search(data) is not None


class Halves:
    """One answer's halves: a first half that ended a piece, until it is known what follows."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: TextDelta | RefusalDelta | ReasoningDelta | ToolCallDelta | None = None

    def joined(self, events: tuple[Event, ...]) -> tuple[Event, ...]:
        """The events without lone halves; a half that waits is said with the next piece, or before anything else."""
        said: list[Event] = []
        for event in events:
            waiting, self._waiting = self._waiting, None
            text = _text_of(event)
            if waiting is not None and text is not None and _place(event) == _place(waiting):
                text = (_text_of(waiting) or "") + text
            elif waiting is not None:
                said.append(_with_text(waiting, REPLACEMENT))
            if text is None:
                said.append(_repaired(event))
                continue
            if "\ud800" <= text[-1:] <= "\udbff":
                self._waiting = _bare(event, text[-1])
                text = text[:-1]
            said.append(_with_text(event, _whole(text)))
        return tuple(said)


def _whole(text: str) -> str:
    """The text with its pairs joined and its lone halves replaced."""
    if _LONE.search(text) is None:
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _text_of(event: Event) -> str | None:
    match event:
        case TextDelta() | RefusalDelta() | ReasoningDelta():
            return event.text
        case ToolCallDelta():
            return event.arguments
        case _:
            return None


def _with_text(event: Event, text: str) -> Event:
    if isinstance(event, ToolCallDelta):
        name, call_id = event.name and _whole(event.name), event.id and _whole(event.id)
        return msgspec.structs.replace(event, arguments=text, name=name, id=call_id)
    assert isinstance(event, (TextDelta, RefusalDelta, ReasoningDelta))
    return msgspec.structs.replace(event, text=text)


def _bare(event: Event, half: str) -> TextDelta | RefusalDelta | ReasoningDelta | ToolCallDelta:
    """The half alone, as a piece of where it stood; what else the event says has been said."""
    match event:
        case TextDelta():
            return TextDelta(text=half, choice=event.choice, block=event.block)
        case RefusalDelta():
            return RefusalDelta(text=half, choice=event.choice)
        case ReasoningDelta():
            return ReasoningDelta(text=half, choice=event.choice, block=event.block)
        case _:
            assert isinstance(event, ToolCallDelta)
            return ToolCallDelta(index=event.index, arguments=half, choice=event.choice)


def _place(event: Event) -> _Place:
    match event:
        case TextDelta() | ReasoningDelta():
            return type(event), event.choice, event.block
        case ToolCallDelta():
            return type(event), event.choice, event.index
        case _:
            return type(event), getattr(event, "choice", 0), 0


def _repaired(event: Event) -> Event:
    """JSON that is carried whole, without lone halves in its escapes."""
    match event:
        case CitationDelta() if may_be_in(bytes(event.citation)):
            return msgspec.structs.replace(event, citation=msgspec.Raw(without_lone(bytes(event.citation))))
        case ProviderBlock() if may_be_in(bytes(event.block)):
            return msgspec.structs.replace(event, block=msgspec.Raw(without_lone(bytes(event.block))))
        case _:
            return event


def without_lone(data: bytes) -> bytes:
    """The JSON with every escape of a lone half replaced."""
    return _ESCAPE.sub(
        lambda found: found[0] if len(found["pair"]) == _PAIR_SIZE else found["before"] + b"\\ufffd", data
    )
