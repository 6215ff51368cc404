"""Replies that every handler gives."""

from typing import Any

import msgspec

from domain.failures import Failure
from domain.refusals import (
    BadRequest,
    EncodedBody,
    NoUpgrade,
    ProviderFailed,
    Refusal,
    UnknownPath,
    WrongMethod,
)
from entrypoints.http.dialects.anthropic import ANTHROPIC_CALLER
from entrypoints.http.dialects.dialect import CallerDialect, ErrorBody
from entrypoints.http.dialects.google import GOOGLE_CALLER, is_googles_path
from entrypoints.http.dialects.openai_chat import OPENAI_CALLER
from entrypoints.http.errors import error_of, retry_after_s
from entrypoints.http.not_offered import surface_of
from entrypoints.http.wire import Reply, Request

_JSON_HEADER = ("content-type", "application/json")


def dialect_of(request: Request) -> CallerDialect:
    """The dialect of a caller whose path does not tell: Anthropic's SDK names its version in every request."""
    if is_googles_path(request.path):
        return GOOGLE_CALLER
    anthropic = "anthropic-version" in request.headers or request.path.startswith("/v1/messages")
    return ANTHROPIC_CALLER if anthropic else OPENAI_CALLER


def json_reply(request: Request, value: Any, status: int = 200) -> Reply:
    """A JSON answer."""
    return Reply(status=status, headers=(_JSON_HEADER, ("x-request-id", request.id)), body=msgspec.json.encode(value))


def refuse(dialect: CallerDialect, request: Request, refusal: Refusal) -> Reply:
    """The refusal in the caller's dialect; a provider's own error body goes unchanged to a caller of its dialect."""
    error = msgspec.structs.replace(error_of(refusal), request_id=request.id)
    headers = [_JSON_HEADER, *((name, request.id) for name in dialect.id_headers)]
    if (seconds := retry_after_s(refusal)) is not None:
        headers.append(("retry-after", str(seconds)))
    if isinstance(refusal, WrongMethod):
        headers.append(("allow", ", ".join(refusal.allowed)))
    if isinstance(refusal, EncodedBody):
        headers.append(("accept-encoding", "identity"))  # RFC 9110, 15.5.16
    if isinstance(refusal, NoUpgrade):
        headers.append(("upgrade", "HTTP/1.1"))  # RFC 9110, 15.5.22
    if isinstance(refusal, ProviderFailed):
        headers.append(("x-aihub-provider", refusal.provider))
        if refusal.failure.should_retry is not None:
            headers.append(("x-should-retry", str(refusal.failure.should_retry).lower()))
        if _may_be_shown(refusal.failure, dialect):
            return Reply(status=error.status, headers=tuple(headers), body=refusal.failure.body)
    return Reply(status=error.status, headers=tuple(headers), body=dialect.error(error))


def unserved(request: Request, status: int, allowed: tuple[str, ...]) -> Reply:
    """What the server's own router refuses (404, 405, a malformed request), in the caller's dialect."""
    refusal: Refusal
    if status in (404, 405) and "websocket" in request.headers.get("upgrade", "").lower():
        refusal = NoUpgrade()
    elif status == 405:
        refusal = WrongMethod(method=request.method, allowed=allowed)
    elif status == 404:
        refusal = surface_of(request.path) or UnknownPath(path=request.path)
    else:
        refusal = BadRequest(field=None, problem="The HTTP request is malformed: send a JSON body and plain headers.")
    return refuse(dialect_of(request), request, refusal)


def unreadable(request: Request) -> Reply | None:
    """The refusal of a body that no handler could read, since it is encoded: bounded is what it was before that.

    Decoded, it may be a thousand times as large.
    """
    coding = request.headers.get("content-encoding", "").strip()
    if request.body and coding and coding.lower() != "identity":
        return refuse(dialect_of(request), request, EncodedBody(coding=coding))
    return None


def internal_error(request: Request) -> Reply:
    """A bug of the hub: the caller learns the call's id and nothing else; the log has the rest."""
    error = ErrorBody(
        status=500,
        kind="internal",
        code="internal_error",
        message=f"The hub failed. Please tell its operator the request id {request.id}.",
        request_id=request.id,
    )
    dialect = dialect_of(request)
    headers = (_JSON_HEADER, *((name, request.id) for name in dialect.id_headers))
    return Reply(status=500, headers=headers, body=dialect.error(error))


def _may_be_shown(failure: Failure, dialect: CallerDialect) -> bool:
    """A rejected credential is the operator's matter, and what is not JSON no SDK can read."""
    theirs = failure.kind in ("request_rejected", "overloaded", "unavailable")
    return theirs and failure.dialect == dialect.name and failure.body.lstrip().startswith(b"{")
