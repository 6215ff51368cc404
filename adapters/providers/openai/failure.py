"""Failures in OpenAI's words, and in the words of the many servers that speak nearly the same.

House rule: the kind of a failure comes from a status or a code, never from the text of a message; whatever a
server sends, a `Failure` comes out of here and no exception.
"""

from typing import Any

import msgspec

from adapters.providers.decode_errors import NONSENSE
from adapters.providers.rejection import MESSAGE_CHARACTERS_MAX, kind_of_status, retry_after_ms
from domain.failures import Failure, FailureKind
from domain.model_api.events import Broken

NAME = "openai"


# What is said inside a stream comes under HTTP 200, so its code has to tell. OpenAI's own words are listed at
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
    """An answer that is not 2xx as a failure; a 429 with `retry-after: 20` says to come back in 20,000 ms."""
    said = decoded(body)
    error = said.get("error", said) if isinstance(said, dict) else said
    return Failure(
        kind=kind_of_status(status),
        message=_message(error) or _message(said) or _sentence(status, body),
        status=status,
        code=_code(error),
        retry_after_ms=retry_after_ms(headers),
        dialect=NAME,
        body=body,
    )


def told(error: Any, body: bytes) -> Broken:
    """An error object that came under HTTP 200, in a stream or instead of an answer.

    `status` is the one that the object itself gives, as OpenRouter's `code` and Groq's `status_code` do, else 0.
    """
    status = _status(error)
    return Broken(
        failure=Failure(
            kind=kind_of_status(status) if status else _kind_of_words(error),
            message=_message(error) or "The provider reported an error without a message.",
            status=status,
            code=_code(error),
            dialect=NAME,
            body=body,
        )
    )


def malformed(problem: str) -> Broken:
    """The answer is not what the dialect promises; `problem` says what is wrong with it."""
    return Broken(failure=Failure(kind="malformed", message=f"The provider's answer is malformed: {problem}"))


def _kind_of_words(error: Any) -> FailureKind:
    """By `code`, which is the finer word, else by `type`; an unknown word is the provider's trouble."""
    if isinstance(error, dict):
        for name in ("code", "type"):
            word = error.get(name)
            if isinstance(word, str) and word in _KINDS:
                return _KINDS[word]
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


def _message(said: Any) -> str:
    """The human sentence, wherever a server puts it.

    OpenAI has `error.message`, Ollama `{"error": "text"}`, Mistral `{"message": ...}`, FastAPI `{"detail": ...}`,
    which may be a list of objects.
    """
    if isinstance(said, str):
        return said.strip()[:MESSAGE_CHARACTERS_MAX]
    if isinstance(said, list):
        return "; ".join(filter(None, map(_message, said[:8])))[:MESSAGE_CHARACTERS_MAX]
    if isinstance(said, dict):
        for name in ("message", "detail", "msg", "error"):
            if text := _message(said.get(name)):
                return text
    return ""


def _sentence(status: int, body: bytes) -> str:
    """What to say when the body says nothing: a web page is never quoted, plain text is."""
    text = body.decode("utf-8", "replace").strip()
    if not text:
        return f"The provider answered HTTP {status} without a body."
    if text[0] == "<":
        return f"The provider answered HTTP {status} with a web page instead of JSON."
    if text[0] in "{[":
        return f"The provider answered HTTP {status} without an error message."
    return text[:MESSAGE_CHARACTERS_MAX]


def decoded(body: bytes) -> Any:
    """The body's JSON as plain values, None where it is none."""
    try:
        return msgspec.json.decode(body)
    except NONSENSE:
        return None
