"""`POST /v1/quote`: the charge that a request would have, without making it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import msgspec

from domain.model_api.call import ModelCall
from domain.refusals import BadRequest, Refusal
from entrypoints.http.dialects.dialect import CallerDialect
from entrypoints.http.dialects.dialect_choice import dialect_of
from entrypoints.http.keys import fingerprint_of
from entrypoints.http.replies import json_reply, refuse
from entrypoints.http.wire import Handler, Reply, Request
from entrypoints.usecases.call.ask import Ask
from entrypoints.usecases.call.quote import Quote, quote, quote_view
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.identity import refusal_to
from ports.books import StorageError

Callers = Mapping[str, CallerDialect]

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
# Fields that only Anthropic's messages have, and fields that only embeddings have besides `input`.
_ANTHROPIC = frozenset(("system", "thinking", "top_k", "stop_sequences", "speed", "thread"))
_EMBEDDINGS = frozenset(("encoding_format", "dimensions", "input_type"))


def quote_handler(hub: CallContext, callers: Callers) -> Handler:
    """The handler of the one route; `callers` are the dialects that can be quoted, by their routes."""

    @asynccontextmanager
    async def handle(request: Request) -> AsyncIterator[Reply]:
        dialect = dialect_of(request)
        fingerprint = await fingerprint_of(hub, request)
        if not isinstance(fingerprint, str):
            yield refuse(dialect, request, fingerprint)
            return
        found = await _quoted(hub, callers, request, fingerprint)
        if isinstance(found, Quote):
            yield json_reply(request, quote_view(found, hub.billed))
        else:
            yield refuse(dialect, request, found)

    return handle


def read_quoted(callers: Callers, body: bytes, route: str | None) -> tuple[CallerDialect, ModelCall] | BadRequest:
    """The request inside: the body itself, recognised by its fields, or `{"route": ..., "request": {...}}`."""
    try:
        fields = _FIELDS.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return BadRequest(field=None, problem="The body must be a JSON object: the request that you would send.")
    if "route" in fields and "request" in fields:
        try:
            route = msgspec.json.decode(fields["route"], type=str)
        except msgspec.MsgspecError:
            route = ""
        body = bytes(fields["request"])
    elif route is None:
        route = _by_shape(fields)
    if route not in callers:
        known = ", ".join(sorted(callers))
        problem = f'Name what the request is for, as {{"route": ROUTE, "request": {{…}}}}, with one of {known}.'
        return BadRequest(field="route", problem=problem)
    dialect = callers[route]
    call = dialect.read(body)
    return call if isinstance(call, BadRequest) else (dialect, call)


async def _quoted(hub: CallContext, callers: Callers, request: Request, fingerprint: str) -> Quote | Refusal:
    route = "/v1/messages" if "anthropic-version" in request.headers else None
    read = read_quoted(callers, request.body, route)
    if isinstance(read, BadRequest):
        try:
            return await refusal_to(hub, fingerprint, read)
        except StorageError:
            return read
    dialect, call = read
    ask = Ask(
        call_id=request.id,
        fingerprint=fingerprint,
        call=call,
        to_request=dialect.to_request,
        unsupported=hub.unsupported,
    )
    return await quote(hub, ask)


def _by_shape(fields: Mapping[str, msgspec.Raw]) -> str:
    """The route of a request that does not name it, by fields that only one API has."""
    if "messages" in fields:
        return "/v1/messages" if _ANTHROPIC & fields.keys() else "/v1/chat/completions"
    if "input" in fields:
        return "/v1/embeddings" if _EMBEDDINGS & fields.keys() else "/v1/responses"
    return ""
