"""Failures of OpenAI's Responses API: a rejection, an `error` event, an answer with status `failed`.

House rule: the shapes and most codes are those of chat completions and are read there. The kind of a failure comes from
a status or a code, never from the text of a message.
"""

from typing import Any

import msgspec

from adapters.providers.openai.failure import failure as chat_failure
from adapters.providers.openai.failure import malformed as malformed
from adapters.providers.openai.failure import reported_error as chat_error
from domain.failures import Failure
from domain.model_api.events import Broken

NAME = "openai-responses"

# Codes of a failed answer that mean that the request was at fault, in addition to OpenAI's server_error and
# rate_limit_exceeded (https://developers.openai.com/api/reference/resources/responses, `error.code`).
_REQUESTS = frozenset(
    {
        "invalid_prompt",
        "bio_policy",
        "data_residency_mismatch",
        "misalignment_policy_violation",
        "failed_to_download_image",
        "image_file_not_found",
        "empty_image_file",
        "unsupported_image_media_type",
    }
)
_REQUEST_PREFIXES = ("invalid_", "image_")


def failure(status: int, headers: dict[str, str], body: bytes) -> Failure:
    """Return an answer that is not 2xx as a failure."""
    return msgspec.structs.replace(chat_failure(status, headers, body), dialect=NAME)


def reported_error(error: Any) -> Broken:
    """Return the event for an error object that came with HTTP 200, in an `error` event or in a failed answer.

    Its body is an event or a complete answer, not an error body, so it is never shown as one.
    """
    error_failure = chat_error(error, b"").failure
    code = error_failure.code or ""
    if code in _REQUESTS or (code.startswith(_REQUEST_PREFIXES) and code != "invalid_api_key"):
        error_failure = msgspec.structs.replace(error_failure, kind="request_rejected")
    return Broken(failure=msgspec.structs.replace(error_failure, dialect=None))
