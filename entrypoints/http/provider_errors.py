"""A provider's failure in words, with the status that a caller can act on."""

import re

from domain.failures import Failure
from entrypoints.http.dialects.dialect import ErrorBody

# The statuses of a failed provider call where the provider gave none that means anything to the caller.
_FAILURE_STATUS = {
    "unreachable": 502,
    "timed_out": 504,
    "overloaded": 429,
    "unavailable": 502,
    "credential_rejected": 502,
    "request_rejected": 400,
    "truncated": 502,
    "malformed": 502,
}
# What these say is about the account behind the hub, and the caller would take it for their own.
_OF_AN_ACCOUNT = (401, 402, 403)
# How the hub's own words about a provider begin: its host is for the operator, in `aihub call show`.
_WHERE = re.compile(r"^provider \S+ \([^)]*\) ")

# An overload that is told inside a stream, with the status that it would have had.
_BUSY_CODES = {"overloaded_error": 529, "server_is_overloaded": 503, "modelNotReadyException": 503}


def failure_error(failure: Failure, provider: str) -> ErrorBody:
    """A provider's failure as an error of the hub, for callers who cannot be shown the provider's own body."""
    kind = {"overloaded": "rate_limit", "request_rejected": "invalid_request"}.get(failure.kind, "provider")
    busy_status = _busy_status(failure)
    if busy_status is not None:
        kind = "overloaded"
    telling = failure.status >= 400 and failure.status not in _OF_AN_ACCOUNT
    theirs = telling and failure.kind in ("request_rejected", "overloaded", "unavailable")
    # The provider's own code for it is that of a caller whose key is wrong.
    ours = failure.kind == "credential_rejected"
    what = "rejected the hub's credential" if ours else _WHERE.sub("", failure.message)
    return ErrorBody(
        status=failure.status if theirs else busy_status or _FAILURE_STATUS[failure.kind],
        kind=kind,
        code=failure.kind if ours else failure.code or failure.kind,
        message=what if failure.kind == "request_rejected" else f"{provider}: {what}",
    )


def _busy_status(failure: Failure) -> int | None:
    """The status of a provider that has too much to do for everybody, which is no limit of this caller's; else None.

    529 is Anthropic's own. An error event inside a stream has no status, and is known by its code.
    """
    if failure.kind != "overloaded":
        return None
    if failure.status in (503, 529):
        return failure.status
    return _BUSY_CODES.get(failure.code or "") if failure.status < 400 else None
