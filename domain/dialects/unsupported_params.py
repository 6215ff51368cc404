"""What happens to the parts of a request that a provider's dialect cannot express: one table for all dialects.

A *label* does not affect the answer (a name in a log, a hint for a cache) and is left out silently. A *wish* would have
tuned the answer, which is useful without it: it is left out and named in the response header `x-aihub-dropped`, or
refused if the caller or the operator prefers that. A *promise* is something that the caller relies on, so a request
that would break it is refused.

Fields have the caller's names, with an index in a list as `[]`: `tools[0].strict` and `tools.0.strict` are both
`tools[].strict`. The first matching row counts; `*` matches anything.
"""

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, Literal, TypeAlias

import msgspec

from domain.dialects.default_values import ANTHROPIC, OPENAI_CHAT, OPENAI_RESPONSES, is_one_of
from domain.model_api.requests import ChatRequest, ModelRequest
from domain.refusals import UnsupportedParameter

Kind: TypeAlias = Literal["label", "wish", "promise"]
Policy: TypeAlias = Literal["drop", "refuse"]
"""What happens to wishes: they are dropped and named, or the request is refused."""


class Lack(msgspec.Struct, frozen=True):
    """A field that a dialect cannot express; `kind` is set if its place decides that, and not the table."""

    field: str
    kind: Kind | None = None


class Row(msgspec.Struct, frozen=True):
    """Fields by their pattern, and their kind if a dialect cannot express them."""

    field: str
    kind: Kind
    meaning: str


TABLE: tuple[Row, ...] = (
    Row("metadata", "label", "labels in the vendor's own log"),
    Row("metadata.*", "label", "labels in the vendor's own log"),
    Row("client_metadata", "label", "what Codex reports about itself"),
    Row("user", "label", "who the user is"),
    Row("safety_identifier", "label", "who the user is"),
    Row("messages[].name", "label", "the name of a participant"),
    Row("prompt_cache_*", "label", "hints for the vendor's prompt cache"),
    Row("cache_control", "label", "a mark for the vendor's prompt cache"),
    Row("*.cache_control", "label", "a mark for the vendor's prompt cache"),
    Row("store", "label", "whether the vendor keeps the answer; the hub reports that it does not"),
    Row("responses.store", "label", "whether the vendor keeps the answer; the hub reports that it does not"),
    Row("stream_options", "label", "details of a stream"),
    Row("top_logprobs", "label", "how many log probabilities, which `logprobs` asks for"),
    Row("tools[].eager_input_streaming", "label", "how finely a tool call is streamed"),
    Row("thinking.display", "label", "whether reasoning is shown; the hub removes it if not"),
    Row("labels", "label", "labels in the vendor's own bill"),
    Row("n", "promise", "several answers"),
    Row("stop", "promise", "where the answer ends"),
    Row("logprobs", "promise", "log probabilities in the answer"),
    Row("modalities", "promise", "an answer that is not text"),
    Row("audio", "promise", "an answer as audio"),
    Row("response_format*", "promise", "the form of the answer"),
    Row("text.format*", "promise", "the form of the answer"),
    Row("output_config.format", "promise", "the form of the answer"),
    Row("output_format", "promise", "the form of the answer"),
    Row("tool_choice*", "promise", "which tool must be called"),
    Row("function_call*", "promise", "which tool must be called"),
    Row("suffix", "promise", "text that follows the answer"),
    Row("echo", "promise", "the prompt before the answer"),
    Row("best_of", "promise", "the best of several answers"),
    Row("tools", "promise", "a conversation with calls of tools that are not in the request"),
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
    Row("additionalModelRequestFields*", "promise", "fields that would evade the charge"),
    Row("*image_url.detail", "wish", "the detail in which an image is read"),
    Row("*tool_result.image", "wish", "the place of an image from a tool: it follows the tools' results"),
    Row("*tool_result.document", "wish", "the place of a document from a tool: it follows the tools' results"),
    Row("messages", "promise", "an empty conversation"),
    Row("messages*", "promise", "what the model must read"),
    Row("input[]*", "promise", "what the model must read"),
    Row("system*", "promise", "what the model must read"),
    Row("temperature", "wish", "lowered to the highest that the vendor accepts"),
    Row("reasoning_effort", "wish", "changed to the nearest that the vendor has"),
    Row("tools[].parameters*", "wish", "keywords of a schema that only narrow it"),
    Row("tools[].strict", "wish", "arguments that match their schema"),
    Row("tools[]*", "wish", "tools that another vendor runs, and settings of a tool"),
    Row("web_search_options", "wish", "a tool that another vendor runs"),
    Row("search_parameters", "wish", "a tool that another vendor runs"),
    Row("plugins", "wish", "a tool that another vendor runs"),
    Row("mcp_servers", "wish", "tools that another vendor runs"),
    Row("seed", "wish", "best effort, according to OpenAI"),
    Row("frequency_penalty", "wish", "sampling"),
    Row("presence_penalty", "wish", "sampling"),
    Row("logit_bias", "wish", "sampling, by the tokens of one model"),
    Row("top_k", "wish", "sampling"),
    Row("verbosity", "wish", "how wordy the answer is"),
    Row("thinking*", "wish", "how much the model reasons"),
    Row("service_tier", "wish", "the vendor's service tier"),
    Row("speed", "wish", "the vendor's service tier"),
    Row("safetySettings", "wish", "how strict the vendor's own filters are"),
    Row("generationConfig.*", "wish", "settings of Google's own service"),
    Row("context_management", "wish", "what the vendor removes from a long conversation"),
    Row("truncation", "wish", "what the vendor removes from a long conversation"),
    Row("prediction", "wish", "a prediction that makes the answer faster"),
    Row("include.*", "wish", "what the vendor reports besides the answer"),
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
"""The fields besides the conversation, its tools and its form that a dialect always sends.

The dialect itself decides what depends on the model, the vendor or the value (Bedrock's families, Google's own tools).
"""

# Values without effect besides the defaults in the callers' APIs.
_MORE_NO_OPS: Mapping[str, tuple[Any, ...]] = {
    "service_tier": ("default", "standard_only"),
    "inference_geo": ("global",),
    # Groq's: reasoning is separate from the text anyway (https://console.groq.com/docs/reasoning).
    "reasoning_format": ("parsed",),
    # Cerebras': all returned reasoning is sent on (https://inference-docs.cerebras.ai/capabilities/reasoning).
    "clear_thinking": (False,),
    # Without a tool search every tool is visible at once, and the model itself calls it.
    "tools[].defer_loading": (True, False),
    "tools[].allowed_callers": (["direct"],),
}


def _no_ops() -> dict[str, tuple[Any, ...]]:
    found = dict(_MORE_NO_OPS)
    for api in (OPENAI_CHAT, OPENAI_RESPONSES, ANTHROPIC):
        for name, value in api.items():
            found[name] = (*found.get(name, ()), value)
    return found


NO_OPS: Mapping[str, tuple[Any, ...]] = _no_ops()
"""Values that change nothing, whichever vendor serves the call: these are labels."""

# Clears nothing that another vendor would keep: its own reasoning stays, or there is nothing to clear.
_KEEPS_ALL = re.compile(
    rb'\{"edits":\[(\{("type":"clear_thinking_\d+"|"keep":"all"|,){3}\})?\]\}',
)
_INDEX = re.compile(r"\[\d+\]|\.\d+(?=\.|$)")


def is_default(name: str, value: msgspec.Raw) -> bool:
    """Whether the field has a value that changes nothing."""
    if bytes(value) == b"null":
        return True
    if name == "context_management" and _KEEPS_ALL.fullmatch(bytes(value).translate(None, b" \t\r\n")):
        return True
    known = NO_OPS.get(_INDEX.sub("[]", name), ())
    return bool(known) and is_one_of(value, known)


def own_name(field: str) -> str:
    """The name of a body's field, in a form that cannot be mistaken for a place in the body.

    A field with the name "tools[0].web_search" would look like a tool; it becomes "fields.tools[0].web_search".
    """
    return f"fields.{field}" if "." in field or "[" in field else field


@lru_cache(maxsize=512)
def kind_of(field: str) -> Kind:
    """The kind of a field that a dialect cannot express."""
    name = _INDEX.sub("[]", field)
    return next(row.kind for row in TABLE if fnmatchcase(name, row.field.replace("[", "[[]")))


def sorted_out(lacks: Iterable[Lack], dialect: str, model: str) -> UnsupportedParameter | tuple[str, ...]:
    """The promise that would be broken, else the wishes that are left out, each once; labels are not reported."""
    wishes: dict[str, None] = {}
    for lack in lacks:
        kind = lack.kind or kind_of(lack.field)
        if kind == "promise":
            return UnsupportedParameter(field=lack.field, dialect=dialect, model=model)
        if kind == "wish":
            wishes[lack.field] = None
    return tuple(wishes)


# The place of a provider's hosted tool in a request: an entry of the tools, or a field of its own.
_HOSTED_FIELDS = frozenset(("web_search_options", "search_parameters", "plugins", "mcp_servers"))
_HOSTED_TYPE = re.compile(r"tools\.\d+\.type")


def units_hosted(hosted: tuple[str, ...], request: ModelRequest, dropped: tuple[str, ...]) -> bool:
    """Whether the request, without what is dropped, still has hosted tools that a provider charges for."""
    if not hosted or not isinstance(request, ChatRequest):
        return bool(hosted)
    return any(
        name in _HOSTED_FIELDS or name.rpartition(".")[2] in hosted or _HOSTED_TYPE.fullmatch(name)
        for name in request.extra
        if name not in dropped
    )


def header_value(dropped: tuple[str, ...]) -> str:
    """The names for a response header: printable ASCII, and no more of them than a header holds.

    ("seed", "tools[2].web_search") is "seed, tools[2].web_search".
    """
    return ", ".join(shown(dropped))


def shown(dropped: tuple[str, ...]) -> tuple[str, ...]:
    """The names for a header or a log: printable ASCII without commas, and no more of them than a header holds."""
    names = tuple(_UNPRINTABLE.sub("?", name)[:NAME_CHARACTERS_MAX] for name in dropped[:NAMES_MAX])
    more = len(dropped) - len(names)
    return (*names, f"and {more} more") if more else names


NAMES_MAX, NAME_CHARACTERS_MAX = 32, 100
_UNPRINTABLE = re.compile(r"[^!-+\--~]")  # A comma separates the names.
