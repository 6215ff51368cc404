"""Rerank: at Cohere, at Voyage, at Amazon Bedrock, and at servers that accept Cohere's requests."""

from adapters.providers.rerank.bedrock import BEDROCK_RERANK
from adapters.providers.rerank.cohere import COHERE_RERANK, RERANK_PASSING
from adapters.providers.rerank.voyage import VOYAGE_RERANK

RERANK = (BEDROCK_RERANK, COHERE_RERANK, RERANK_PASSING, VOYAGE_RERANK)

__all__ = ["RERANK"]
