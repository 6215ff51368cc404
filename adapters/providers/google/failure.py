"""Convert Google's errors to a `Failure`: an answer that is not 2xx, and an error inside a stream.

House rule: the kind comes from the status, with one exception. An invalid key is answered 400, as if the request were
wrong, with the reason API_KEY_INVALID in the details. https://ai.google.dev/gemini-api/docs/troubleshooting,
https://google.aip.dev/193
"""

import re

import msgspec

from adapters.providers.decode_errors import DECODE_ERRORS
from adapters.providers.rejection import MESSAGE_CHARACTERS_MAX, kind_of_status, retry_after_ms
from domain.failures import Failure, FailureKind
from domain.model_api.events import Broken

NAME = "google"

_KEY_REASONS = frozenset(("API_KEY_INVALID", "API_KEY_SERVICE_BLOCKED", "ACCESS_TOKEN_EXPIRED"))
_DURATION = re.compile(r"(\d{1,9})(?:\.(\d{1,9}))?s", re.ASCII)
_TAG = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.DOTALL | re.IGNORECASE)


class _Detail(msgspec.Struct, frozen=True, rename="camel"):
    """One of an error's details: an `ErrorInfo` has a reason, a `RetryInfo` a delay."""

    reason: str | None = None
    retry_delay: str | None = None


class Status(msgspec.Struct, frozen=True):
    """Google's `error` object."""

    code: int = 0
    message: str = ""
    status: str | None = None
    details: list[_Detail] | None = None


class _Body(msgspec.Struct, frozen=True):
    error: Status | str | None = None


_BODY = msgspec.json.Decoder(_Body | list[_Body])


def failure(status: int, headers: dict[str, str], body: bytes) -> Failure:
    """Return an answer that is not 2xx as a failure, for any body: JSON, the same JSON in a list, HTML, or nothing."""
    error = read(body)
    return Failure(
        kind=_kind(status, error),
        message=_clear(error.message) or f"the provider answered {status} without a message",
        status=status,
        code=error.status,
        retry_after_ms=retry_after_ms(headers) or _delay_ms(error),
        dialect=NAME,
        body=body,
    )


def error_event(error: Status, body: bytes) -> Failure:
    """Return an error that came with a success status; its code is the status that it would have had."""
    return Failure(
        kind=_kind(error.code or 500, error),
        message=_clear(error.message) or "the provider broke off without a message",
        status=error.code if 400 <= error.code < 600 else 0,
        code=error.status,
        retry_after_ms=_delay_ms(error),
        dialect=NAME,
        body=body,
    )


def malformed(message: str) -> Broken:
    """Return the event for an answer that breaks the dialect's format."""
    return Broken(failure=Failure(kind="malformed", message=message, dialect=NAME))


def read(body: bytes) -> Status:
    """Return the error in a body; for a body that is not JSON, its text."""
    try:
        found = _BODY.decode(body)
    except DECODE_ERRORS:
        return Status(message=_TAG.sub(" ", body[:20_000].decode(errors="replace")))
    first = (found[0] if found else _Body()) if isinstance(found, list) else found
    if isinstance(first.error, Status):
        return first.error
    return Status(message=first.error or "")


def _kind(status: int, error: Status) -> FailureKind:
    if any(detail.reason in _KEY_REASONS for detail in error.details or ()):
        return "credential_rejected"
    return kind_of_status(status)


def _delay_ms(error: Status) -> int | None:
    """Return `retryDelay` of a `RetryInfo`, a duration such as "36.5s", rounded up to milliseconds."""
    for detail in error.details or ():
        if detail.retry_delay and (match := _DURATION.fullmatch(detail.retry_delay)):
            nanos = int((match[2] or "").ljust(9, "0"))
            return int(match[1]) * 1000 - (-nanos // 1_000_000)
    return None


def _clear(message: str) -> str:
    """Return one line of bounded length."""
    return " ".join(message.split())[:MESSAGE_CHARACTERS_MAX]
