"""Answers in OpenAI's dialect: the events of a finished answer as one JSON body.

House rule: the body has the same content as the chunks of the same events together.
"""

from typing import Any

import msgspec

from domain.dialects.openrouter_reasoning import detail_of
from domain.dialects.stop_reasons import OPENAI_WRITTEN
from domain.model_api.citations import Passage
from domain.model_api.events import (
    CitationDelta,
    Event,
    Finished,
    ProviderBlock,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    UsageReported,
)
from domain.model_api.requests import Reasoning
from entrypoints.http.dialects.dialect import Rendering
from entrypoints.http.dialects.openai_chat.google_signatures import extra_content
from entrypoints.http.dialects.openai_chat.provider_blocks import is_custom_call, is_logprobs, provider_block
from entrypoints.http.dialects.openai_chat.reasoning_order import Places
from entrypoints.http.dialects.openai_chat.render import usage_object


class _Logprobs(msgspec.Struct):
    content: list[msgspec.Raw] = []


class _Block:
    """A block of reasoning as it grows."""

    __slots__ = ("redacted", "signature", "text")

    def __init__(self) -> None:
        self.text = ""
        self.signature: str | None = None
        self.redacted: str | None = None

    def reasoning(self) -> list[Reasoning]:
        """Its reasoning: a text with its signature, and an encrypted block separate from its summary."""
        text = [Reasoning(text=self.text, signature=self.signature)] if self.text or self.signature else []
        return text if self.redacted is None else [*text, Reasoning(redacted=self.redacted)]


class _Gathered:
    """One choice as it grows; it lives within one call of `whole`."""

    __slots__ = ("blocks", "calls", "extras", "finish", "likely", "passage", "places", "refusal", "text")

    def __init__(self) -> None:
        self.likely: list[msgspec.Raw] = []
        self.text: list[str] = []
        self.passage = Passage()
        self.refusal: list[str] = []
        self.blocks: dict[int, _Block] = {}
        self.calls: dict[int, dict[str, Any]] = {}
        self.extras: dict[str, Any] = {}
        self.places = Places()
        self.finish: Finished | None = None


def whole(events: tuple[Event, ...], rendering: Rendering) -> bytes:
    """The answer as a `chat.completion`; usage is left out where the provider reported none."""
    choices: dict[int, _Gathered] = {0: _Gathered()}
    usage = None
    for event in events:
        if isinstance(event, UsageReported):
            usage = event.usage
        elif (index := getattr(event, "choice", None)) is not None:
            if index not in choices:
                choices[index] = _Gathered()
            _gather(choices[index], event)
    body: dict[str, Any] = {
        "id": rendering.call_id,
        "object": "chat.completion",
        "created": rendering.created_s,
        "model": rendering.call.model,
        "choices": [_choice(index, choices[index]) for index in sorted(choices)],
    }
    if usage is not None:
        body["usage"] = usage_object(usage)
    return msgspec.json.encode(body)


def _gather(choice: _Gathered, event: Event) -> None:
    if isinstance(event, TextDelta | ReasoningDelta | ToolCallDelta) or (
        isinstance(event, ProviderBlock) and is_custom_call(event)
    ):
        choice.places = choice.places.after(event)
    match event:
        case TextDelta():
            choice.text.append(event.text)
            choice.passage = choice.passage.with_more(event)
            choice.extras.update(extra_content(event.signature))
        case RefusalDelta():
            choice.refusal.append(event.text)
        case ReasoningDelta():
            block = choice.blocks.setdefault(event.block, _Block())
            block.text += event.text
            block.signature = event.signature or block.signature
            block.redacted = event.redacted or block.redacted
        case ToolCallDelta():
            _gather_call(choice, event)
        case ProviderBlock() if is_logprobs(event):
            choice.likely += msgspec.json.decode(event.block, type=_Logprobs).content
        case ProviderBlock() if is_custom_call(event):
            choice.calls[-1 - len(choice.calls)] = msgspec.json.decode(event.block, type=dict[str, Any])
        case CitationDelta() | ProviderBlock():
            for name, values in provider_block(event, choice.passage).items():
                choice.extras.setdefault(name, []).extend(values)
        case Finished():
            choice.finish = event
        case _:
            pass  # The others belong to the answer, not to a choice.


def _gather_call(choice: _Gathered, delta: ToolCallDelta) -> None:
    empty: dict[str, Any] = {"id": "", "type": "function", "function": {"name": "", "arguments": ""}}
    call = choice.calls.setdefault(delta.index, empty)
    if delta.id is not None:
        call["id"] = delta.id
    if delta.name is not None:
        call["function"]["name"] = delta.name
    call.update(extra_content(delta.signature))
    call["function"]["arguments"] += delta.arguments


def _choice(index: int, gathered: _Gathered) -> dict[str, Any]:
    """A choice; a missing text next to tool calls or a refusal is null, as OpenAI writes it."""
    text, refusal = "".join(gathered.text), "".join(gathered.refusal)
    message: dict[str, Any] = {
        "role": "assistant",
        "content": text if text or not (gathered.calls or refusal) else None,
        "refusal": refusal or None,
    }
    if thought := "".join(block.text for block in gathered.blocks.values()):
        message["reasoning_content"] = thought
    details = [
        detail_of(thought, gathered.places.thoughts[number])
        for number, block in gathered.blocks.items()
        for thought in block.reasoning()
    ]
    if details:
        message["reasoning_details"] = details
    if gathered.calls:
        # Calls of custom tools have numbers below 0: then the order is that in which the calls began.
        order = sorted(gathered.calls) if min(gathered.calls) >= 0 else list(gathered.calls)
        message["tool_calls"] = [gathered.calls[number] for number in order]
    message.update(gathered.extras)
    finish = gathered.finish
    choice = {
        "index": index,
        "message": message,
        "logprobs": {"content": gathered.likely, "refusal": None} if gathered.likely else None,
        "finish_reason": None if finish is None else OPENAI_WRITTEN[finish.reason],
    }
    if finish is not None and finish.stop_sequence is not None:
        choice["stop_reason"] = finish.stop_sequence
    return choice
