"""Replies where no handler answers: an unknown path, an unreadable body, or a failure of the hub."""

from domain.refusals import BadRequest, EncodedBody, NoUpgrade, Refusal, UnknownPath, WrongMethod
from entrypoints.http.dialects.dialect import ErrorBody
from entrypoints.http.dialects.dialect_choice import dialect_of
from entrypoints.http.not_offered import surface_of
from entrypoints.http.replies import JSON_HEADER, refuse
from entrypoints.http.wire import Reply, Request


def unserved(request: Request, status: int, allowed: tuple[str, ...]) -> Reply:
    """The refusals of the server's own router (404, 405, a malformed request), in the caller's dialect."""
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
    """The refusal of an encoded body: the bound on bodies holds for encoded bytes only.

    The decoded body may be a thousand times as large.
    """
    coding = request.headers.get("content-encoding", "").strip()
    if request.body and coding and coding.lower() != "identity":
        return refuse(dialect_of(request), request, EncodedBody(coding=coding))
    return None


def internal_error(request: Request) -> Reply:
    """A bug of the hub: the caller gets the call's id and nothing else; the log has the rest."""
    error = ErrorBody(
        status=500,
        kind="internal",
        code="internal_error",
        message=f"The hub failed. Please give its operator the request id {request.id}.",
        request_id=request.id,
    )
    dialect = dialect_of(request)
    headers = (JSON_HEADER, *((name, request.id) for name in dialect.id_headers))
    return Reply(status=500, headers=headers, body=dialect.error(error))
