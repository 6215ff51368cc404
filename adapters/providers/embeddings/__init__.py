"""Embeddings at providers with their own dialect for them, one file for each."""

from adapters.providers.embeddings.bedrock import BEDROCK_EMBEDDINGS
from adapters.providers.embeddings.cohere import COHERE_EMBEDDINGS
from adapters.providers.embeddings.google import GOOGLE_EMBEDDINGS, VERTEX_EMBEDDINGS
from adapters.providers.embeddings.openai import OPENAI_EMBEDDINGS_TRANSLATED
from adapters.providers.embeddings.voyage import VOYAGE_EMBEDDINGS

EMBEDDINGS = (
    BEDROCK_EMBEDDINGS,
    COHERE_EMBEDDINGS,
    GOOGLE_EMBEDDINGS,
    OPENAI_EMBEDDINGS_TRANSLATED,
    VERTEX_EMBEDDINGS,
    VOYAGE_EMBEDDINGS,
)

__all__ = [
    "BEDROCK_EMBEDDINGS",
    "COHERE_EMBEDDINGS",
    "EMBEDDINGS",
    "GOOGLE_EMBEDDINGS",
    "OPENAI_EMBEDDINGS_TRANSLATED",
    "VERTEX_EMBEDDINGS",
    "VOYAGE_EMBEDDINGS",
]
