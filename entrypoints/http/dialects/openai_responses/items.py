"""The output items of an answer as values: what is open, what is done, and the stream events that report it."""

from typing import Any, Literal, TypeAlias

import msgspec

from domain.model_api.citations import Passage

Json: TypeAlias = dict[str, Any]
PartKind = Literal["output_text", "refusal", "summary_text"]


class StreamEvent(msgspec.Struct, frozen=True):
    """One event: its type and its fields."""

    type: str
    fields: Json


class PieceList(msgspec.Struct, frozen=True):
    """The text of a part, the last piece first: adding one copies nothing."""

    text: str
    before: "PieceList | None"


class Open(msgspec.Struct, frozen=True, kw_only=True):
    """An open item; `part` is its open part, `key` distinguishes reasoning items and tool calls."""

    kind: Literal["message", "reasoning", "function_call"]
    place: int
    id: str
    key: int = 0
    parts: tuple[Json, ...] = ()
    part: PartKind | None = None
    pieces: PieceList | None = None
    passage: Passage = Passage()
    annotations: tuple[Any, ...] = ()
    likely: tuple[msgspec.Raw, ...] = ()
    encrypted: str | None = None
    call_id: str = ""
    name: str = ""
    group: str | None = None


class OutputState(msgspec.Struct, frozen=True, kw_only=True):
    """The items so far: `open_item` is the open message or reasoning, `calls` the open tool calls by their index."""

    call_id: str
    places: int = 0
    done: dict[int, Json] = {}
    open_item: Open | None = None
    calls: dict[int, Open] = {}

    def output(self) -> list[Json]:
        """The items that are done, in their order."""
        return [self.done[place] for place in sorted(self.done)]


def text_of(piece: PieceList | None) -> str:
    """The whole of it."""
    pieces: list[str] = []
    while piece is not None:
        pieces.append(piece.text)
        piece = piece.before
    return "".join(reversed(pieces))
