"""`:countTokens` of Gemini's API: Google's own count where it serves the model, else an estimate.

https://ai.google.dev/api/tokens
"""

from functools import partial

import msgspec

from domain.calls import ModelCall
from domain.chat import ModelRequest
from domain.refusals import BadRequest
from domain.vendors import GOOGLE_COUNT_TOKENS
from entrypoints.http.counting import counting_handler
from entrypoints.http.google import google_caller
from entrypoints.http.google.read import read as read_generation
from entrypoints.http.google.request import to_request as generation
from entrypoints.http.google.wire import JSON_ERRORS, Malformed, complaint, fields_of
from entrypoints.http.replies import json_reply
from entrypoints.http.wire import Handler, Reply, Request
from entrypoints.usecases.counting import Counted
from entrypoints.usecases.hub import Hub

_INNER = "generateContentRequest"


def read(body: bytes, model: str) -> ModelCall | BadRequest:
    """What is to be counted: contents, or a whole request around them. Its fields stay as they came."""
    try:
        fields = fields_of(body)
        inner = bytes(fields[_INNER]) if _INNER in fields else body
        call = read_generation(inner, model, stream=False)
    except Malformed as malformed:
        return malformed.problem
    if isinstance(call, BadRequest):
        return call
    return msgspec.structs.replace(
        call,
        dialect=GOOGLE_COUNT_TOKENS,
        operation="count_tokens",
        fields=fields,
        output_tokens_max=None,
        cap_field=None,
    )


def to_request(call: ModelCall) -> ModelRequest | BadRequest:
    """The request that is to be counted, in canonical words."""
    inner = call.fields.get(_INNER)
    if inner is None:
        return generation(call)
    try:
        return generation(msgspec.structs.replace(call, fields=fields_of(inner)))
    except JSON_ERRORS as problem:
        return complaint(problem, _INNER)


def count_handler(hub: Hub, model: str) -> Handler:
    """The handler for one model."""
    caller = msgspec.structs.replace(google_caller(model, stream=False), to_request=to_request)
    return counting_handler(hub, caller, partial(read, model=model), _reply)


def _reply(request: Request, counted: Counted) -> Reply:
    if not counted.body:
        return json_reply(request, {"totalTokens": counted.estimated_tokens})
    headers = (
        ("content-type", "application/json"),
        ("x-aihub-provider", counted.provider),
        ("x-request-id", request.id),
    )
    return Reply(status=200, headers=headers, body=counted.body)
