"""The output items of an answer as values: what is open, what is done, and the notes that tell it."""

from typing import Any, Literal, TypeAlias

import msgspec

from domain.model_api.citations import Passage

Json: TypeAlias = dict[str, Any]
PartKind = Literal["output_text", "refusal", "summary_text"]


class Note(msgspec.Struct, frozen=True):
    """One event: its type and its fields."""

    type: str
    fields: Json


class Said(msgspec.Struct, frozen=True):
    """What was said of a part, the last piece first: adding one copies nothing."""

    text: str
    before: "Said | None"


class Open(msgspec.Struct, frozen=True, kw_only=True):
    """An item that is being said; `part` is its open part, `key` tells thoughts and tool calls apart."""

    kind: Literal["message", "reasoning", "function_call"]
    place: int
    id: str
    key: int = 0
    parts: tuple[Json, ...] = ()
    part: PartKind | None = None
    said: Said | None = None
    passage: Passage = Passage()
    annotations: tuple[Any, ...] = ()
    likely: tuple[msgspec.Raw, ...] = ()
    encrypted: str | None = None
    call_id: str = ""
    name: str = ""
    group: str | None = None


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """The items so far: `talk` is the open message or thought, `calls` are the open tool calls by their index."""

    call_id: str
    places: int = 0
    done: dict[int, Json] = {}
    talk: Open | None = None
    calls: dict[int, Open] = {}

    def output(self) -> list[Json]:
        """The items that are done, in their order."""
        return [self.done[place] for place in sorted(self.done)]


def text_of(said: Said | None) -> str:
    """The whole of it."""
    pieces: list[str] = []
    while said is not None:
        pieces.append(said.text)
        said = said.before
    return "".join(reversed(pieces))
