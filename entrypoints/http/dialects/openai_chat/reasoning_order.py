"""The place of reasoning in an answer: chat completions has one text, one list of calls, and separate reasoning.

Anthropic binds the signature of a block to its place between the calls. So a block is sent with an `index`: its place
in the message, where the text counts once and each call once. It returns to that place: `index` 0 is before the first
call, 2 between the first and the second.
"""

from collections.abc import Sequence

import msgspec

from domain.dialects.openrouter_reasoning import Detail, thought_of
from domain.model_api.events import ProviderBlock, ReasoningDelta, TextDelta, ToolCallDelta
from domain.model_api.requests import Part, Reasoning


class Places(msgspec.Struct, frozen=True):
    """The places of one choice so far: of each block of thinking by its key; and whether text and which calls began."""

    thoughts: dict[int, int] = {}
    spoke: bool = False
    calls: frozenset[int] = frozenset()
    customs: int = 0

    def after(self, event: TextDelta | ReasoningDelta | ToolCallDelta | ProviderBlock) -> "Places":
        """The places after one more event; unchanged for a further piece of an item that has its place."""
        match event:
            case ReasoningDelta() if event.block not in self.thoughts:
                here = len(self.thoughts) + self.spoke + len(self.calls) + self.customs
                return msgspec.structs.replace(self, thoughts={**self.thoughts, event.block: here})
            case TextDelta() if event.text and not self.spoke:
                return msgspec.structs.replace(self, spoke=True)
            case ToolCallDelta() if event.index not in self.calls:
                return msgspec.structs.replace(self, calls=self.calls | {event.index})
            case ProviderBlock():
                return msgspec.structs.replace(self, customs=self.customs + 1)
        return self


def woven(
    thoughts: Sequence[tuple[int, Reasoning]], content: Sequence[Part], calls: Sequence[Part]
) -> tuple[Part, ...]:
    """The parts of a message in order: its reasoning, by index, between its text and its calls."""
    units: list[Sequence[Part]] = [*([content] if content else []), *([call] for call in calls)]
    ordered: list[Part] = []
    indexes = sorted({index for index, _ in thoughts})
    place = 0
    for unit in units:
        while indexes and indexes[0] <= place:
            ordered += _at(thoughts, indexes.pop(0))
            place += 1
        ordered += unit
        place += 1
    for index in indexes:
        ordered += _at(thoughts, index)
    return tuple(ordered)


def _at(thoughts: Sequence[tuple[int, Reasoning]], index: int) -> list[Part]:
    return [thought for at, thought in thoughts if at == index]


def thoughts_of(details: Sequence[Detail], text: str) -> list[tuple[int, Reasoning]]:
    """Reasoning that comes back, whole or in the pieces of a stream, with its places.

    `text` is the same reasoning as one text, from clients that keep no details: it is used once. Details without an
    index follow each other; a signed detail is complete, so the next one begins another block.
    """
    blocks: list[tuple[int, Reasoning]] = []
    open_at: dict[int, int] = {}  # The place in `blocks` of the unfinished block of each index.
    for detail in details:
        piece = thought_of(detail)
        if piece == Reasoning():
            continue
        index = detail.index if detail.index is not None else max((at for at, _ in blocks), default=0)
        at = open_at.get(index)
        if piece.redacted is not None:
            blocks.append((index, piece))
        elif at is None or (blocks[at][1].signature is not None and piece.text):
            open_at[index] = len(blocks)
            blocks.append((index, piece))
        else:
            before = blocks[at][1]
            blocks[at] = (
                index,
                Reasoning(text=before.text + piece.text, signature=piece.signature or before.signature),
            )
    if not text or any(thought.text for _, thought in blocks):
        return blocks
    signed = next((place for place, (_, thought) in enumerate(blocks) if thought.signature), None)
    if signed is None:
        return [(min((at for at, _ in blocks), default=0), Reasoning(text=text)), *blocks]
    index, thought = blocks[signed]
    blocks[signed] = (index, msgspec.structs.replace(thought, text=text))
    return blocks
