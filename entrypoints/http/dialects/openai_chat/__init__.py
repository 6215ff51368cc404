"""OpenAI's chat-completions dialect, the caller's side, and its errors.

House rule: an error has the shape that OpenAI's SDKs turn into their exceptions; the hub adds fields to their four and
never replaces one.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from entrypoints.http.dialects.dialect import CallerDialect, ErrorBody
from entrypoints.http.dialects.openai_chat.read import read
from entrypoints.http.dialects.openai_chat.render import NAME, render, start
from entrypoints.http.dialects.openai_chat.request import to_request
from entrypoints.http.dialects.openai_chat.whole import whole
from entrypoints.refusals.record import ErrorKind

# OpenAI's types (https://developers.openai.com/api/docs/guides/error-codes). A wrong key is an
# invalid_request_error there, distinguished by its status and code.
TYPES: Mapping[ErrorKind, str] = {
    "invalid_request": "invalid_request_error",
    "authentication": "invalid_request_error",
    "permission": "permission_error",
    "not_found": "invalid_request_error",
    "insufficient_credit": "insufficient_quota",
    "too_large": "invalid_request_error",
    "rate_limit": "rate_limit_error",
    "overloaded": "service_unavailable_error",
    "conflict": "invalid_request_error",
    "provider": "server_error",
    "internal": "server_error",
}

# The refusals for which OpenAI's code differs from the hub's; clients compare with OpenAI's.
CODES = {
    "insufficient_credit": "insufficient_quota",
}


def error(body: ErrorBody) -> bytes:
    """An error in OpenAI's shape, with the facts for a client as further fields."""
    return msgspec.json.encode({"error": _error(body)})


def stream_error(body: ErrorBody) -> bytes:
    """An error as the last event of a stream, in place of `[DONE]`: OpenAI's SDKs raise where they read it."""
    return b"data: " + error(body) + b"\n\n"


def _error(body: ErrorBody) -> dict[str, Any]:
    reported: dict[str, Any] = {
        "message": body.message,
        "type": TYPES[body.kind],
        "param": body.param,
        "code": CODES.get(body.code, body.code),
    }
    if body.request_id:
        reported["request_id"] = body.request_id
    return {**body.facts, **reported}


OPENAI_CALLER = CallerDialect(
    name=NAME,
    read=read,
    to_request=to_request,
    whole=whole,
    start=start,
    render=render,
    error=error,
    stream_error=stream_error,
)
