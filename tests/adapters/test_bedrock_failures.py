"""How Bedrock fails before an answer: by the exception's name, by the status, and without what was signed."""

import pytest

from adapters.providers.bedrock import BEDROCK
from domain.failures import Failure


@pytest.mark.parametrize(
    ("status", "name", "kind"),
    [
        (429, "ThrottlingException", "overloaded"),
        (429, "ModelNotReadyException", "overloaded"),
        (400, "ServiceQuotaExceededException", "overloaded"),
        (503, "ServiceUnavailableException", "unavailable"),
        (500, "InternalServerException", "unavailable"),
        (408, "ModelTimeoutException", "unavailable"),
        (424, "ModelErrorException", "unavailable"),
        (400, "ValidationException", "request_rejected"),
        (404, "ResourceNotFoundException", "request_rejected"),
        (403, "AccessDeniedException", "unavailable"),
        (403, "UnrecognizedClientException", "credential_rejected"),
        (403, "ExpiredTokenException", "credential_rejected"),
        (400, "AnExceptionOfTomorrow", "request_rejected"),
        (429, None, "overloaded"),
        (401, None, "credential_rejected"),
        (500, None, "unavailable"),
        (307, None, "malformed"),
    ],
)
def test_a_failure_is_blamed_by_the_exceptions_name_else_by_the_status(
    status: int, name: str | None, kind: str
) -> None:
    headers = {} if name is None else {"x-amzn-errortype": f"{name}:http://internal.amazon.com/coral/"}

    failure = BEDROCK.failure(status, headers, b'{"message":"throttled credential expired"}')

    assert (kind, name, "throttled credential expired", status) == (
        failure.kind,
        failure.code,
        failure.message,
        failure.status,
    )


def test_a_failure_keeps_the_providers_message() -> None:
    body = b'{"message":"The provided model identifier is invalid."}'

    assert BEDROCK.failure(400, {}, body) == Failure(
        kind="request_rejected",
        message="The provided model identifier is invalid.",
        status=400,
        dialect="bedrock",
        body=body,
    )


@pytest.mark.parametrize(
    ("body", "message", "code"),
    [
        (b'{"Message":"slow down"}', "slow down", None),
        (b'{"__type":"com.amazon.coral.service#AccessDeniedException","message":"no"}', "no", "AccessDeniedException"),
        (b"<html><h1>502</h1></html>", "the provider answered 502 without a message", None),
        (b'{"error":7}', "the provider answered 502 without a message", None),
        (b'{"message":7}', "the provider answered 502 without a message", None),
        (b"upstream\nfailed", "upstream failed", None),
        (b"", "the provider answered 502 without a message", None),
    ],
)
def test_any_body_gives_a_message(body: bytes, message: str, code: str | None) -> None:
    failure = BEDROCK.failure(502, {}, body)

    assert (message, code) == (failure.message, failure.code)


def test_what_was_signed_is_not_repeated() -> None:
    """AWS answers a wrong signature with all that it signed itself, a session's token among it."""
    body = b'{"message":"The request signature we calculated does not match. x-amz-security-token:IQoJb3JpZ2lu"}'

    failure = BEDROCK.failure(403, {"x-amzn-errortype": "InvalidSignatureException"}, body)

    assert "credential_rejected" == failure.kind
    assert "IQoJb3JpZ2lu" not in repr(failure)
    assert "secret access key" in failure.message


def test_the_hubs_aws_account_is_not_shown() -> None:
    said = b'{"message":"User: arn:aws:iam::123456789012:user/hub is not authorized to perform: bedrock:InvokeModel"}'

    failure = BEDROCK.failure(403, {"x-amzn-errortype": "AccessDeniedException"}, said)

    assert "User: arn:aws:iam::… is not authorized to perform: bedrock:InvokeModel" == failure.message


def test_the_retry_time_is_read() -> None:
    assert 7_000 == BEDROCK.failure(429, {"retry-after": "7"}, b"").retry_after_ms


def test_a_message_is_a_line_of_bounded_length() -> None:
    failure = BEDROCK.failure(500, {}, b'{"message":"' + b"word " * 1_000 + b'"}')

    assert 2_000 >= len(failure.message)
