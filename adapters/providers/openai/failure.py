"""Failures reported by OpenAI and by the many servers with nearly the same error format.

House rule: the kind of a failure comes from a status or a code, never from the text of a message. For every input this
module returns a `Failure` and raises nothing.
"""

from typing import Any

import msgspec

from adapters.providers.decode_errors import DECODE_ERRORS
from adapters.providers.rejection import MESSAGE_CHARACTERS_MAX, kind_of_status, retry_after_ms
from domain.failures import Failure, FailureKind
from domain.model_api.events import Broken

NAME = "openai"


# An error inside a stream has HTTP 200, so its code decides. OpenAI's codes are listed at
# https://developers.openai.com/api/docs/guides/error-codes; the others are those of compatible servers.
_KINDS: dict[str, FailureKind] = {
    "rate_limit_error": "overloaded",
    "rate_limit_exceeded": "overloaded",
    "insufficient_quota": "overloaded",
    "slow_down": "overloaded",
    "server_is_overloaded": "overloaded",
    "overloaded_error": "overloaded",
    "service_unavailable_error": "unavailable",
    "server_error": "unavailable",
    "api_error": "unavailable",
    "timeout": "unavailable",
    "authentication_error": "credential_rejected",
    "invalid_api_key": "credential_rejected",
    "permission_error": "credential_rejected",
    "invalid_request_error": "request_rejected",
    "BadRequestError": "request_rejected",
    "context_length_exceeded": "request_rejected",
    "content_filter": "request_rejected",
    "tool_use_failed": "request_rejected",
}


def failure(status: int, headers: dict[str, str], body: bytes) -> Failure:
    """Return an answer that is not 2xx as a failure; a 429 with `retry-after: 20` asks for a retry after 20,000 ms."""
    parsed = decoded(body)
    error = parsed.get("error", parsed) if isinstance(parsed, dict) else parsed
    return Failure(
        kind=kind_of_status(status),
        message=_message(error) or _message(parsed) or _sentence(status, body),
        status=status,
        code=_code(error),
        retry_after_ms=retry_after_ms(headers),
        dialect=NAME,
        body=body,
    )


def reported_error(error: Any, body: bytes) -> Broken:
    """Return the event for an error object that came with HTTP 200, in a stream or in place of an answer.

    `status` is the one in the object itself, such as OpenRouter's `code` and Groq's `status_code`, else 0.
    """
    status = _status(error)
    return Broken(
        failure=Failure(
            kind=kind_of_status(status) if status else _kind_of_code(error),
            message=_message(error) or "The provider reported an error without a message.",
            status=status,
            code=_code(error),
            dialect=NAME,
            body=body,
        )
    )


def malformed(problem: str) -> Broken:
    """Return the event for an answer that breaks the dialect's format; `problem` describes the defect."""
    return Broken(failure=Failure(kind="malformed", message=f"The provider's answer is malformed: {problem}"))


def _kind_of_code(error: Any) -> FailureKind:
    """Return the kind by `code`, which is more precise, else by `type`; an unknown value is the provider's fault."""
    if isinstance(error, dict):
        for name in ("code", "type"):
            value = error.get(name)
            if isinstance(value, str) and value in _KINDS:
                return _KINDS[value]
    return "unavailable"


def _status(error: Any) -> int:
    if isinstance(error, dict):
        for name in ("status_code", "status", "code"):
            value = error.get(name)
            if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) == 3:
                value = int(value)
            if isinstance(value, int) and 400 <= value < 600:
                return value
    return 0


def _code(error: Any) -> str | None:
    if isinstance(error, dict):
        for name in ("code", "type"):
            value = error.get(name)
            if isinstance(value, str) and value:
                return value
            if isinstance(value, int) and not isinstance(value, bool):
                return str(value)
    return None


def _message(value: Any) -> str:
    """Return the message for humans, wherever a server puts it.

    OpenAI has `error.message`, Ollama `{"error": "text"}`, Mistral `{"message": ...}`, FastAPI `{"detail": ...}`, which
    may be a list of objects.
    """
    if isinstance(value, str):
        return value.strip()[:MESSAGE_CHARACTERS_MAX]
    if isinstance(value, list):
        return "; ".join(filter(None, map(_message, value[:8])))[:MESSAGE_CHARACTERS_MAX]
    if isinstance(value, dict):
        for name in ("message", "detail", "msg", "error"):
            if text := _message(value.get(name)):
                return text
    return ""


def _sentence(status: int, body: bytes) -> str:
    """Return a message for a body without one: a web page is never quoted, plain text is."""
    text = body.decode("utf-8", "replace").strip()
    if not text:
        return f"The provider answered HTTP {status} without a body."
    if text[0] == "<":
        return f"The provider answered HTTP {status} with a web page instead of JSON."
    if text[0] in "{[":
        return f"The provider answered HTTP {status} without an error message."
    return text[:MESSAGE_CHARACTERS_MAX]


def decoded(body: bytes) -> Any:
    """Return the body's JSON as plain values, or None if it is invalid."""
    try:
        return msgspec.json.decode(body)
    except DECODE_ERRORS:
        return None
