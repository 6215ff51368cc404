"""What becomes of the parts of a request that a provider's dialect has no field for: one table for all dialects.

A *label* says nothing about the answer (a name in somebody's log, a hint for a cache) and is left out in silence. A
*wish* would have tuned the answer, which is as useful without: it is left out and named in the response header
`x-aihub-dropped`, or refused where the caller or the operator wants that. A *promise* is part of what the caller
counts on, so a request that would break it is refused.

Fields are named as the caller named them, with a place in a list as `[]` here: `tools[0].strict` and `tools.0.strict`
are both `tools[].strict`. The first row that matches counts; `*` stands for anything.
"""

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Literal, TypeAlias

import msgspec

from domain.model_api.requests import ChatRequest, ModelRequest
from domain.refusals import UnsupportedParameter

Kind: TypeAlias = Literal["label", "wish", "promise"]
Policy: TypeAlias = Literal["drop", "refuse"]
"""What becomes of wishes: they are dropped and named, or the request is refused."""


class Lack(msgspec.Struct, frozen=True):
    """A field that a dialect cannot express; `kind` where its place decides that, and not the table."""

    field: str
    kind: Kind | None = None


class Row(msgspec.Struct, frozen=True):
    """Fields by their pattern, and what they are where a dialect has no field for them."""

    field: str
    kind: Kind
    meaning: str


TABLE: tuple[Row, ...] = (
    Row("metadata", "label", "labels in the vendor's own log"),
    Row("metadata.*", "label", "labels in the vendor's own log"),
    Row("client_metadata", "label", "what Codex says about itself"),
    Row("user", "label", "who the user is"),
    Row("safety_identifier", "label", "who the user is"),
    Row("messages[].name", "label", "the name of a participant"),
    Row("prompt_cache_*", "label", "hints for the vendor's prompt cache"),
    Row("cache_control", "label", "a mark for the vendor's prompt cache"),
    Row("*.cache_control", "label", "a mark for the vendor's prompt cache"),
    Row("store", "label", "whether the vendor keeps the answer; the hub says that it does not"),
    Row("responses.store", "label", "whether the vendor keeps the answer; the hub says that it does not"),
    Row("stream_options", "label", "details of a stream"),
    Row("top_logprobs", "label", "how many log probabilities, which `logprobs` asks for"),
    Row("tools[].eager_input_streaming", "label", "in how fine pieces a call is streamed"),
    Row("thinking.display", "label", "whether thinking is shown; the hub keeps it back where it is not"),
    Row("labels", "label", "labels in the vendor's own bill"),
    Row("n", "promise", "several answers"),
    Row("stop", "promise", "where the answer ends"),
    Row("logprobs", "promise", "log probabilities in the answer"),
    Row("modalities", "promise", "another form of answer than text"),
    Row("audio", "promise", "an answer as sound"),
    Row("response_format*", "promise", "the form of the answer"),
    Row("text.format*", "promise", "the form of the answer"),
    Row("output_config.format", "promise", "the form of the answer"),
    Row("output_format", "promise", "the form of the answer"),
    Row("tool_choice*", "promise", "which tool must be called"),
    Row("function_call*", "promise", "which tool must be called"),
    Row("suffix", "promise", "text that the answer leads to"),
    Row("echo", "promise", "the prompt before the answer"),
    Row("best_of", "promise", "the best of several answers"),
    Row("tools", "promise", "a conversation with calls that no tool is given for"),
    Row("background", "promise", "an answer to be fetched later"),
    Row("previous_response_id", "promise", "input that another vendor keeps"),
    Row("conversation", "promise", "input that another vendor keeps"),
    Row("prompt (*", "promise", "a prompt of tokens, or several"),
    Row("prompt", "promise", "input that another vendor keeps"),
    Row("thread", "promise", "input that another vendor keeps"),
    Row("container*", "promise", "files and skills that another vendor keeps"),
    Row("cached_content", "promise", "input that another vendor keeps"),
    Row("extra_body.google.cached_content", "promise", "input that another vendor keeps"),
    Row("cachedContent", "promise", "input that another vendor keeps"),
    Row("generationConfig.responseMimeType", "promise", "the form of the answer"),
    Row("inference_geo", "promise", "where the data may be processed"),
    Row("guardrailConfig", "promise", "an operator's guardrail"),
    Row("additionalModelRequestFields*", "promise", "fields that would get around what is charged"),
    Row("*image_url.detail", "wish", "in which detail an image is seen"),
    Row("messages", "promise", "a conversation in which nothing is said"),
    Row("messages*", "promise", "what the model must read"),
    Row("input[]*", "promise", "what the model must read"),
    Row("system*", "promise", "what the model must read"),
    Row("temperature", "wish", "lowered to the highest that the vendor takes"),
    Row("reasoning_effort", "wish", "brought to the nearest that the vendor has"),
    Row("tools[].parameters*", "wish", "words of a schema that only narrow it"),
    Row("tools[].strict", "wish", "arguments that keep to their schema"),
    Row("tools[]*", "wish", "tools that another vendor runs, and what tunes a tool"),
    Row("web_search_options", "wish", "a tool that another vendor runs"),
    Row("search_parameters", "wish", "a tool that another vendor runs"),
    Row("plugins", "wish", "a tool that another vendor runs"),
    Row("mcp_servers", "wish", "tools that another vendor runs"),
    Row("seed", "wish", "best effort by OpenAI's own words"),
    Row("frequency_penalty", "wish", "sampling"),
    Row("presence_penalty", "wish", "sampling"),
    Row("logit_bias", "wish", "sampling, by the tokens of one model"),
    Row("top_k", "wish", "sampling"),
    Row("verbosity", "wish", "how wordy the answer is"),
    Row("thinking*", "wish", "how hard the model thinks"),
    Row("service_tier", "wish", "how fast, and at which of the vendor's prices"),
    Row("speed", "wish", "how fast, and at which of the vendor's prices"),
    Row("safetySettings", "wish", "how strictly the vendor's own filters judge"),
    Row("generationConfig.*", "wish", "what tunes Google's own service"),
    Row("context_management", "wish", "what the vendor forgets of a long conversation"),
    Row("truncation", "wish", "what the vendor forgets of a long conversation"),
    Row("prediction", "wish", "a guess that makes the answer faster"),
    Row("include.*", "wish", "what the vendor tells beside the answer"),
    Row("*", "wish", "every other field"),
)

SENT: dict[str, frozenset[str]] = {
    "openai": frozenset(
        ("audio", "frequency_penalty", "logit_bias", "logprobs", "metadata", "modalities", "moderation", "n",
         "prediction", "presence_penalty", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention",
         "safety_identifier", "seed", "service_tier", "stop", "store", "top_logprobs", "user", "verbosity",
         "web_search_options")
    ),
    "openai-responses": frozenset(
        ("logprobs", "metadata", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention",
         "safety_identifier", "service_tier", "store", "top_logprobs", "user", "verbosity")
    ),
    "anthropic": frozenset(("cache_control", "stop", "top_k", "user")),
    "bedrock": frozenset(
        ("additionalModelResponseFieldPaths", "cache_control", "guardrailConfig", "metadata", "performanceConfig",
         "promptVariables", "requestMetadata", "serviceTier", "stop", "top_k", "user")
    ),
    "google": frozenset(
        ("frequency_penalty", "n", "presence_penalty", "seed", "stop", "top_k", "top_logprobs")
    ),
    "cohere": frozenset(
        ("citation_options", "documents", "frequency_penalty", "presence_penalty", "priority", "safety_mode", "seed",
         "stop", "strict_tools", "thinking", "top_k")
    ),
    "ollama": frozenset(
        ("frequency_penalty", "keep_alive", "options", "presence_penalty", "seed", "stop", "think", "top_k")
    ),
}  # fmt: skip
"""The fields beside the conversation, its tools and its form that a dialect sends on, whatever they say.

What depends on the model, the vendor or the value (Bedrock's families, Google's own tools) the dialect decides itself.
"""

NO_OPS: dict[str, tuple[bytes, ...]] = {
    "background": (b"false",),
    "frequency_penalty": (b"0", b"0.0"),
    "presence_penalty": (b"0", b"0.0"),
    "logit_bias": (b"{}",),
    "logprobs": (b"false",),
    "modalities": (b'["text"]',),
    "service_tier": (b'"auto"', b'"default"', b'"standard_only"'),
    "speed": (b'"standard"',),
    "truncation": (b'"disabled"',),
    "verbosity": (b'"medium"',),
    "mcp_servers": (b"[]",),
    "inference_geo": (b'"global"',),
    # Groq's: thinking is told apart from the text anyway (https://console.groq.com/docs/reasoning).
    "reasoning_format": (b'"parsed"',),
    # Cerebras': all thinking that comes back goes on (https://inference-docs.cerebras.ai/capabilities/reasoning).
    "clear_thinking": (b"false",),
    # Every tool is shown at once where nobody searches among them, and called by the model itself.
    "tools[].defer_loading": (b"true", b"false"),
    "tools[].allowed_callers": (b'["direct"]',),
}
"""Values, without blanks, that ask for what everybody does anyway: these are labels."""

# Clears nothing that another vendor would keep: its own thinking stays, or there is nothing to clear.
_KEEPS_ALL = re.compile(
    rb'\{"edits":\[(\{("type":"clear_thinking_\d+"|"keep":"all"|,){3}\})?\]\}',
)
_INDEX = re.compile(r"\[\d+\]|\.\d+(?=\.|$)")


def says_nothing(name: str, value: msgspec.Raw) -> bool:
    """Whether the field asks for nothing that is not so anyway."""
    spelled = bytes(value).translate(None, b" \t\r\n")
    if name == "context_management" and (spelled == b"[]" or _KEEPS_ALL.fullmatch(spelled)):
        return True
    return spelled == b"null" or spelled in NO_OPS.get(_INDEX.sub("[]", name), ())


def own_name(field: str) -> str:
    """A field of a body by a name that is not that of a place in it, whatever the caller called it.

    "tools[0].web_search" as a field would pass for a tool; it is "fields.tools[0].web_search".
    """
    return f"fields.{field}" if "." in field or "[" in field else field


@lru_cache(maxsize=512)
def kind_of(field: str) -> Kind:
    """What a field is where a dialect has no field for it."""
    name = _INDEX.sub("[]", field)
    return next(row.kind for row in TABLE if fnmatchcase(name, row.field.replace("[", "[[]")))


def sorted_out(lacks: Iterable[Lack], dialect: str, model: str) -> UnsupportedParameter | tuple[str, ...]:
    """The promise that would be broken, or else the wishes that are left out, each once; labels are not told."""
    wishes: dict[str, None] = {}
    for lack in lacks:
        kind = lack.kind or kind_of(lack.field)
        if kind == "promise":
            return UnsupportedParameter(field=lack.field, dialect=dialect, model=model)
        if kind == "wish":
            wishes[lack.field] = None
    return tuple(wishes)


# Where a request names tools that a provider runs: one among the tools, or a field of its own.
_HOSTED_FIELDS = frozenset(("web_search_options", "search_parameters", "plugins", "mcp_servers"))
_HOSTED_TYPE = re.compile(r"tools\.\d+\.type")


def units_hosted(hosted: tuple[str, ...], request: ModelRequest, dropped: tuple[str, ...]) -> bool:
    """Whether tools that a provider runs and charges for are still asked for without what is dropped."""
    if not hosted or not isinstance(request, ChatRequest):
        return bool(hosted)
    return any(
        name in _HOSTED_FIELDS or name.rpartition(".")[2] in hosted or _HOSTED_TYPE.fullmatch(name)
        for name in request.extra
        if name not in dropped
    )


def told(dropped: tuple[str, ...]) -> str:
    """The names for a response header: printable ASCII, and no more of them than a header holds.

    ("seed", "tools[2].web_search") is "seed, tools[2].web_search".
    """
    names = [_UNPRINTABLE.sub("?", name)[:NAME_CHARACTERS_MAX] for name in dropped[:NAMES_MAX]]
    more = len(dropped) - len(names)
    return ", ".join((*names, f"and {more} more") if more else names)


NAMES_MAX, NAME_CHARACTERS_MAX = 32, 100
_UNPRINTABLE = re.compile(r"[^!-+\--~]")  # A comma parts the names.
