"""Errors in the form of Google's APIs, from which their SDKs make exceptions.

https://google.aip.dev/193
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from entrypoints.http.dialects.dialect import ErrorBody
from entrypoints.refusals.record import ErrorKind

STATUSES: Mapping[ErrorKind, str] = {
    "invalid_request": "INVALID_ARGUMENT",
    "authentication": "UNAUTHENTICATED",
    "permission": "PERMISSION_DENIED",
    "not_found": "NOT_FOUND",
    "insufficient_credit": "FAILED_PRECONDITION",
    "too_large": "INVALID_ARGUMENT",
    "rate_limit": "RESOURCE_EXHAUSTED",
    "overloaded": "UNAVAILABLE",
    "conflict": "ABORTED",
    "provider": "UNAVAILABLE",
    "internal": "INTERNAL",
}
_TYPE = "type.googleapis.com/google.rpc."


def error(body: ErrorBody) -> bytes:
    """An error with its code and facts among the details, and the field at fault as Google names one."""
    facts = {name: str(value) for name, value in body.facts.items() if value is not None}
    info = {"@type": f"{_TYPE}ErrorInfo", "reason": body.code, "domain": "aihub", "metadata": facts}
    details: list[dict[str, Any]] = [info]
    if body.param is not None:
        violation = {"field": body.param, "description": body.message}
        details.append({"@type": f"{_TYPE}BadRequest", "fieldViolations": [violation]})
    if body.request_id:
        details.append({"@type": f"{_TYPE}RequestInfo", "requestId": body.request_id})
    status = "DEADLINE_EXCEEDED" if body.status == 504 else STATUSES[body.kind]
    return msgspec.json.encode(
        {"error": {"code": body.status, "message": body.message, "status": status, "details": details}}
    )


def stream_error(body: ErrorBody) -> bytes:
    """An error as the last chunk of a stream."""
    return b"data: %b\r\n\r\n" % error(body)
