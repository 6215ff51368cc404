"""Cohere's rerank, the caller's side, which Jina, Together, vLLM and Infinity have in the same form.

https://docs.cohere.com/reference/rerank. Documents are texts, or objects as the first version of the API had them. A
provider that reads the query again with each document counts it each time, so the bound counts it each time, too.
"""

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec

from domain.model_api.call import ModelCall
from domain.model_api.events import Event, UsageReported
from domain.model_api.rerank import Ranked, RerankRequest, search_units
from domain.model_api.token_estimate import BYTES_PER_TOKEN
from domain.refusals import BadRequest
from domain.usage import PIECES_MAX, Usage
from entrypoints.http.decode_errors import JsonDecoder
from entrypoints.http.dialects.dialect import CallerDialect, Rendering
from entrypoints.http.dialects.openai_chat.field_errors import bad, read_body
from entrypoints.http.dialects.openai_media.shared import INPUTS_MAX, Model, error, never_streams, stream_error

NAME = "rerank"
_CANONICAL = frozenset(("model", "query", "documents", "top_n", "return_documents", "rank_fields"))
# Fields of a document of Jina's or vLLM's that is, or contains, an image.
_IMAGES = (b'"image"', b'"image_url"')

_Document = str | dict[str, Any]


class _Body(msgspec.Struct):
    model: Model
    query: str | dict[str, Any]
    documents: Annotated[list[_Document], msgspec.Meta(min_length=1, max_length=INPUTS_MAX)]
    top_n: Annotated[int, msgspec.Meta(ge=1)] | None = None
    return_documents: bool | None = None
    rank_fields: list[str] | None = None


_BODY = JsonDecoder(_Body)


def read(body: bytes) -> ModelCall | BadRequest:
    """A request body as a call, or the first problem with it."""
    found = read_body(_BODY, body)
    if isinstance(found, BadRequest):
        return found
    known, fields = found
    if not known.query:
        return bad("query", "It is empty.")
    query, sizes = len(_spelled(known.query)), [len(_spelled(document)) for document in known.documents]
    likely = search_units(_tokens(query), map(_tokens, sizes))
    return ModelCall(
        dialect=NAME,
        operation="rerank",
        model=known.model,
        fields=fields,
        body_bytes=len(body) + query * (len(sizes) - 1),
        images=sum(map(body.count, _IMAGES)),
        inputs=len(sizes),
        pieces=Usage(search_units=min(likely, PIECES_MAX)),
        search_units_max=search_units(query, sizes),
    )


def to_request(call: ModelCall) -> RerankRequest | BadRequest:
    """The call in canonical form; `read` has checked all of it already."""
    known = _BODY.decode(msgspec.json.encode(call.fields))
    return RerankRequest(
        model=call.model,
        query=_text(known.query, None),
        documents=tuple(_text(document, known.rank_fields) for document in known.documents),
        top_n=known.top_n,
        extra={name: raw for name, raw in call.fields.items() if name not in _CANONICAL and bytes(raw) != b"null"},
    )


def whole(events: tuple[Event, ...], rendering: Rendering) -> bytes:
    """The ranking in Cohere's form, with the documents where requested, and the provider's counts."""
    known = _BODY.decode(msgspec.json.encode(rendering.call.fields))
    results: list[dict[str, Any]] = [
        {"index": event.index, "relevance_score": event.score} for event in events if isinstance(event, Ranked)
    ]
    if known.return_documents:
        for result in results:
            if result["index"] < len(known.documents):
                document = known.documents[result["index"]]
                result["document"] = {"text": document} if isinstance(document, str) else document
    meta = {"api_version": {"version": "2"}, **_billed(events)}
    return msgspec.json.encode({"id": rendering.call_id, "results": results, "meta": meta})


def _billed(events: tuple[Event, ...]) -> dict[str, Any]:
    usages = [event.usage for event in events if isinstance(event, UsageReported)]
    if not usages:
        return {}
    counted = {"search_units": usages[-1].search_units, "input_tokens": usages[-1].input_tokens}
    return {"billed_units": {name: count for name, count in counted.items() if count}}


def _spelled(given: _Document) -> bytes:
    return given.encode() if isinstance(given, str) else msgspec.json.encode(given)


def _tokens(size: int) -> int:
    return -(-size // BYTES_PER_TOKEN)


def _text(given: _Document, fields: list[str] | None) -> str:
    """An object as a text: only its `text`, or each field on a line, as Cohere advises for its second version."""
    if isinstance(given, str):
        return given
    return "\n".join(_lines(given, fields))


def _lines(document: dict[str, Any], fields: list[str] | None) -> Iterator[str]:
    chosen = {name: document[name] for name in fields if name in document} if fields else document
    if chosen.keys() == {"text"}:
        yield str(chosen["text"])
        return
    for name, value in chosen.items():
        yield f"{name}: {value if isinstance(value, str) else msgspec.json.encode(value).decode()}"


RERANK_CALLER = CallerDialect(
    name=NAME,
    read=read,
    to_request=to_request,
    whole=whole,
    start=never_streams,
    render=never_streams,
    error=error,
    stream_error=stream_error,
)
