"""Errors of AIGNE's management routes that are found before their handler: a key without which no body is read."""

import msgspec

from entrypoints.http.dialects.dialect import ErrorBody
from entrypoints.http.dialects.openai_chat import OPENAI_CALLER

_HEADS = ("/api/ai-providers/", "/api/ai/", "/api/user/", "/api/usage/")
_BALANCE = "/api/user/credit/balance"  # A route of every caller, in the shape of all of them.


def is_management(method: str, path: str) -> bool:
    """Whether the request is one of these routes' that has a body."""
    return method != "GET" and path != _BALANCE and f"{path}/".startswith(_HEADS)


def _error(error: ErrorBody) -> bytes:
    if error.kind == "authentication":
        return msgspec.json.encode({"code": "forbidden", "error": "not authorized"})
    return msgspec.json.encode({"error": error.message})


# Only its errors are asked for: these routes call no model.
MANAGEMENT_CALLER = msgspec.structs.replace(OPENAI_CALLER, error=_error)
