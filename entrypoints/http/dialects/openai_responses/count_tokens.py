"""`POST /v1/responses/input_tokens`: an estimate, labelled so.

https://developers.openai.com/api/reference/resources/responses/subresources/input_tokens/methods/count
"""

import msgspec

from domain.model_api.call import ModelCall
from domain.refusals import BadRequest
from entrypoints.http.dialects.count_tokens import counting_handler
from entrypoints.http.dialects.openai_responses import RESPONSES_CALLER
from entrypoints.http.replies import json_reply
from entrypoints.http.wire import Handler, Reply, Request
from entrypoints.usecases.call.count_tokens import Counted
from entrypoints.usecases.call_context import CallContext

# No provider has this dialect: the hub does not relay to OpenAI's own count.
_NAME = "openai-responses-input-tokens"


def input_tokens_handler(hub: CallContext) -> Handler:
    """The handler of the one route."""
    return counting_handler(hub, RESPONSES_CALLER, _read, _reply)


def _read(body: bytes) -> ModelCall | BadRequest:
    """A body as a call. It has the fields of a response, but no output is requested."""
    call = RESPONSES_CALLER.read(body)
    if isinstance(call, BadRequest):
        return call
    return msgspec.structs.replace(call, dialect=_NAME, operation="count_tokens", stream=False)


def _reply(request: Request, counted: Counted) -> Reply:
    tokens = {"object": "response.input_tokens", "input_tokens": counted.estimated_tokens, "estimated": True}
    return json_reply(request, tokens)
