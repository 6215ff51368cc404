"""A caller's dialect: a record of pure functions that read requests and render answers."""

from collections.abc import Callable
from typing import Any

import msgspec

from domain.model_api.call import ModelCall
from domain.model_api.events import Event
from domain.model_api.requests import ModelRequest
from domain.pricing.rate import Rate
from domain.refusals import BadRequest
from entrypoints.refusals.record import ErrorKind


class Rendering(msgspec.Struct, frozen=True, kw_only=True):
    """The facts of an answer besides its events: the call's id, the time, and the request, which some APIs repeat.

    `served` is `provider/model` as it is served; `rate` is the rate of the charge, None where nothing is charged.
    """

    call_id: str
    created_s: int
    call: ModelCall
    served: str = ""
    rate: Rate | None = None


class ErrorBody(msgspec.Struct, frozen=True, kw_only=True):
    """An error before it has a dialect.

    `kind` is the general kind of the error, which each dialect translates into its own type. `param` names the field
    at fault, `code` the refusal; `facts` are further fields for a client to act on.
    """

    status: int
    kind: ErrorKind
    message: str
    code: str
    param: str | None = None
    facts: dict[str, str | int | None] = {}
    request_id: str = ""


class CallerDialect(msgspec.Struct, frozen=True, kw_only=True):
    """The functions that read the requests of one family of SDKs and write its answers.

    name           the dialect's name; a provider of the same name is passed through
    read           a request body to a ModelCall, strictly checked: BadRequest names the field and the remedy
    to_request     the same call in canonical form, for a provider of another dialect; BadRequest if it is malformed
                   deeper than `read` looks
    whole          the events of a finished answer to a JSON body
    start, render  the fold that streams: one event to bytes (possibly none); the terminal event only on Ended; it never
                   makes up an ending
    error          an error as a JSON body
    stream_error   an error as the last bytes of a stream that already began
    read_form      as `read`, for a body of another content type, which is its second argument: a form with a file
    stream_failed  as `stream_error`, for a stream that `render` wrote and whose state it gets; None: as `stream_error`
    id_headers     the headers that carry the call's id: the hub's own, and where the dialect's SDK looks for it
    keep_alive     the bytes sent while the provider is silent: a comment, or the dialect's own event. No blank line
                   follows the comment: after an event with an `id`, OpenAI's SDK for Python takes it for an event
                   without data, and fails (https://github.com/openai/openai-python/issues/2722)
    """

    name: str
    read: Callable[[bytes], ModelCall | BadRequest]
    to_request: Callable[[ModelCall], ModelRequest | BadRequest]
    whole: Callable[[tuple[Event, ...], Rendering], bytes]
    start: Callable[[Rendering], Any]
    render: Callable[[Any, Event], tuple[Any, bytes]]
    error: Callable[[ErrorBody], bytes]
    stream_error: Callable[[ErrorBody], bytes]
    read_form: Callable[[bytes, str], ModelCall | BadRequest] | None = None
    stream_failed: Callable[[Any, ErrorBody], bytes] | None = None
    id_headers: tuple[str, ...] = ("x-request-id",)
    keep_alive: bytes = b": keep-alive\n"
