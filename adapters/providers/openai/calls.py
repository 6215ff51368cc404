"""Which tool call a piece belongs to: pieces in OpenAI's dialect, put in order whoever sends them.

House rule: the first piece of a call carries its id and its name, and the calls of a choice are counted from 0.
OpenAI sends an index with every piece and the id with the first. Others leave the index out (Google, Ollama before
https://github.com/ollama/ollama/issues/7881), count from 1, send one index for all, repeat the id, send it empty
(DashScope), or have no ids.
"""

from typing import Any

import msgspec

from domain.chat import ToolCallDelta


class PieceFunction(msgspec.Struct, frozen=True):
    """The function of a tool call, or a piece of it. Some servers of Hugging Face's write arguments as an object."""

    name: str | None = None
    arguments: str | dict[str, Any] | None = None


class CustomTool(msgspec.Struct, frozen=True):
    """The call of a custom tool: free text instead of JSON arguments."""

    name: str | None = None
    input: str | None = None


class Piece(msgspec.Struct, frozen=True):
    """One element of `tool_calls`."""

    index: int | None = None
    id: str | None = None
    function: PieceFunction | None = None
    custom: CustomTool | None = None


class _Call(msgspec.Struct, frozen=True):
    """A call that has begun: `wire` is the provider's own index, `named` whether its name was told."""

    choice: int
    wire: int | None
    id: str
    index: int
    named: bool


class Calls(msgspec.Struct, frozen=True):
    """The calls of an answer so far, oldest first."""

    begun: tuple[_Call, ...] = ()

    def any_of(self, choice: int) -> bool:
        """Whether the choice has a call."""
        return any(call.choice == choice for call in self.begun)

    def heard(self, choice: int, piece: Piece, answer_id: str) -> tuple["Calls", ToolCallDelta | None]:
        """The calls after one more piece, and what it adds; None where it adds nothing."""
        name = (piece.function and piece.function.name) or None
        told = piece.function.arguments if piece.function is not None else None
        arguments = msgspec.json.encode(told).decode() if isinstance(told, dict) else told or ""
        call = self._call_of(choice, piece, name)
        if call is None:
            index = sum(1 for begun in self.begun if begun.choice == choice)
            # An id of our own, where there is none, is made of the answer's: the same on every reading.
            call_id = piece.id or f"call_{answer_id or choice}_{index}"
            call = _Call(choice, piece.index, call_id, index, name is not None)
            delta = ToolCallDelta(index=index, id=call_id, name=name, arguments=arguments, choice=choice)
            return Calls((*self.begun, call)), delta
        if name is not None and not call.named:
            named = _Call(call.choice, call.wire, call.id, call.index, True)
            calls = Calls(tuple(named if begun is call else begun for begun in self.begun))
            return calls, ToolCallDelta(index=call.index, name=name, arguments=arguments, choice=choice)
        if not arguments:
            return self, None
        return self, ToolCallDelta(index=call.index, arguments=arguments, choice=choice)

    def _call_of(self, choice: int, piece: Piece, name: str | None) -> _Call | None:
        """The call that the piece continues, None for a new one.

        A name with another id begins a call even under a known index; another id without a name does not, for
        some servers make up an id for every piece.
        """
        ours = [call for call in self.begun if call.choice == choice]
        if piece.index is not None:
            ours = [call for call in ours if call.wire == piece.index]
        for call in reversed(ours):
            if piece.id == call.id:
                return call
        if not ours or (name is not None and ours[-1].named and (piece.id or piece.index is None)):
            return None
        return ours[-1]
