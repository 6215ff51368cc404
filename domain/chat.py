"""What is said, in no vendor's dialect: a request of messages in, a stream of events out.

The vocabulary between dialects. A call whose two ends speak the same dialect passes through byte for byte
and uses only the events, for the meter; a call across dialects is read into a `ChatRequest`, encoded in the
provider's dialect, stepped into events and rendered in the caller's dialect.

A whole answer decodes to the same events as a streamed one, so metering, rendering and tests have one path.
"""

from typing import Literal, TypeAlias

import msgspec

from domain.embeddings import Embedded, EmbeddingsRequest
from domain.failures import Failure
from domain.film import Filmed, FilmRequest
from domain.pictures import Pictured, PicturesRequest
from domain.reranking import Ranked, RerankRequest
from domain.tools import Tool as Tool
from domain.tools import ToolChoice as ToolChoice
from domain.usage import Usage

# --- requests -------------------------------------------------------------------------------------------


class Text(msgspec.Struct, frozen=True, kw_only=True, tag="text"):
    """Text by anyone. `cache_control` is Anthropic's prompt-cache mark as JSON, kept where it can be said.

    `signature` is the model's own, over the thinking that led to the text; Google signs texts and tool calls.
    """

    text: str
    cache_control: msgspec.Raw | None = None
    citations: msgspec.Raw | None = None
    signature: str | None = None


class Image(msgspec.Struct, frozen=True, kw_only=True, tag="image"):
    """A picture: base64 `data` with its `media_type`, or a `url` that the provider fetches."""

    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    detail: str | None = None
    cache_control: msgspec.Raw | None = None


class Document(msgspec.Struct, frozen=True, kw_only=True, tag="document"):
    """A file to read: base64 `data` with `media_type`, plain `text`, a `url`, or a provider's `file_id`."""

    media_type: str | None = None
    data: str | None = None
    text: str | None = None
    url: str | None = None
    file_id: str | None = None
    name: str | None = None
    cache_control: msgspec.Raw | None = None


class Audio(msgspec.Struct, frozen=True, kw_only=True, tag="audio"):
    """Recorded sound: base64 `data` in `format` ("wav", "mp3")."""

    data: str
    format: str


class Reasoning(msgspec.Struct, frozen=True, kw_only=True, tag="reasoning"):
    """A model's thinking, handed back to it on the next turn.

    `signature` proves to its provider that the text is its own; `redacted` is an encrypted block without text.
    """

    text: str = ""
    signature: str | None = None
    redacted: str | None = None


class ToolCall(msgspec.Struct, frozen=True, kw_only=True, tag="tool_call"):
    """The model asks for a tool. `arguments` is the JSON text exactly as the model wrote it.

    `signature` is the model's own, over the thinking that led to the call. A `custom` tool's input is in `arguments` as
    `domain.tools` has it.
    """

    id: str
    name: str
    arguments: str
    cache_control: msgspec.Raw | None = None
    signature: str | None = None
    custom: bool = False


class ToolResult(msgspec.Struct, frozen=True, kw_only=True, tag="tool_result"):
    """What the tool answered to the call `call_id`."""

    call_id: str
    parts: tuple["Text | Image | Document", ...]
    is_error: bool = False
    cache_control: msgspec.Raw | None = None


class Foreign(msgspec.Struct, frozen=True, kw_only=True, tag="foreign"):
    """A content block that only `dialect` has a word for, as JSON; `plain` is what can be read without that word."""

    dialect: str
    name: str
    block: msgspec.Raw
    plain: "Text | Image | Document | ToolCall | ToolResult | None" = None


Part: TypeAlias = Text | Image | Document | Audio | Reasoning | ToolCall | ToolResult | Foreign
Role = Literal["system", "developer", "user", "assistant"]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One turn. Tool results are parts of a user turn, as Anthropic says it."""

    role: Role
    parts: tuple[Part, ...]
    name: str | None = None


class ResponseFormat(msgspec.Struct, frozen=True, kw_only=True):
    """`text`, `json_object`, or `json_schema` with its schema as JSON."""

    mode: Literal["text", "json_object", "json_schema"]
    name: str | None = None
    schema: msgspec.Raw | None = None
    strict: bool | None = None


class Thinking(msgspec.Struct, frozen=True, kw_only=True):
    """How hard the model should think: by `effort`, by `tokens_max`, or switched off.

    `implicit` where the caller named an effort and left it to the model whether to think at all.
    """

    enabled: bool = True
    effort: str | None = None
    tokens_max: int | None = None
    implicit: bool = False


class ChatRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A chat request in no vendor's dialect. `extra` holds what only the caller's dialect has a word for.

    A dialect expresses every field that is set, or names what it lacks (`domain.unsupported`); `temperature` and
    `top_p` stay JSON number texts, so that no binary fraction is ever made of them. `betas` are
    those of Anthropic's that the caller switched on: only a Claude knows them, and what needs one stands in a field.
    """

    model: str
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    output_tokens_max: int | None = None
    temperature: msgspec.Raw | None = None
    top_p: msgspec.Raw | None = None
    top_k: int | None = None
    stop: tuple[str, ...] = ()
    choices: int = 1
    seed: int | None = None
    response_format: ResponseFormat | None = None
    thinking: Thinking | None = None
    stream: bool = False
    user: str | None = None
    betas: tuple[str, ...] = ()
    extra: dict[str, msgspec.Raw] = {}


ModelRequest: TypeAlias = ChatRequest | EmbeddingsRequest | PicturesRequest | FilmRequest | RerankRequest


# --- events ---------------------------------------------------------------------------------------------

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


class ForeignBlock(msgspec.Struct, frozen=True, kw_only=True, tag="foreign_block"):
    """A block of the answer that only `dialect` has a word for, whole, as JSON.

    `generated` is false for what the provider says about the answer, such as why it was withheld: no output.
    """

    dialect: str
    name: str
    block: msgspec.Raw
    choice: int = 0
    generated: bool = True


class SoundDelta(msgspec.Struct, frozen=True, kw_only=True, tag="sound_delta"):
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
    | ForeignBlock
    | Embedded
    | Pictured
    | Filmed
    | Ranked
    | SoundDelta
    | UsageReported
    | Finished
    | Ended
    | Broken
)
