"""Replies that every handler gives."""

from typing import Any

import msgspec

from domain.failures import Failure
from domain.refusals import (
    EncodedBody,
    NoUpgrade,
    ProviderFailed,
    Refusal,
    WrongMethod,
)
from entrypoints.http.dialects.dialect import CallerDialect
from entrypoints.http.errors import error_of, retry_after_ms, retry_after_s, should_retry
from entrypoints.http.wire import Reply, Request
from entrypoints.usecases.public_types import written

JSON_HEADER = ("content-type", "application/json")


class _Error(msgspec.Struct):
    error: Any = None
    message: Any = None
    detail: Any = None


_ERROR = msgspec.json.Decoder(_Error)


def json_reply(request: Request, value: Any, status: int = 200) -> Reply:
    """A JSON answer."""
    body = msgspec.json.encode(value, enc_hook=written)
    return Reply(status=status, headers=(JSON_HEADER, ("x-request-id", request.id)), body=body)


def refuse(dialect: CallerDialect, request: Request, refusal: Refusal) -> Reply:
    """The refusal in the caller's dialect; a provider's own error body goes unchanged to a caller of its dialect."""
    error = msgspec.structs.replace(error_of(refusal), request_id=request.id)
    headers = [JSON_HEADER, *((name, request.id) for name in dialect.id_headers)]
    if (seconds := retry_after_s(refusal)) is not None:
        headers.append(("retry-after", str(seconds)))
    if (wait_ms := retry_after_ms(refusal)) is not None:
        headers.append(("retry-after-ms", str(wait_ms)))  # Read first by the SDKs of OpenAI and Anthropic.
    if (retry := should_retry(refusal)) is not None:
        headers.append(("x-should-retry", str(retry).lower()))
    if isinstance(refusal, WrongMethod):
        headers.append(("allow", ", ".join(refusal.allowed)))
    if isinstance(refusal, EncodedBody):
        headers.append(("accept-encoding", "identity"))  # RFC 9110, 15.5.16
    if isinstance(refusal, NoUpgrade):
        headers.append(("upgrade", "HTTP/1.1"))  # RFC 9110, 15.5.22
    if isinstance(refusal, ProviderFailed):
        headers.append(("x-aihub-provider", refusal.provider))
        if _may_be_shown(refusal.failure, dialect):
            return Reply(status=error.status, headers=tuple(headers), body=refusal.failure.body)
    return Reply(status=error.status, headers=tuple(headers), body=dialect.error(error))


def _may_be_shown(failure: Failure, dialect: CallerDialect) -> bool:
    """A rejected credential concerns the operator only, and no SDK can read a body that is not an error in JSON."""
    theirs = failure.kind in ("request_rejected", "overloaded", "unavailable")
    return theirs and failure.dialect == dialect.name and _has_error(failure.body)


def _has_error(body: bytes) -> bool:
    """Whether the body is a JSON object with an `error`, or with a message of its own, as vLLM's errors have."""
    try:
        error = _ERROR.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False
    return isinstance(error.error, dict | str) or isinstance(error.message or error.detail, str | list)
