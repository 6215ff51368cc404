"""Anthropic's messages API, the caller's side.

House rule: this module assembles the dialect and renders errors; `read` and `request` read requests, `render` and
`whole` render answers.

https://platform.claude.com/docs/en/api/errors
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from entrypoints.http.dialects.anthropic.read import read
from entrypoints.http.dialects.anthropic.render import render, start
from entrypoints.http.dialects.anthropic.request import to_request
from entrypoints.http.dialects.anthropic.whole import whole
from entrypoints.http.dialects.dialect import CallerDialect, ErrorBody
from entrypoints.refusals.record import ErrorKind

TYPES: Mapping[ErrorKind, str] = {
    "invalid_request": "invalid_request_error",
    "authentication": "authentication_error",
    "permission": "permission_error",
    "not_found": "not_found_error",
    "insufficient_credit": "billing_error",
    "too_large": "request_too_large",
    "rate_limit": "rate_limit_error",
    "overloaded": "overloaded_error",
    "conflict": "conflict_error",
    "provider": "api_error",
    "internal": "api_error",
}


def _error(error: ErrorBody) -> bytes:
    """An error body: Anthropic's own fields, then the code, the field at fault and the facts."""
    facts = {"code": error.code, "param": error.param, **error.facts}
    detail: dict[str, Any] = {name: value for name, value in facts.items() if value is not None} | {
        "type": TYPES[error.kind],
        "message": error.message,
    }
    if (error.code, error.param) == ("unsupported_parameter", "thread"):
        # The SDK's tool runner continues without a thread after this error.
        detail["details"] = {"error_code": "thread_unsupported_request"}
    return msgspec.json.encode({"type": "error", "error": detail, "request_id": error.request_id})


def _stream_error(error: ErrorBody) -> bytes:
    return b"event: error\ndata: %b\n\n" % _error(error)


ANTHROPIC_CALLER = CallerDialect(
    name="anthropic",
    read=read,
    to_request=to_request,
    whole=whole,
    start=start,
    render=render,
    error=_error,
    stream_error=_stream_error,
    id_headers=("x-request-id", "request-id"),
    # https://platform.claude.com/docs/en/build-with-claude/streaming#ping-events
    keep_alive=b'event: ping\ndata: {"type": "ping"}\n\n',
)
