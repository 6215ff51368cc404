"""`POST /v1/messages/count_tokens`: a provider's own count where it has one, else an estimate that is labelled so.

https://platform.claude.com/docs/en/api/messages-count-tokens
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from domain.calls import ModelCall
from domain.refusals import BadRequest, Busy, InvalidKey, Refusal
from domain.vendors import COUNT_TOKENS
from entrypoints.http.anthropic import ANTHROPIC_CALLER
from entrypoints.http.anthropic.read import complaint
from entrypoints.http.anthropic.unseen import NONSENSE
from entrypoints.http.replies import bearer_of, json_reply, refuse
from entrypoints.http.wire import Handler, Reply, Request
from entrypoints.usecases.admission import Ask
from entrypoints.usecases.counting import Counted, count_tokens
from entrypoints.usecases.hub import Hub
from ports.storage import StorageUnavailable

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ONE = msgspec.Raw(b"1")


def read(body: bytes) -> ModelCall | BadRequest:
    """A body as a call. It is a message's, but for the cap on the output that nobody asks for."""
    try:
        fields = _FIELDS.decode(body)
    except NONSENSE as problem:
        return complaint(problem)
    call = ANTHROPIC_CALLER.read(msgspec.json.encode({**fields, "max_tokens": _ONE, "stream": False}))
    if isinstance(call, BadRequest):
        return call
    return msgspec.structs.replace(
        call,
        dialect=COUNT_TOKENS,
        operation="count_tokens",
        fields=fields,
        body_bytes=len(body),
        output_tokens_max=None,
        cap_field=None,
    )


def count_tokens_handler(hub: Hub) -> Handler:
    """The handler of the one route."""

    @asynccontextmanager
    async def handle(request: Request) -> AsyncIterator[Reply]:
        try:
            found = await _counted(hub, request)
        except StorageUnavailable as problem:
            found = Busy(reason=str(problem))
        yield _reply(request, found) if isinstance(found, Counted) else refuse(ANTHROPIC_CALLER, request, found)

    return handle


async def _counted(hub: Hub, request: Request) -> Counted | Refusal:
    """The count. A bad body is only explained to somebody with a valid key."""
    key = bearer_of(request)
    if not isinstance(key, str):
        return key
    fingerprint = hub.vault.fingerprint(key)
    call = read(request.body)
    if isinstance(call, BadRequest):
        caller = await hub.storage.caller(fingerprint)
        return call if caller is not None and caller[0].revoked_ms is None else InvalidKey(revoked=caller is not None)
    if beta := request.headers.get("anthropic-beta"):
        call = msgspec.structs.replace(call, relay_headers=(("anthropic-beta", beta),))
    ask = Ask(call_id=request.id, fingerprint=fingerprint, call=call, to_request=ANTHROPIC_CALLER.to_request)
    return await count_tokens(hub, ask)


def _reply(request: Request, counted: Counted) -> Reply:
    if not counted.body:
        return json_reply(request, {"input_tokens": counted.estimated_tokens, "estimated": True})
    headers = [("content-type", "application/json"), ("x-aihub-provider", counted.provider)]
    headers += [(name, request.id) for name in ANTHROPIC_CALLER.id_headers]
    return Reply(status=200, headers=tuple(headers), body=counted.body)
