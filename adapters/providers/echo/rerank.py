"""The echo's rerank: a document's score is the share of the query's words in it; equal ones keep their order.

One word is one token, the query's once for each document; a hundred documents are one search unit.
"""

from typing import Annotated, Any

import msgspec

from adapters.providers.echo.shared import Count, EchoAnswer, as_json, word_count


class _Request(msgspec.Struct, frozen=True):
    model: str
    query: str
    documents: Annotated[list[str | dict[str, Any]], msgspec.Meta(min_length=1)]
    top_n: Count | None = None
    return_documents: bool = False


_REQUEST = msgspec.json.Decoder(_Request)


def rerank(body: bytes, content_type: str) -> EchoAnswer:
    """Return the documents' indexes, the best first."""
    request = _REQUEST.decode(body)
    texts = [each if isinstance(each, str) else str(each.get("text", "")) for each in request.documents]
    selected = set(request.query.lower().split())
    results: list[dict[str, Any]] = [
        {"index": index, "relevance_score": len(selected & set(text.lower().split())) / max(1, len(selected))}
        for index, text in enumerate(texts)
    ]
    results.sort(key=lambda result: -result["relevance_score"])
    results = results[: request.top_n]
    if request.return_documents:
        results = [{**result, "document": {"text": texts[result["index"]]}} for result in results]
    tokens = word_count(request.query) * len(texts) + sum(map(word_count, texts))
    meta = {"api_version": {"version": "2"}, "billed_units": {"search_units": -(-len(texts) // 100)}}
    return as_json({"id": "rerank-echo", "results": results, "meta": meta, "usage": {"total_tokens": tokens}})
