"""Anthropic as a provider: pass-through requests, and its failures."""

import msgspec
import pytest

from adapters.providers.anthropic import ANTHROPIC
from domain.failures import Failure
from domain.model_api.call import ModelCall
from tests.support.anthropic import attempt


def test_a_passed_through_body_keeps_every_byte_but_model_and_cap() -> None:
    fields = {"new_field": b'{"a" : 1.50}', "model": b'"hub/claude"', "max_tokens": b"4096", "messages": b"[ ]"}
    call = ModelCall(
        dialect="anthropic",
        model="hub/claude",
        fields={name: msgspec.Raw(value) for name, value in fields.items()},
        body_bytes=99,
    )

    assert (
        ANTHROPIC.pass_through(call, attempt("claude-9", output_cap=300))
        == b'{"new_field":{"a" : 1.50},"model":"claude-9","max_tokens":300,"messages":[ ]}'
    )
    assert b'"max_tokens":4096' in ANTHROPIC.pass_through(call, attempt("claude-9"))


def test_the_secret_goes_into_its_header_alone() -> None:
    assert ANTHROPIC.headers("sk-ant-1") == (("x-api-key", "sk-ant-1"), ("anthropic-version", "2023-06-01"))
    assert ANTHROPIC.headers(None) == (("anthropic-version", "2023-06-01"),)


# --- failures -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "request_rejected"),
        (401, "credential_rejected"),
        (402, "credential_rejected"),
        (403, "credential_rejected"),
        (404, "request_rejected"),
        (408, "unavailable"),
        (409, "unavailable"),
        (413, "request_rejected"),
        (429, "overloaded"),
        (500, "unavailable"),
        (502, "unavailable"),
        (529, "overloaded"),
        (307, "malformed"),
    ],
)
def test_a_failure_is_blamed_by_its_status(status: int, kind: str) -> None:
    assert ANTHROPIC.failure(status, {}, b"rate limit overloaded invalid key").kind == kind


def test_a_failure_keeps_the_providers_message() -> None:
    body = b'{"type":"error","error":{"type":"invalid_request_error","message":"max_tokens: too large"}}'

    assert ANTHROPIC.failure(400, {}, body) == Failure(
        kind="request_rejected",
        message="max_tokens: too large",
        status=400,
        code="invalid_request_error",
        dialect="anthropic",
        body=body,
    )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error":"no such route"}', "no such route"),
        (b'{"message":"slow down"}', "slow down"),
        (b'{"detail":"not here"}', "not here"),
        (b'{"error":{"type":3}}', '{"error":{"type":3}}'),
        (b"<html><style>p{}</style><body><h1>502</h1>\n<p>Bad Gateway</p></html>", "502 Bad Gateway"),
        (b"\xff\xfe", "��"),
        (b"", "the provider answered 502 without a message"),
    ],
)
def test_any_body_gives_a_message(body: bytes, message: str) -> None:
    assert ANTHROPIC.failure(502, {}, body).message == message


def test_no_key_is_repeated_in_a_message() -> None:
    body = b'{"error":{"message":"invalid x-api-key: sk-ant-api03-abcdefgh_12345"}}'

    assert ANTHROPIC.failure(401, {}, body).message == "invalid x-api-key: sk-…"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7_000),
        ({"retry-after": "1.25"}, 1_250),
        ({"retry-after-ms": "350", "retry-after": "7"}, 350),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT", "date": "Wed, 21 Oct 2026 07:27:30 GMT"}, 30_000),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT", "date": "Wed, 21 Oct 2026 07:29:30 GMT"}, 0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "1e999999999"}, None),
        ({"retry-after": "-1"}, None),
    ],
)
def test_the_retry_time_is_read(headers: dict[str, str], expected: int | None) -> None:
    assert ANTHROPIC.failure(429, headers, b"").retry_after_ms == expected


def test_a_message_is_a_line_of_bounded_length() -> None:
    failure = ANTHROPIC.failure(500, {}, b"word\n" * 1_000)

    assert len(failure.message) == 2_000
    assert "\n" not in failure.message
