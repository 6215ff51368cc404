"""The provider shell over real sockets: no failure tells a secret, whatever the provider does."""

import msgspec
import pytest

from adapters.providers.http import HttpProviders
from domain.failures import Failure
from tests.adapters.http_attempts import HELLO, SECRET, WHOLE, answered, attempt_at, breach, chat, failed, outcome
from tests.support.provider import StubProvider, answering, streaming

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("status", [200, 302, 400, 401, 500])
@pytest.mark.parametrize("spelt", [SECRET, SECRET.replace("/", "\\/")])
async def test_no_failure_reveals_a_secret_that_a_provider_repeats(
    providers: HttpProviders, stream: bool, status: int, spelt: str
) -> None:
    error = f'{{"error":{{"message":"Bad key {spelt}","type":"{spelt}","code":"{spelt}"}}}}'.encode()
    async with StubProvider(answering(status, error, {"Location": f"/?key={SECRET}"})) as stub:
        found = await outcome(providers, attempt_at(stub.base_url), chat(stream))

    failure = found if isinstance(found, Failure) else breach(found)
    assert_silent(failure)


async def test_no_broken_stream_reveals_a_secret_that_a_provider_repeats(providers: HttpProviders) -> None:
    error = f'data: {{"error":{{"message":"Bad key {SECRET}","code":"{SECRET}"}}}}\n\n'.encode()

    assert_silent(breach(await answered(providers, streaming(HELLO, error), chat())))


async def test_no_failure_reveals_a_secret_that_cannot_even_be_sent(providers: HttpProviders) -> None:
    async with StubProvider(answering(200, WHOLE)) as stub:
        failure = await failed(providers, attempt_at(stub.base_url, secret=SECRET + "\n"), chat())

    assert failure.kind == "unreachable"
    assert_silent(failure)


async def test_what_the_hub_keeps_of_a_provider_does_not_print_its_secret(providers: HttpProviders) -> None:
    line = providers.lines.to(attempt_at("http://127.0.0.1:1/v1").target, stream=False)

    assert "127.0.0.1:1" in repr(line)
    assert SECRET not in repr(line)


def assert_silent(failure: Failure) -> None:
    reported = f"{failure!r} {failure.body.decode()} {msgspec.json.encode(failure).decode()}".replace("\\", "")
    assert SECRET not in reported
    assert "456789" not in reported
