"""Documents ranked by how well they answer a query, in no vendor's dialect; and the unit that Cohere sells it by.

A search unit is one query with up to 100 documents. A document that has more than 500 tokens, the query's among them,
is split into chunks, and each chunk counts as a document: https://cohere.com/pricing
"""

from collections.abc import Iterable

import msgspec

DOCUMENTS_PER_UNIT = 100
CHUNK_TOKENS = 500
# How much of a chunk a long query may take is not documented; at most half is assumed.
QUERY_TOKENS_MAX = 250
# More chunks in one request are an error (https://docs.cohere.com/v1/changelog/new-maximum-document-length-for-rerank).
CHUNKS_MAX = 10_000


class RerankRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request to rank the `documents`; the best `top_n` are returned, all if that is None.

    `extra` holds fields of some providers, such as `max_tokens_per_doc`, as JSON.
    """

    model: str
    query: str
    documents: tuple[str, ...]
    top_n: int | None = None
    extra: dict[str, msgspec.Raw] = {}


class Ranked(msgspec.Struct, frozen=True, kw_only=True, tag="ranked"):
    """A document by its place in the request, and its `score` as the number that the provider wrote."""

    index: int
    score: msgspec.Raw


def search_units(query_tokens: int, documents_tokens: Iterable[int]) -> int:
    """The search units of a query, by the tokens of each document: 150 short ones are 2."""
    room = CHUNK_TOKENS - min(query_tokens, QUERY_TOKENS_MAX)
    counts = [max(1, -(-tokens // room)) for tokens in documents_tokens]
    chunks = min(sum(counts), max(CHUNKS_MAX, len(counts)))
    return -(-chunks // DOCUMENTS_PER_UNIT)
