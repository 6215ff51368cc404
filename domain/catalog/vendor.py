"""What the hub knows about a vendor: one record, whose fields the dialects read."""

from typing import Literal

import msgspec

from domain.dialects.tool_call_ids import IdForm

RESPONSES = "openai-responses"
CAPS = ("max_tokens", "max_completion_tokens")
Defect = Literal[
    "content-parts",  # a content that is a list of parts, some of them reasoning
    "null-calls",  # `tool_calls` is null where there are none
    "call-types",  # tool calls without `type`
    "no-content",  # a message with calls has no `content`
    "usage-with-choices",  # a stream reports its usage on a chunk that has choices
    "second-finish",  # a stream reports twice why a choice finished
    "empty-finish",  # an empty `finish_reason`
]
"""What an answer may have that OpenAI's schema rejects."""
EXTENSIONS = ("provider_blocks", "extra_content", "reasoning_details")
"""Fields of a message for what OpenAI's dialect cannot express; clients return them."""


class Vendor(msgspec.Struct, frozen=True, kw_only=True):
    """A vendor whose API is publicly documented.

    `env` is the variable that may hold its keys, `env_also` another. `dialect` is the dialect of its chat; `also` are
    further callers' dialects that it accepts. A vendor whose URL differs for each customer has an example, with a
    placeholder in capitals, and `hosts`, the endings by which it is recognised. `responses_only` are patterns of models
    that it serves only through its Responses API. The rest is how it differs from OpenAI:

    key_header   the header of its key, if that is not `authorization` with a bearer token
    caps         the fields by which it bounds the output, the preferred one first; others are renamed to it
    renames      fields that it has under another name: (OpenAI's, its own)
    lacks        fields that it rejects; a label, or a field with a default value, is left out for it
    reports_usage  its streams always report usage, and it does not know `stream_options`
    developer    it knows the role `developer`; for others that is `system`
    reasoning_by    how reasoning is requested: OpenAI's `reasoning_effort`, DeepSeek's `thinking` with a type, or
                 OpenRouter's `reasoning` object
    reports_cost   its usage has what it charges, in US dollars
    reasoning_in   the field in which a message of the assistant returns its earlier reasoning, "" for none;
                 "content" means Mistral's types of parts, which exist for documents, too
    call_ids     the form of tool-call ids, None if any is accepted
    message_takes the only fields that it takes in a message, by the message's role; () where it takes any. One that
                 takes `prefix` continues a last message of the assistant only if that is marked with it
    message_lacks fields that it does not know in a message; not needed with `message_takes`
    defects      what its answers are known to have that OpenAI's schema rejects; it is repaired for OpenAI's callers
    needs_reasoning with tools, every message of the assistant must have the reasoning before it, even another vendor's
    silent       prefixes of the names of its models that reason only on request
    """

    name: str
    base_url: str
    dialect: str = "openai"
    env: str | None = None
    env_also: str | None = None
    patterns: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    responses_only: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    key_header: str = "authorization"
    caps: tuple[str, ...] = CAPS
    renames: tuple[tuple[str, str], ...] = ()
    lacks: tuple[str, ...] = ()
    reports_usage: bool = False
    reports_cost: bool = False
    developer: bool = False
    reasoning_by: Literal["reasoning_effort", "thinking", "reasoning"] = "reasoning_effort"
    reasoning_in: Literal["", "reasoning_content", "reasoning", "reasoning_details", "content"] = ""
    call_ids: IdForm | None = None
    message_takes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    message_lacks: tuple[str, ...] = EXTENSIONS
    needs_reasoning: bool = False
    silent: tuple[str, ...] = ()
    defects: tuple[Defect, ...] = ()

    @property
    def needs_credential(self) -> bool:
        """Whether a call without a secret would be rejected."""
        return self.env is not None

    @property
    def has_mistrals_parts(self) -> bool:
        """Whether a message's content has Mistral's types of parts, `thinking` and `document_url`."""
        return self.reasoning_in == "content"

    @property
    def wants_prefix(self) -> bool:
        """Whether a last message of the assistant that is to be continued must be marked as a `prefix`."""
        return any("prefix" in fields for _, fields in self.message_takes)

    @property
    def takes_cache_marks(self) -> bool:
        """Whether Anthropic's `cache_control` may stand at messages, their parts and tools."""
        return not self.message_takes and "cache_control" not in self.message_lacks

    @property
    def has_own_url(self) -> bool:
        """Whether every customer has another URL, so that the operator must give it."""
        return any(character.isupper() for character in self.base_url)
