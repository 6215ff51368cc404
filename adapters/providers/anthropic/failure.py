"""Convert Anthropic's errors to a `Failure`: an answer that is not 2xx, and an `error` event inside a stream.

House rule: the kind comes from the status; in a stream, which has no status, from the error's type; never from the
message. https://platform.claude.com/docs/en/api/errors
"""

import re

import msgspec

from adapters.providers.decode_errors import DECODE_ERRORS
from adapters.providers.rejection import MESSAGE_CHARACTERS_MAX, kind_of_status, retry_after_ms
from domain.failures import Failure, FailureKind

_SECRET = re.compile(r"\bsk-[A-Za-z0-9_-]{8,}")
_TAG = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.DOTALL | re.IGNORECASE)

_KINDS: dict[str, FailureKind] = {
    "overloaded_error": "overloaded",
    "rate_limit_error": "overloaded",
    "api_error": "unavailable",
    "timeout_error": "unavailable",
    "conflict_error": "unavailable",
    "authentication_error": "credential_rejected",
    "permission_error": "credential_rejected",
    "billing_error": "credential_rejected",  # the account of the hub's own credential, as in OpenAI's dialect
    "invalid_request_error": "request_rejected",
    "not_found_error": "request_rejected",
    "request_too_large": "request_rejected",
}


class ErrorDetail(msgspec.Struct, frozen=True):
    """Anthropic's `error` object."""

    type: str | None = None
    message: str | None = None


class _ErrorBody(msgspec.Struct, frozen=True):
    """An error body from Anthropic, or from a proxy or compatible server."""

    error: ErrorDetail | str | None = None
    message: str | None = None
    detail: str | None = None


_ERROR_BODY = msgspec.json.Decoder(_ErrorBody)


def failure(status: int, headers: dict[str, str], body: bytes) -> Failure:
    """Return an answer that is not 2xx as a failure, for any body: JSON of any shape, HTML, or nothing."""
    code, message = _read(body)
    return Failure(
        kind=kind_of_status(status),
        message=_clear(message) or f"the provider answered {status} without a message",
        status=status,
        code=code,
        retry_after_ms=retry_after_ms(headers),
        dialect="anthropic",
        body=body,
    )


def error_event(data: bytes) -> Failure:
    """Return an error after the start of the answer: it has a type but no status."""
    code, message = _read(data)
    return Failure(
        # An unknown type means that the provider failed, not the caller.
        kind=_KINDS.get(code or "", "unavailable"),
        message=_clear(message) or "the provider broke off without a message",
        code=code,
        dialect="anthropic",
        body=data,
    )


def malformed(message: str) -> Failure:
    """Return a failure for an answer that breaks the dialect's format."""
    return Failure(kind="malformed", message=message, dialect="anthropic")


def _read(body: bytes) -> tuple[str | None, str]:
    """Return the error's type and message."""
    try:
        error_body = _ERROR_BODY.decode(body)
    except DECODE_ERRORS:
        return None, _TAG.sub(" ", body[:20_000].decode(errors="replace"))
    if isinstance(error_body.error, ErrorDetail):
        return error_body.error.type, error_body.error.message or error_body.message or ""
    return None, error_body.error or error_body.message or error_body.detail or ""


def _clear(message: str) -> str:
    """Return one line of bounded length, without anything that looks like a key."""
    return _SECRET.sub("sk-…", " ".join(message.split()))[:MESSAGE_CHARACTERS_MAX]
