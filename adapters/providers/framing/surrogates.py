"""Repair lone halves of surrogate pairs in a provider's text: joined with the next half, or replaced.

House rule: no text with a lone half leaves this module, because it cannot be written as UTF-8. A server that cuts its
text between UTF-16 units sends the halves of one character in two events (RFC 8259, 8.2: "unpredictable"), so a first
half at the end of a chunk waits for the next chunk. A caller of the same dialect gets the original bytes.
"""

import re

import msgspec

from domain.dialects.surrogates import may_be_in, without_lone
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

# The place of a text: events with the same place have consecutive texts.
_Place = tuple[type, int, int]


class Halves:
    """The halves of one answer: keeps a first half at the end of a chunk until the next one."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: TextDelta | RefusalDelta | ReasoningDelta | ToolCallDelta | None = None

    def joined(self, events: tuple[Event, ...]) -> tuple[Event, ...]:
        """Return the events without lone halves; a held half comes with the next chunk, or before anything else."""
        result: list[Event] = []
        for event in events:
            waiting, self._waiting = self._waiting, None
            text = _text_of(event)
            if waiting is not None and text is not None and _place(event) == _place(waiting):
                text = (_text_of(waiting) or "") + text
            elif waiting is not None:
                result.append(_with_text(waiting, REPLACEMENT))
            if text is None:
                result.append(_repaired(event))
                continue
            if "\ud800" <= text[-1:] <= "\udbff":
                self._waiting = _half_alone(event, text[-1])
                text = text[:-1]
            result.append(_with_text(event, _repaired_text(text)))
        return tuple(result)


def _repaired_text(text: str) -> str:
    """Return the text with pairs joined and lone halves replaced."""
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
        name, call_id = event.name and _repaired_text(event.name), event.id and _repaired_text(event.id)
        return msgspec.structs.replace(event, arguments=text, name=name, id=call_id)
    assert isinstance(event, (TextDelta, RefusalDelta, ReasoningDelta))
    return msgspec.structs.replace(event, text=text)


def _half_alone(event: Event, half: str) -> TextDelta | RefusalDelta | ReasoningDelta | ToolCallDelta:
    """Return the half alone, as an event of its place without the other fields."""
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
    """Return JSON that is carried complete, without lone halves in its escapes."""
    match event:
        case CitationDelta() if may_be_in(bytes(event.citation)):
            return msgspec.structs.replace(event, citation=msgspec.Raw(without_lone(bytes(event.citation))))
        case ProviderBlock() if may_be_in(bytes(event.block)):
            return msgspec.structs.replace(event, block=msgspec.Raw(without_lone(bytes(event.block))))
        case _:
            return event
