"""A request for chat in no vendor's dialect: messages, tools and settings."""

from typing import Literal, TypeAlias

import msgspec

from domain.model_api.embeddings import EmbeddingsRequest
from domain.model_api.images import ImagesRequest
from domain.model_api.rerank import RerankRequest
from domain.model_api.tools import Tool as Tool
from domain.model_api.tools import ToolChoice as ToolChoice
from domain.model_api.video import VideoRequest


class Text(msgspec.Struct, frozen=True, kw_only=True, tag="text"):
    """Text of any role. `cache_control` is Anthropic's prompt-cache mark as JSON, kept if the provider has it.

    `signature` is the model's own, over the reasoning before the text; Google signs texts and tool calls.
    """

    text: str
    cache_control: msgspec.Raw | None = None
    citations: msgspec.Raw | None = None
    signature: str | None = None


class Image(msgspec.Struct, frozen=True, kw_only=True, tag="image"):
    """An image: base64 `data` with its `media_type`, or a `url` that the provider fetches."""

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
    """Audio: base64 `data` in `format` ("wav", "mp3")."""

    data: str
    format: str


class Reasoning(msgspec.Struct, frozen=True, kw_only=True, tag="reasoning"):
    """A model's reasoning, returned to it on the next turn.

    By `signature` its vendor recognises its own text; `redacted` is an encrypted block without text.
    """

    text: str = ""
    signature: str | None = None
    redacted: str | None = None


class ToolCall(msgspec.Struct, frozen=True, kw_only=True, tag="tool_call"):
    """The model asks for a tool. `arguments` is the JSON text exactly as the model wrote it.

    `signature` is the model's own, over the reasoning before the call. A `custom` tool's input is in `arguments` as
    `domain.model_api.tools` has it.
    """

    id: str
    name: str
    arguments: str
    cache_control: msgspec.Raw | None = None
    signature: str | None = None
    custom: bool = False


class ToolResult(msgspec.Struct, frozen=True, kw_only=True, tag="tool_result"):
    """The tool's result for the call `call_id`."""

    call_id: str
    parts: tuple["Text | Image | Document", ...]
    is_error: bool = False
    cache_control: msgspec.Raw | None = None


class ProviderPart(msgspec.Struct, frozen=True, kw_only=True, tag="foreign"):
    """A content block that only `dialect` can express, as JSON; `plain` is the equivalent for other dialects."""

    dialect: str
    name: str
    block: msgspec.Raw
    plain: "Text | Image | Document | ToolCall | ToolResult | None" = None


Part: TypeAlias = Text | Image | Document | Audio | Reasoning | ToolCall | ToolResult | ProviderPart


Role = Literal["system", "developer", "user", "assistant"]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One turn. Tool results are parts of a user turn, as in Anthropic's API."""

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
    """How much the model should reason: by `effort`, by `tokens_max`, or not at all.

    `implicit` if the caller named an effort and left it to the model whether to reason at all.
    """

    enabled: bool = True
    effort: str | None = None
    tokens_max: int | None = None
    implicit: bool = False


class ChatRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A chat request in no vendor's dialect. `extra` holds the fields that only the caller's dialect has.

    A dialect expresses every field that is set, or names what it lacks (`domain.dialects.unsupported_params`);
    `temperature` and `top_p` stay JSON number texts, so that no binary fraction is ever made of them. `betas` are
    Anthropic's betas that the caller switched on: only a Claude model knows them, and what needs one has a field.
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


ModelRequest: TypeAlias = ChatRequest | EmbeddingsRequest | ImagesRequest | VideoRequest | RerankRequest
