"""Assign chunks of tool calls to their calls, whatever order and ids a server uses in OpenAI's dialect.

House rule: the first chunk of a call has its id and its name, and the calls of a choice are numbered from 0. OpenAI
sends an index with every chunk and the id with the first. Other servers leave the index out (Google, Ollama before
https://github.com/ollama/ollama/issues/7881), number from 1, send one index for all calls, repeat the id, send it empty
(DashScope), or have no ids.
"""

from typing import Any

import msgspec

from domain.model_api.events import ToolCallDelta


class FunctionChunk(msgspec.Struct, frozen=True):
    """The function of a tool call, or a chunk of it. Some servers at Hugging Face send the arguments as an object."""

    name: str | None = None
    arguments: str | dict[str, Any] | None = None


class CustomTool(msgspec.Struct, frozen=True):
    """The call of a custom tool: free text instead of JSON arguments."""

    name: str | None = None
    input: str | None = None


class ToolCallChunk(msgspec.Struct, frozen=True):
    """One element of `tool_calls`."""

    index: int | None = None
    id: str | None = None
    function: FunctionChunk | None = None
    custom: CustomTool | None = None


class _Call(msgspec.Struct, frozen=True):
    """A tool call: `wire` is the provider's index, `named` whether its name has been received.

    `held` are arguments that wait for the next chunk. An empty object in the first chunk may be all arguments, or a
    placeholder that a server sends before the real ones (https://github.com/openai/openai-agents-js/issues/712).
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
        """Whether the choice has a call that can be executed: of a function with a name, or of a custom tool."""
        return choice in self.custom or any(call.choice == choice and call.named for call in self.begun)

    def with_custom(self, choice: int) -> "Calls":
        """Return the calls after one of a custom tool."""
        return Calls(self.begun, (*self.custom, choice))

    def settled(self, choice: int) -> tuple["Calls", tuple[ToolCallDelta, ...]]:
        """Return the calls when those of the choice are complete, and the arguments that were held back."""
        held = tuple(call for call in self.begun if call.held and call.choice == choice)
        if not held:
            return self, ()
        begun = tuple(msgspec.structs.replace(call, held="") if call in held else call for call in self.begun)
        deltas = (ToolCallDelta(index=call.index, arguments=call.held, choice=choice) for call in held)
        return Calls(begun, self.custom), tuple(deltas)

    def received(self, choice: int, chunk: ToolCallChunk, answer_id: str) -> tuple["Calls", tuple[ToolCallDelta, ...]]:
        """Return the calls after one more chunk, and the events that it adds."""
        name = (chunk.function and chunk.function.name) or None
        sent = chunk.function.arguments if chunk.function is not None else None
        arguments = msgspec.json.encode(sent).decode() if isinstance(sent, dict) else sent or ""
        call = self._call_of(choice, chunk, name)
        if call is None:
            index = sum(1 for begun in self.begun if begun.choice == choice)
            # Our own id, where there is none, is derived from the answer's id, so it is the same on every reading.
            call_id = chunk.id or f"call_{answer_id or choice}_{index}"
            held = arguments if _is_empty_object(arguments) else ""
            call = _Call(choice, chunk.index, call_id, index, name is not None, held)
            first = ToolCallDelta(
                index=index, id=call_id, name=name, arguments="" if held else arguments, choice=choice
            )
            before, held_deltas = self.settled(choice)
            return Calls((*before.begun, call), self.custom), (*held_deltas, first)
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

    def _call_of(self, choice: int, chunk: ToolCallChunk, name: str | None) -> _Call | None:
        """Return the call that the chunk continues, or None for a new one.

        A name with another id starts a call even under a known index. Another id without a name does not, because some
        servers send a new id with every chunk.
        """
        ours = [call for call in self.begun if call.choice == choice]
        if chunk.index is not None:
            ours = [call for call in ours if call.wire == chunk.index]
        for call in reversed(ours):
            if chunk.id == call.id:
                return call
        if not ours or (name is not None and ours[-1].named and (chunk.id or chunk.index is None)):
            return None
        return ours[-1]


def _is_empty_object(arguments: str) -> bool:
    return arguments[:1] == "{" and "".join(arguments.split()) == "{}"
