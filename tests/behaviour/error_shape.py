"""How an error looks, asserted in one place; `test_errors.py` says the contract in words."""

from typing import Any

from tests.behaviour.plain_calls import BALANCE, MESSAGES, Response

OPENAI_TYPES = {
    "invalid_request_error",
    "permission_error",
    "insufficient_quota",
    "NOT_ENOUGH",
    "rate_limit_error",
    "service_unavailable_error",
    "server_error",
}
ANTHROPIC_TYPES = {
    400: {"invalid_request_error"},
    401: {"authentication_error"},
    402: {"billing_error"},
    403: {"permission_error"},
    404: {"not_found_error", "invalid_request_error"},
    405: {"invalid_request_error"},
    409: {"conflict_error"},
    413: {"request_too_large", "invalid_request_error"},
    415: {"invalid_request_error"},
    426: {"invalid_request_error"},
    429: {"rate_limit_error"},
    500: {"api_error"},
    502: {"api_error"},
    503: {"overloaded_error", "api_error"},
    504: {"api_error"},
    529: {"overloaded_error"},
}
GOOGLE_STATUSES = {
    400: {"INVALID_ARGUMENT"},
    401: {"UNAUTHENTICATED"},
    402: {"FAILED_PRECONDITION"},
    403: {"PERMISSION_DENIED"},
    404: {"NOT_FOUND"},
    502: {"UNAVAILABLE"},
    504: {"DEADLINE_EXCEEDED"},
}


def is_google(path: str) -> bool:
    """Whether callers of the path speak the dialect of Gemini's API."""
    return path.startswith("/v1beta/models") or "Content" in path.rpartition(":")[2]


def is_aignes_own(path: str) -> bool:
    """Whether the path is of AIGNE's management, whose errors are a text."""
    return path.startswith(("/api/ai-providers", "/api/ai", "/api/user/", "/api/usage/")) and path != BALANCE


def is_openrouters_own(path: str) -> bool:
    """Whether the path is of OpenRouter's API of keys, whose errors have the status as their code."""
    return path.startswith(("/openrouter/api/v1/key", "/api/v1/key")) and not path.startswith("/api/v1/keys")


def is_anthropic(path: str) -> bool:
    """Whether callers of the path speak Anthropic's dialect."""
    return path.startswith(MESSAGES)


def check_error(received: Response, path: str, status: int | None = None, code: str | None = None) -> dict[str, Any]:
    """The error object of an answer that holds to the contract; the status and the code are as expected."""
    if status is not None:
        assert status == received.status, received.body
    assert 400 <= received.status < 600
    assert "application/json" == received.header("content-type")
    reported = received.json()
    if is_aignes_own(path):
        assert isinstance(reported["error"], str)
        assert 5 <= len(reported["error"]) <= 4_000
        assert str(received.header("x-request-id")).startswith("call_")
        return dict(reported)
    if is_openrouters_own(path):
        assert ["code", "message"] == sorted(reported["error"])
        assert received.status == reported["error"]["code"]
        assert str(received.header("x-request-id")).startswith("call_")
        return dict(reported["error"])
    if is_google(path):
        return _check_google(received, reported, code)
    if is_anthropic(path):
        assert ["error", "request_id", "type"] == sorted(reported)
        assert "error" == reported["type"]
        error: dict[str, Any] = reported["error"]
        assert error["type"] in ANTHROPIC_TYPES[received.status], (received.status, error["type"])
        assert error.get("param", "") is not None
        request_id = reported["request_id"]
        assert request_id == received.header("request-id")
    else:
        assert ["error"] == list(reported)
        error = reported["error"]
        assert error["type"] in OPENAI_TYPES
        assert error["param"] is None or isinstance(error["param"], str)
        request_id = error["request_id"]
    assert request_id == received.header("x-request-id")
    assert request_id.startswith("call_")
    assert isinstance(error["message"], str)
    assert 10 <= len(error["message"]) <= 4_000
    assert isinstance(error["code"], str)
    assert error["code"]
    if code is not None:
        assert code == error["code"]
    return error


def _check_google(received: Response, reported: dict[str, Any], code: str | None) -> dict[str, Any]:
    assert ["error"] == list(reported)
    error: dict[str, Any] = reported["error"]
    assert ["code", "details", "message", "status"] == sorted(error)
    assert received.status == error["code"]
    assert error["status"] in GOOGLE_STATUSES[received.status]
    assert 10 <= len(error["message"]) <= 4_000
    info, request = error["details"][0], error["details"][-1]
    assert info["reason"]
    assert code in (None, info["reason"])
    assert request["requestId"] == received.header("x-request-id")
    assert request["requestId"].startswith("call_")
    return error
