"""`:countTokens` of Gemini's API: Google's own count where it serves the model, else an estimate.

https://ai.google.dev/api/tokens
"""

from functools import partial

import msgspec

from domain.model_api.call import ModelCall
from domain.model_api.operations import GOOGLE_COUNT_TOKENS
from domain.refusals import BadRequest
from entrypoints.http.dialects.count_tokens import counting_handler
from entrypoints.http.dialects.google import google_caller
from entrypoints.http.dialects.google.json_names import Malformed, fields_of
from entrypoints.http.dialects.google.read import read as read_generation
from entrypoints.http.replies import json_reply
from entrypoints.http.wire import Handler, Reply, Request
from entrypoints.usecases.call.count_tokens import Counted
from entrypoints.usecases.call_context import CallContext

_INNER = "generateContentRequest"


def read(body: bytes, model: str) -> ModelCall | BadRequest:
    """The body: contents, or a whole request around them, whose fields are then the call's."""
    try:
        inner = fields_of(body).get(_INNER)
    except Malformed as malformed:
        return malformed.problem
    call = read_generation(body if inner is None else bytes(inner), model, stream=False)
    if isinstance(call, BadRequest):
        return call
    return msgspec.structs.replace(
        call, dialect=GOOGLE_COUNT_TOKENS, operation="count_tokens", output_tokens_max=None, cap_field=None
    )


def count_handler(hub: CallContext, model: str) -> Handler:
    """The handler for one model."""
    return counting_handler(hub, google_caller(model, stream=False), partial(read, model=model), _reply)


def _reply(request: Request, counted: Counted) -> Reply:
    if not counted.body:
        return json_reply(request, {"totalTokens": counted.estimated_tokens})
    headers = (
        ("content-type", "application/json"),
        ("x-aihub-provider", counted.provider),
        ("x-request-id", request.id),
    )
    return Reply(status=200, headers=headers, body=counted.body)
