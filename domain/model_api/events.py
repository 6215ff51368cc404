"""An answer in no vendor's dialect: a stream of events."""

from typing import Literal, TypeAlias

import msgspec

from domain.failures import Failure
from domain.model_api.embeddings import Embedded
from domain.model_api.images import ImageResult
from domain.model_api.rerank import Ranked
from domain.model_api.tools import Tool as Tool
from domain.model_api.tools import ToolChoice as ToolChoice
from domain.model_api.video import VideoResult
from domain.usage import Usage

FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "refusal", "pause"]


class Started(msgspec.Struct, frozen=True, kw_only=True, tag="started"):
    """The provider began to answer; `id`, `model` and `service_tier` are its own values."""

    id: str
    model: str
    service_tier: str | None = None


class TextDelta(msgspec.Struct, frozen=True, kw_only=True, tag="text_delta"):
    """More text of the answer; a `signature` closes it, and its text may be empty.

    `block` distinguishes texts if the provider does; their order is that of their first chunks.
    """

    text: str
    choice: int = 0
    signature: str | None = None
    block: int = 0


class RefusalDelta(msgspec.Struct, frozen=True, kw_only=True, tag="refusal_delta"):
    """More text of the model's own refusal (OpenAI's `refusal` field)."""

    text: str
    choice: int = 0


class ReasoningDelta(msgspec.Struct, frozen=True, kw_only=True, tag="reasoning_delta"):
    """More reasoning: text, or the `signature` that closes it, or an encrypted `redacted` block.

    `block` distinguishes reasoning blocks.
    """

    text: str = ""
    signature: str | None = None
    redacted: str | None = None
    block: int = 0
    choice: int = 0


class ToolCallDelta(msgspec.Struct, frozen=True, kw_only=True, tag="tool_call_delta"):
    """A part of tool call `index`: the first part has `id`, `name` and the `signature`, each may have `arguments`.

    `group` is the caller's group of tools that has the tool.
    """

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""
    choice: int = 0
    signature: str | None = None
    group: str | None = None


class CitationDelta(msgspec.Struct, frozen=True, kw_only=True, tag="citation_delta"):
    """A source for the text before it, as the provider's JSON."""

    citation: msgspec.Raw
    dialect: str
    choice: int = 0


class ProviderBlock(msgspec.Struct, frozen=True, kw_only=True, tag="provider_block"):
    """A block of the answer that only `dialect` can express, whole, as JSON.

    `generated` is false for information about the answer, such as why it was withheld: it is no output.
    """

    dialect: str
    name: str
    block: msgspec.Raw
    choice: int = 0
    generated: bool = True


class AudioDelta(msgspec.Struct, frozen=True, kw_only=True, tag="audio_delta"):
    """More audio; its bytes are relayed unchanged, and only their number is kept."""

    byte_count: int


class UsageReported(msgspec.Struct, frozen=True, kw_only=True, tag="usage_reported"):
    """The provider reported what it counted so far; the last report counts.

    `service_tier` is the reported tier, `cost_nanos` the reported charge in nano-USD; None if not reported. `notes`
    describe odd counts. `running` means that the provider may yet count less.
    """

    usage: Usage
    service_tier: str | None = None
    cost_nanos: int | None = None
    notes: tuple[str, ...] = ()
    running: bool = False


class Finished(msgspec.Struct, frozen=True, kw_only=True, tag="finished"):
    """The model is done with one choice. `stop_sequence` is the one that was met, if reported."""

    reason: FinishReason
    choice: int = 0
    stop_sequence: str | None = None


class Ended(msgspec.Struct, frozen=True, kw_only=True, tag="ended"):
    """The answer is complete (`[DONE]`, `message_stop`, the whole body): nothing follows.

    A stream without this event is truncated and must not look complete.
    """


class Broken(msgspec.Struct, frozen=True, kw_only=True, tag="broken"):
    """The answer failed after it began: an error event, a truncated stream, a timeout, invalid JSON."""

    failure: Failure


Event: TypeAlias = (
    Started
    | TextDelta
    | RefusalDelta
    | ReasoningDelta
    | ToolCallDelta
    | CitationDelta
    | ProviderBlock
    | Embedded
    | ImageResult
    | VideoResult
    | Ranked
    | AudioDelta
    | UsageReported
    | Finished
    | Ended
    | Broken
)
