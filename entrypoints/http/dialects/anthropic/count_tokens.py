"""`POST /v1/messages/count_tokens`: a provider's own count where it has one, else an estimate that is labelled so.

https://platform.claude.com/docs/en/api/messages-count-tokens
"""

import msgspec

from domain.model_api.call import ModelCall
from domain.model_api.operations import COUNT_TOKENS
from domain.refusals import BadRequest
from entrypoints.http.decode_errors import JSON_ERRORS, JsonDecoder
from entrypoints.http.dialects.anthropic import ANTHROPIC_CALLER
from entrypoints.http.dialects.anthropic.read import complaint
from entrypoints.http.dialects.count_tokens import counting_handler
from entrypoints.http.replies import json_reply
from entrypoints.http.wire import Handler, Reply, Request
from entrypoints.usecases.call.count_tokens import Counted
from entrypoints.usecases.call_context import CallContext

_FIELDS = JsonDecoder(dict[str, msgspec.Raw])
_ONE = msgspec.Raw(b"1")


def read(body: bytes) -> ModelCall | BadRequest:
    """A body as a call. It has the fields of a message except `max_tokens`."""
    try:
        fields = _FIELDS.decode(body)
    except JSON_ERRORS as problem:
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


def count_tokens_handler(hub: CallContext) -> Handler:
    """The handler of the one route."""
    return counting_handler(hub, ANTHROPIC_CALLER, read, _reply)


def _reply(request: Request, counted: Counted) -> Reply:
    if not counted.body:
        return json_reply(request, {"input_tokens": counted.estimated_tokens, "estimated": True})
    headers = [("content-type", "application/json"), ("x-aihub-provider", counted.provider)]
    headers += [(name, request.id) for name in ANTHROPIC_CALLER.id_headers]
    return Reply(status=200, headers=tuple(headers), body=counted.body)
