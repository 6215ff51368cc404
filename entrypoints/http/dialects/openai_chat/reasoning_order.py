"""Where thinking stood in an answer: chat completions has one text and one list of calls, and thinking beside them.

Anthropic binds the signature of a block to its place between the calls. So a block is told with an `index`, its place
among all that the message holds where its text counts once and each call once, and goes back there: `index` 0 before
the first call, 2 between the first and the second.
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
        """The places with one more event; the very same for a further piece of what has its place."""
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


def woven(thoughts: Sequence[tuple[int, Reasoning]], spoken: Sequence[Part], calls: Sequence[Part]) -> tuple[Part, ...]:
    """The parts of a message in their order: its thinking, by index, between its text and its calls."""
    units: list[Sequence[Part]] = [*([spoken] if spoken else []), *([call] for call in calls)]
    told: list[Part] = []
    indexes = sorted({index for index, _ in thoughts})
    place = 0
    for unit in units:
        while indexes and indexes[0] <= place:
            told += _at(thoughts, indexes.pop(0))
            place += 1
        told += unit
        place += 1
    for index in indexes:
        told += _at(thoughts, index)
    return tuple(told)


def _at(thoughts: Sequence[tuple[int, Reasoning]], index: int) -> list[Part]:
    return [thought for at, thought in thoughts if at == index]


def thoughts_of(details: Sequence[Detail], text: str) -> list[tuple[int, Reasoning]]:
    """Thinking that comes back, whole or in the pieces of a stream, with the places where it stood.

    `text` is the same thinking in one word, of clients that keep no details: it is said once. Details without an index
    follow each other; one that is signed is over, so what comes after it is another.
    """
    told: list[tuple[int, Reasoning]] = []
    open_at: dict[int, int] = {}  # Where in `told` the block of an index stands that may go on.
    for detail in details:
        said = thought_of(detail)
        if said == Reasoning():
            continue
        index = detail.index if detail.index is not None else max((at for at, _ in told), default=0)
        at = open_at.get(index)
        if said.redacted is not None:
            told.append((index, said))
        elif at is None or (told[at][1].signature is not None and said.text):
            open_at[index] = len(told)
            told.append((index, said))
        else:
            before = told[at][1]
            told[at] = (index, Reasoning(text=before.text + said.text, signature=said.signature or before.signature))
    if not text or any(thought.text for _, thought in told):
        return told
    signed = next((place for place, (_, thought) in enumerate(told) if thought.signature), None)
    if signed is None:
        return [(min((at for at, _ in told), default=0), Reasoning(text=text)), *told]
    index, thought = told[signed]
    told[signed] = (index, msgspec.structs.replace(thought, text=text))
    return told
