"""Which tool call a piece belongs to: pieces in OpenAI's dialect, put in order whoever sends them.

House rule: the first piece of a call carries its id and its name, and the calls of a choice are counted from 0.
OpenAI sends an index with every piece and the id with the first. Others leave the index out (Google, Ollama before
https://github.com/ollama/ollama/issues/7881), count from 1, send one index for all, repeat the id, send it empty
(DashScope), or have no ids.
"""

from typing import Any

import msgspec

from domain.model_api.events import ToolCallDelta


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
    """A call that has begun: `wire` is the provider's own index, `named` whether its name was told.

    `held` are arguments that wait for what follows: a first piece that is the empty object may be all of them, or what
    a server fills in before it writes them (https://github.com/openai/openai-agents-js/issues/712).
    """

    choice: int
    wire: int | None
    id: str
    index: int
    named: bool
    held: str = ""


class Calls(msgspec.Struct, frozen=True):
    """The calls of an answer so far, oldest first, and the choices that call custom tools."""

    begun: tuple[_Call, ...] = ()
    custom: tuple[int, ...] = ()

    def any_of(self, choice: int) -> bool:
        """Whether the choice has a call that can be run: of a function that has a name, or of a custom tool."""
        return choice in self.custom or any(call.choice == choice and call.named for call in self.begun)

    def with_custom(self, choice: int) -> "Calls":
        """The calls after one of a custom tool."""
        return Calls(self.begun, (*self.custom, choice))

    def settled(self, choice: int) -> tuple["Calls", tuple[ToolCallDelta, ...]]:
        """The calls when no more is to come of those that the choice has begun, and the arguments that still waited."""
        held = tuple(call for call in self.begun if call.held and call.choice == choice)
        if not held:
            return self, ()
        begun = tuple(msgspec.structs.replace(call, held="") if call in held else call for call in self.begun)
        told = (ToolCallDelta(index=call.index, arguments=call.held, choice=choice) for call in held)
        return Calls(begun, self.custom), tuple(told)

    def heard(self, choice: int, piece: Piece, answer_id: str) -> tuple["Calls", tuple[ToolCallDelta, ...]]:
        """The calls after one more piece, and what it adds."""
        name = (piece.function and piece.function.name) or None
        told = piece.function.arguments if piece.function is not None else None
        arguments = msgspec.json.encode(told).decode() if isinstance(told, dict) else told or ""
        call = self._call_of(choice, piece, name)
        if call is None:
            index = sum(1 for begun in self.begun if begun.choice == choice)
            # An id of our own, where there is none, is made of the answer's: the same on every reading.
            call_id = piece.id or f"call_{answer_id or choice}_{index}"
            held = arguments if _is_empty_object(arguments) else ""
            call = _Call(choice, piece.index, call_id, index, name is not None, held)
            begin = ToolCallDelta(
                index=index, id=call_id, name=name, arguments="" if held else arguments, choice=choice
            )
            before, waited = self.settled(choice)
            return Calls((*before.begun, call), self.custom), (*waited, begin)
        calls = self
        if call.held and arguments:
            arguments = arguments if arguments.lstrip().startswith("{") else call.held + arguments
            calls = self._with(call, held="")
        if name is not None and not call.named:
            named = ToolCallDelta(index=call.index, name=name, arguments=arguments, choice=choice)
            return calls._with(calls.begun[self.begun.index(call)], named=True), (named,)
        if not arguments:
            return calls, ()
        return calls, (ToolCallDelta(index=call.index, arguments=arguments, choice=choice),)

    def _with(self, call: _Call, **changes: Any) -> "Calls":
        changed = msgspec.structs.replace(call, **changes)
        return Calls(tuple(changed if begun is call else begun for begun in self.begun), self.custom)

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


def _is_empty_object(arguments: str) -> bool:
    return arguments[:1] == "{" and "".join(arguments.split()) == "{}"
