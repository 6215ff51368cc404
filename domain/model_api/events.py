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
    """The provider began to answer; `id`, `model` and `service_tier` are its own words."""

    id: str
    model: str
    service_tier: str | None = None


class TextDelta(msgspec.Struct, frozen=True, kw_only=True, tag="text_delta"):
    """More text of the answer; a `signature` closes it, and its text may be empty.

    `block` tells texts apart where the provider does; their order is that of their first pieces.
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
    """More thinking: text, or the `signature` that closes it, or an encrypted `redacted` block.

    `block` tells thinking blocks apart.
    """

    text: str = ""
    signature: str | None = None
    redacted: str | None = None
    block: int = 0
    choice: int = 0


class ToolCallDelta(msgspec.Struct, frozen=True, kw_only=True, tag="tool_call_delta"):
    """A piece of tool call `index`: the first piece carries `id`, `name` and the `signature`, all may `arguments`.

    `group` is the group that the caller has the tool in.
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
    """A block of the answer that only `dialect` has a word for, whole, as JSON.

    `generated` is false for what the provider says about the answer, such as why it was withheld: no output.
    """

    dialect: str
    name: str
    block: msgspec.Raw
    choice: int = 0
    generated: bool = True


class AudioDelta(msgspec.Struct, frozen=True, kw_only=True, tag="audio_delta"):
    """More of a sound; its bytes go by as they are, and only their number is kept."""

    byte_count: int


class UsageReported(msgspec.Struct, frozen=True, kw_only=True, tag="usage_reported"):
    """The provider told what it counted so far; the last report stands.

    `service_tier` is how it says that it served the request, `cost_nanos` what it says that it charges, in nano-USD;
    None where it says nothing. `notes` say which counts were odd. `running` is what the provider may yet count less.
    """

    usage: Usage
    service_tier: str | None = None
    cost_nanos: int | None = None
    notes: tuple[str, ...] = ()
    running: bool = False


class Finished(msgspec.Struct, frozen=True, kw_only=True, tag="finished"):
    """The model is done with one choice. `stop_sequence` is the one that was met, where told."""

    reason: FinishReason
    choice: int = 0
    stop_sequence: str | None = None


class Ended(msgspec.Struct, frozen=True, kw_only=True, tag="ended"):
    """The provider said its terminal word (`[DONE]`, `message_stop`, the whole body): nothing follows.

    A stream without it is truncated and must never look complete.
    """


class Broken(msgspec.Struct, frozen=True, kw_only=True, tag="broken"):
    """The answer failed on its way: an error event, a cut stream, a time-out, nonsense instead of JSON."""

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
