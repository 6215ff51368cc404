"""A provider's failure as a message, with the status that a caller can act on."""

from domain.failures import Failure
from domain.refusals import ProviderFailed
from entrypoints.http.dialects.dialect import ErrorBody
from entrypoints.refusals.sentences import Sentences, Words
from entrypoints.refusals.table import record_of

_WORDS = Words()

# These concern the hub's account at the provider; a caller would take them for their own account.
_OF_AN_ACCOUNT = (401, 402, 403)
# An overload that is reported inside a stream, with the status that it would have had.
_BUSY_CODES = {"overloaded_error": 529, "server_is_overloaded": 503, "modelNotReadyException": 503}


def failure_error(failure: Failure, provider: str) -> ErrorBody:
    """A provider's failure as an error of the hub, for callers who cannot be shown the provider's own body."""
    refusal = ProviderFailed(failure=failure, provider=provider)
    record = record_of(refusal)
    busy_status = _busy_status(failure)
    telling = failure.status >= 400 and failure.status not in _OF_AN_ACCOUNT
    theirs = telling and failure.kind in ("request_rejected", "overloaded", "unavailable")
    # The provider's own code would mean that the caller's key is wrong.
    code = failure.kind if failure.kind == "credential_rejected" else failure.code or failure.kind
    return ErrorBody(
        status=failure.status if theirs else busy_status or record.status,
        kind=record.kind if busy_status is None else "overloaded",
        code=code,
        message=Sentences(refusal, record, _WORDS).whole(),
    )


def _busy_status(failure: Failure) -> int | None:
    """The status of a provider that is overloaded for all callers, not limited for this one; else None.

    529 is Anthropic's own. An error event inside a stream has no status, and is known by its code.
    """
    if failure.kind != "overloaded":
        return None
    if failure.status in (503, 529):
        return failure.status
    return _BUSY_CODES.get(failure.code or "") if failure.status < 400 else None
