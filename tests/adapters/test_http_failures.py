"""The provider shell over real sockets: refusals, and providers that are not there or make no sense."""

import msgspec
import pytest

from adapters.providers.http import HttpProviders
from tests.adapters.http_attempts import WHOLE, answered, attempt_at, breach, chat, failed
from tests.support.provider import Received, Reply, StubProvider, answering

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "request_rejected"),
        (401, "credential_rejected"),
        (403, "credential_rejected"),
        (404, "request_rejected"),
        (408, "unavailable"),
        (409, "unavailable"),
        (429, "overloaded"),
        (500, "unavailable"),
        (503, "unavailable"),
    ],
)
async def test_an_error_status_is_a_failure_of_its_kind(providers: HttpProviders, status: int, kind: str) -> None:
    body = b'{"error":{"message":"No.","type":"t","param":null,"code":"c"}}'
    async with StubProvider(answering(status, body)) as stub:
        failure = await failed(providers, attempt_at(stub.base_url), chat())

    assert (kind, status, body) == (failure.kind, failure.status, failure.body)
    assert "No." in failure.message


async def test_retry_after_is_reported_in_milliseconds(providers: HttpProviders) -> None:
    async with StubProvider(answering(429, b"{}", {"Retry-After": "7"})) as stub:
        failure = await failed(providers, attempt_at(stub.base_url), chat())

    assert failure.retry_after_ms == 7000


async def test_no_more_than_a_mebibyte_of_an_error_is_kept(providers: HttpProviders) -> None:
    async with StubProvider(answering(500, b"x" * 3_000_000)) as stub:
        failure = await failed(providers, attempt_at(stub.base_url), chat())

    assert (500, "unavailable") == (failure.status, failure.kind)
    assert len(failure.body) <= 1024 * 1024


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(providers: HttpProviders, status: int) -> None:
    async with StubProvider(answering(status, b"", {"Location": "/elsewhere"})) as stub:
        failure = await failed(providers, attempt_at(stub.base_url), chat())

    assert ("malformed", status) == (failure.kind, failure.status)
    assert "redirects are not followed" in failure.message
    assert len(stub.requests) == 1


async def test_an_error_under_a_status_of_success_is_a_failure(providers: HttpProviders) -> None:
    error = b'{"error":{"message":"Out of order","code":502}}'
    failure = breach(await answered(providers, answering(200, error), chat()))

    assert ("unavailable", 502) == (failure.kind, failure.status), "the status that the error has in itself"
    assert "Out of order" in failure.message
    assert not failure.may_be_paid


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, br", "snappy"])
async def test_an_encoding_that_cannot_be_unpacked_is_malformed(providers: HttpProviders, encoding: str) -> None:
    failure = breach(await answered(providers, answering(200, b"nonsense", {"Content-Encoding": encoding}), chat()))

    assert failure.kind == "malformed"
    assert failure.may_be_paid


async def test_a_provider_that_is_not_there_is_unreachable(providers: HttpProviders) -> None:
    async with StubProvider(answering(200, WHOLE)) as stub:
        pass
    failure = await failed(providers, attempt_at(stub.base_url), chat())

    assert ("unreachable", 0) == (failure.kind, failure.status)
    assert f"provider acme (127.0.0.1:{stub.port})" in failure.message


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 200 OK\r\nContent-Le"])
async def test_a_connection_closed_without_an_answer_is_a_failure(providers: HttpProviders, answer: bytes) -> None:
    async def handler(request: Received, reply: Reply) -> None:
        await reply.wire(answer)
        await reply.cut()

    async with StubProvider(handler) as stub:
        failure = await failed(providers, attempt_at(stub.base_url), chat())

    assert failure.kind == "unavailable"
    assert failure.may_be_paid, "it had the request, and may have been at work"


@pytest.mark.parametrize("base_url", ["", "https://", "nonsense", "ftp://127.0.0.1/v1", "http://user:pw@127.0.0.1:1"])
async def test_a_base_url_that_leads_nowhere_is_unreachable(providers: HttpProviders, base_url: str) -> None:
    failure = await failed(providers, attempt_at(base_url), chat())

    assert failure.kind == "unreachable"
    assert "pw" not in failure.message


async def test_a_credential_that_cannot_be_unsealed_is_a_failure_of_the_credential(providers: HttpProviders) -> None:
    attempt = attempt_at("http://127.0.0.1:1")
    target = msgspec.structs.replace(attempt.target, credential_id="cred_2")
    failure = await failed(providers, msgspec.structs.replace(attempt, target=target), chat())

    assert ("credential_rejected", "credential_unreadable") == (failure.kind, failure.code)
