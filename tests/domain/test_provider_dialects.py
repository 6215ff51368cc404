"""What each provider is spoken to in, by what is asked of it."""

import pytest

from domain.catalog.vendors import VENDORS, dialect_for
from domain.model_api.operations import OperationName
from tests.domain.build import a_chat_call


@pytest.mark.parametrize(("provider", "operation", "dialect", "expected"), [
    ("openai",        "embeddings",    "openai-embeddings",    "openai-embeddings"),
    ("mistral",       "embeddings",    "openai-embeddings",    "openai-embeddings"),
    ("voyage",        "embeddings",    "openai-embeddings",    "voyage-embeddings"),
    ("google",        "embeddings",    "openai-embeddings",    "google-embeddings"),
    ("google-vertex", "embeddings",    "openai-embeddings",    "google-vertex-embeddings"),
    ("cohere",        "embeddings",    "openai-embeddings",    "cohere-embeddings"),
    ("bedrock",       "embeddings",    "openai-embeddings",    "bedrock-embeddings"),
    ("anthropic",     "embeddings",    "openai-embeddings",    None),
    ("openai",        "completions",   "openai-completions",   "openai-completions"),
    ("together",      "completions",   "openai-completions",   "openai-completions"),
    ("groq",          "completions",   "openai-completions",   "openai"),     # it has no such path
    ("anthropic",     "completions",   "openai-completions",   "anthropic"),
    ("google",        "completions",   "openai-completions",   "google"),
    ("voyage",        "completions",   "openai-completions",   None),
    ("voyage",        "chat",          "openai",               None),
    ("ideogram",      "chat",          "anthropic",            None),
    ("openai",        "images",        "openai-image-edits",   "openai-image-edits"),
    ("google",        "images",        "openai-images",        "google-images"),
    ("ideogram",      "images",        "openai-images",        "ideogram-images"),
    ("groq",          "transcription", "openai-transcriptions-text", "openai-transcriptions-text"),
    ("anthropic",     "speech",        "openai-speech",        None),
    ("cohere",        "rerank",        "rerank",               "cohere-rerank"),
    ("voyage",        "rerank",        "rerank",               "voyage-rerank"),
    ("jina",          "rerank",        "rerank",               "rerank"),
    ("together",      "rerank",        "rerank",               "rerank"),
    ("anthropic",     "rerank",        "rerank",               None),
    ("google",        "chat",          "google",               "google"),
    ("openai",        "embeddings",    "google-embed-content", "openai-embeddings-translated"),
    ("google",        "count_tokens",  "google-count-tokens",  "google-count-tokens"),
    ("cohere",        "moderation",    "openai-moderations",   None),
])  # fmt: skip
def test_a_call_is_stated_as_the_provider_understands_it(
    provider: str, operation: OperationName, dialect: str, expected: str | None
) -> None:
    vendor = VENDORS[provider]
    call = a_chat_call(operation=operation, dialect=dialect)

    assert expected == dialect_for(provider, vendor.base_url, vendor.dialect, call, "some-model")
