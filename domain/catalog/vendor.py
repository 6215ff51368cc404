"""What the hub knows of a vendor: one record, whose words the dialects understand."""

from typing import Literal

import msgspec

from domain.dialects.tool_call_ids import IdForm

RESPONSES = "openai-responses"
CAPS = ("max_tokens", "max_completion_tokens")
Mend = Literal[
    "content-parts",  # a content that is a list of parts, some of them thinking
    "null-calls",  # `tool_calls` is null where there are none
    "call-types",  # tool calls without `type`
    "no-content",  # a message with calls has no `content`
    "usage-beside-choices",  # a stream tells its usage on a chunk that has choices
    "second-finish",  # a stream says twice why a choice finished
    "empty-finish",  # a `finish_reason` of no letters
]
"""What an answer may have that OpenAI's schema rejects."""
EXTENSIONS = ("provider_blocks", "extra_content", "reasoning_details")
"""Fields of a message in which the hub tells what OpenAI's dialect has no word for; clients hand them back."""


class Vendor(msgspec.Struct, frozen=True, kw_only=True):
    """A provider of models as the public knows it.

    `env` is the variable that may hold its keys, `env_also` another. `dialect` is what its chat is spoken in; `also`
    are further dialects of callers that it speaks by itself. A vendor whose URL is another for each customer has an
    example, with a word in capitals, and `hosts`, endings by which it is known.
    `responses_only` are patterns of models that it serves through its Responses API alone. The rest is how it differs
    from OpenAI:

    key_header   where its key goes, if not into `authorization` as a bearer token
    caps         the fields that bound the output and that it heeds, the one to use first; the others are renamed
    renames      fields that it has under another name: (OpenAI's, its own)
    lacks        fields that it rejects; one that is a mere label, or says what is so anyway, is left out for it
    tells_usage  its streams tell usage unasked, and it does not know `stream_options`
    developer    it knows the role `developer`; for others that is `system`
    thinks_by    how it is told to think: OpenAI's `reasoning_effort`, DeepSeek's `thinking` with a type, or
                 OpenRouter's `reasoning` object
    tells_cost   its usage says what it charges, in US dollars
    thought_in   where a message of the assistant takes its earlier thinking back, "" for nowhere; "content" means
                 parts of Mistral's kinds, which there are for documents, too
    call_ids     what the ids of tool calls must look like, None if any will do
    message_takes the only fields that it takes in a message, by the message's role; () where it takes any. One that
                 takes `prefix` goes on with a last message of the assistant only where that is marked with it
    message_lacks fields that it does not know in a message; not needed if `message_takes` says which it knows
    mends        what its answers are known to have that OpenAI's schema rejects; it is mended for OpenAI's callers
    wants_thoughts with tools, every message of the assistant must have the thinking that led to it, whoever wrote it
    silent       beginnings of the names of its models that only think where they are asked to
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
    tells_usage: bool = False
    tells_cost: bool = False
    developer: bool = False
    thinks_by: Literal["reasoning_effort", "thinking", "reasoning"] = "reasoning_effort"
    thought_in: Literal["", "reasoning_content", "reasoning", "reasoning_details", "content"] = ""
    call_ids: IdForm | None = None
    message_takes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    message_lacks: tuple[str, ...] = EXTENSIONS
    wants_thoughts: bool = False
    silent: tuple[str, ...] = ()
    mends: tuple[Mend, ...] = ()

    @property
    def needs_credential(self) -> bool:
        """Whether a call without a secret is pointless."""
        return self.env is not None

    @property
    def has_mistrals_parts(self) -> bool:
        """Whether a message's content is made of Mistral's kinds of parts, `thinking` and `document_url`."""
        return self.thought_in == "content"

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
        """Whether every customer has another URL, so that the operator must say which."""
        return any(character.isupper() for character in self.base_url)
