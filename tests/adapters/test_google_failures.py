"""Google's ways to fail: by status, by the one reason that the status hides, and when to come back."""

import json
from typing import Any

import pytest

from adapters.providers.google import GOOGLE


def body(code: int, status: str, message: str = "No.", **detail: Any) -> bytes:
    error = {"code": code, "message": message, "status": status, "details": [{"@type": "x", **detail}]}
    return json.dumps({"error": error}).encode()


@pytest.mark.parametrize(
    ("status", "word", "kind"),
    [
        (400, "INVALID_ARGUMENT", "request_rejected"),
        (401, "UNAUTHENTICATED", "credential_rejected"),
        (403, "PERMISSION_DENIED", "credential_rejected"),
        (404, "NOT_FOUND", "request_rejected"),
        (429, "RESOURCE_EXHAUSTED", "overloaded"),
        (500, "INTERNAL", "unavailable"),
        (503, "UNAVAILABLE", "unavailable"),
        (504, "DEADLINE_EXCEEDED", "unavailable"),
    ],
)
def test_the_kind_comes_from_the_status(status: int, word: str, kind: str) -> None:
    sent = body(status, word)
    failure = GOOGLE.failure(status, {}, sent)

    assert (kind, word, status, "No.", "google", sent) == (
        failure.kind,
        failure.code,
        failure.status,
        failure.message,
        failure.dialect,
        failure.body,
    )


def test_a_key_that_is_not_valid_is_the_hubs_fault_though_google_answers_400() -> None:
    sent = body(400, "INVALID_ARGUMENT", "API key not valid.", reason="API_KEY_INVALID", domain="googleapis.com")

    assert "credential_rejected" == GOOGLE.failure(400, {}, sent).kind


@pytest.mark.parametrize(
    ("delay", "waited_ms"), [("36s", 36_000), ("36.5s", 36_500), ("0.0001s", 1), ("soon", None), ("-3s", None)]
)
def test_when_to_come_back_stands_in_the_details(delay: str, waited_ms: int | None) -> None:
    sent = body(429, "RESOURCE_EXHAUSTED", retryDelay=delay)

    assert waited_ms == GOOGLE.failure(429, {}, sent).retry_after_ms


def test_the_header_goes_before_the_details() -> None:
    sent = body(429, "RESOURCE_EXHAUSTED", retryDelay="36s")

    assert 2_000 == GOOGLE.failure(429, {"retry-after": "2"}, sent).retry_after_ms


def test_an_error_may_come_in_a_list() -> None:
    """As a stream without `alt=sse` would send it, and proxies do."""
    assert "No." == GOOGLE.failure(400, {}, b"[" + body(400, "INVALID_ARGUMENT") + b"]").message


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (b"", "the provider answered 502 without a message"),
        (b"<html><style>p{}</style><h1>502 Bad   Gateway</h1></html>", "502 Bad Gateway"),
        (b'{"error":"gone"}', "gone"),
        (b"[]", "the provider answered 502 without a message"),
    ],
)
def test_a_body_of_any_shape_is_understood(sent: bytes, message: str) -> None:
    failure = GOOGLE.failure(502, {}, sent)

    assert ("unavailable", message) == (failure.kind, failure.message)
