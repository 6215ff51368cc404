"""How documents are ranked: at Cohere, at Voyage, and at servers that take Cohere's requests as they come."""

from adapters.providers.rerank.cohere import COHERE_RERANK, RERANK_PASSING
from adapters.providers.rerank.voyage import VOYAGE_RERANK

RERANK = (COHERE_RERANK, RERANK_PASSING, VOYAGE_RERANK)

__all__ = ["RERANK"]
