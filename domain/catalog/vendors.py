"""The vendors that the hub knows by name: a known name brings its dialect and its URL.

A vendor with a known dialect is one entry here; its differences from the dialect are fields of the entry, which the
dialect reads, and no code is copied. `patterns` are prefixes of model names, by which a bare name finds its vendor if
no rate names a provider.
"""

from fnmatch import fnmatchcase
from functools import lru_cache
from urllib.parse import urlsplit

from domain.catalog.openai_compatible import COMPATIBLE, NOT_IN_OPENAIS_MESSAGES
from domain.catalog.vendor import RESPONSES, Vendor
from domain.dialects.tool_call_ids import OPENAI_CHAT_IDS
from domain.model_api.call import ModelCall

# "Available in the Responses API only", in the page of each model: https://developers.openai.com/api/docs/models
_RESPONSES_ONLY = ("o1-pro*", "o3-pro*", "gpt-5*-pro*", "gpt-5*codex*", "codex-*", "computer-use*", "*-deep-research*")

ECHO = Vendor(
    name="echo", dialect="openai", base_url="echo://local", patterns=("echo",), developer=True, message_lacks=()
)

VENDORS: dict[str, Vendor] = {
    vendor.name: vendor
    for vendor in (
        ECHO,
        Vendor(
            name="openai",
            dialect="openai",
            base_url="https://api.openai.com/v1",
            env="OPENAI_API_KEY",
            hosts=(".api.openai.com",),
            caps=("max_completion_tokens", "max_tokens"),
            developer=True,
            patterns=("gpt-", "chatgpt-", "o1", "o3", "o4", "dall-e", "text-embedding", "sora"),
            also=(RESPONSES,),
            responses_only=_RESPONSES_ONLY,
            call_ids=OPENAI_CHAT_IDS,
            message_lacks=NOT_IN_OPENAIS_MESSAGES,
        ),
        Vendor(
            name="anthropic",
            dialect="anthropic",
            base_url="https://api.anthropic.com/v1",
            env="ANTHROPIC_API_KEY",
            patterns=("claude",),
        ),
        Vendor(
            # Another region is another URL: https://docs.aws.amazon.com/general/latest/gr/bedrock.html
            name="bedrock",
            dialect="bedrock",
            base_url="https://bedrock-runtime.us-east-1.amazonaws.com",
            env="AWS_BEARER_TOKEN_BEDROCK",
            patterns=("amazon.", "anthropic.", "global.", "us.", "eu.", "apac.", "arn:aws"),
        ),
        Vendor(
            name="google",
            dialect="google",
            base_url="https://generativelanguage.googleapis.com/v1beta",
            env="GEMINI_API_KEY",
            env_also="GOOGLE_API_KEY",
            patterns=("gemini", "gemma", "imagen", "veo"),
        ),
        # With an API key; the URL of a project and a location accepts a service account as well.
        Vendor(
            name="google-vertex",
            dialect="google-vertex",
            base_url="https://aiplatform.googleapis.com/v1beta1/publishers/google",
            env="GOOGLE_VERTEX_API_KEY",
        ),
        Vendor(
            name="cohere",
            dialect="cohere",
            base_url="https://api.cohere.com/v2",
            env="COHERE_API_KEY",
            patterns=("command", "c4ai-", "embed-"),
        ),
        *COMPATIBLE,
        # It has no chat: `OPERATIONS` has its operations.
        Vendor(
            name="voyage",
            dialect="voyage",
            base_url="https://api.voyageai.com/v1",
            env="VOYAGE_API_KEY",
            patterns=("voyage-",),
        ),
        # It has embeddings and rankings, in OpenAI's form and in Cohere's (https://jina.ai/reranker).
        Vendor(name="jina", base_url="https://api.jina.ai/v1", env="JINA_API_KEY", patterns=("jina-",)),
        # It has images alone.
        Vendor(
            name="ideogram",
            dialect="ideogram",
            base_url="https://api.ideogram.ai/v1",
            env="IDEOGRAM_API_KEY",
            patterns=("ideogram",),
        ),
    )
}
DIALECTS = (
    "openai",
    RESPONSES,
    "anthropic",
    "bedrock",
    "bedrock-invoke",
    "google",
    "google-vertex",
    "cohere",
    "ollama",
    "voyage",
    "ideogram",
    "echo",
)
_CHATLESS = frozenset(("voyage", "ideogram"))

# Dialects that wrap a caller's dialect in another envelope: the fields of a call and the events are the same.
_ENVELOPES = {"bedrock-invoke": "anthropic", "google-vertex": "google"}


# A server that the hub knows only by its URL: requests go to it in OpenAI's dialect, unchanged.
UNKNOWN = Vendor(name="", dialect="openai", base_url="", developer=True, message_lacks=())


@lru_cache(maxsize=1024)
def vendor_of(provider: str, base_url: str) -> Vendor:
    """The vendor for a provider: by name, else by URL host, else `UNKNOWN`."""
    if provider in VENDORS:
        return VENDORS[provider]
    server, host = urlsplit(base_url).netloc, urlsplit(base_url).hostname or ""
    for vendor in VENDORS.values():
        if server == urlsplit(vendor.base_url).netloc or host.endswith(vendor.hosts):
            return vendor
    return UNKNOWN


def priced_as(provider: str, base_url: str, dialect: str) -> str:
    """The name under which the price book has a provider's prices: that of its vendor.

    Only AWS uses Bedrock's dialects, at any URL.
    """
    vendor = vendor_of(provider, base_url)
    if vendor is UNKNOWN and dialect in ("bedrock", "bedrock-invoke"):
        return "bedrock"
    return vendor.name or provider


def dialect_for(provider: str, base_url: str, dialect: str, call: ModelCall, model: str) -> str | None:
    """The dialect of an attempt at a provider of that name, place and dialect; None if it has none for the call.

    The caller's own dialect if the provider has it: then the call passes through. Else the provider's own for the
    operation, translated. `model` is its name there: some are served in one dialect only.
    """
    vendor, kind = vendor_of(provider, base_url), call.kind
    if kind.in_responses and vendor.responses_only and _matches(model, vendor.responses_only):
        return RESPONSES
    chats_only = call.operation == "completions" and vendor.name in _NO_COMPLETIONS
    native = call.dialect in vendor.also or call.dialect in kind.native.get(dialect, ())
    if call.dialect == dialect or (native and not chats_only):
        return call.dialect
    if kind.text:
        return None if dialect in _CHATLESS else dialect
    return kind.translated.get(dialect)


def further_dialects(provider: str, base_url: str, call: ModelCall) -> tuple[str, ...]:
    """Further dialects for a chat with the provider, if the first cannot express something in it.

    OpenAI's Responses API takes images and documents from tools, and documents by URL, which its chat completions do
    not.
    """
    return vendor_of(provider, base_url).also if call.kind.in_responses else ()


def passes_through(call: ModelCall, dialect: str) -> bool:
    """Whether a call in that provider's dialect passes through without translation."""
    return call.dialect == _ENVELOPES.get(dialect, dialect)


# Vendors with OpenAI's chat but without documented legacy completions: a prompt is sent as a chat.
_NO_COMPLETIONS = frozenset(("deepseek", "doubao", "groq", "huggingface", "mistral", "poe", "zai"))


@lru_cache(maxsize=4096)
def _matches(model: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(model, pattern) for pattern in patterns)
