"""The provider shell over real sockets: a provider that falls silent, and a caller who leaves."""

import anyio
import pytest

from adapters.providers.http import HttpProviders
from domain.failures import Failure
from domain.model_api.events import Ended
from ports.providers import Answer, Chunk
from tests.adapters.http_attempts import DONE, HELLO, STOP, WHOLE, attempt_at, breach, chat, failed, outcome, raw_of
from tests.support.provider import Received, Reply, StubProvider, streaming

pytestmark = pytest.mark.anyio


async def test_a_provider_that_never_answers_times_out(providers: HttpProviders) -> None:
    async def handler(request: Received, reply: Reply) -> None:
        await reply.hang_up()

    async with StubProvider(handler) as stub:
        failure = await failed(providers, attempt_at(stub.base_url, timeout_ms=150), chat())

    assert failure.kind == "timed_out"
    assert "silent for 150 ms" in failure.message


@pytest.mark.parametrize("stream", [True, False])
async def test_a_provider_that_falls_silent_times_out(providers: HttpProviders, stream: bool) -> None:
    async def handler(request: Received, reply: Reply) -> None:
        await reply.start(200, {"content-type": "text/event-stream" if stream else "application/json"})
        await reply.write(HELLO if stream else WHOLE[:10])
        await reply.hang_up()

    async with StubProvider(handler) as stub:
        found = await outcome(providers, attempt_at(stub.base_url, 150), chat(stream))

    assert (found if isinstance(found, Failure) else breach(found)).kind == "timed_out"
    assert (HELLO if stream else b"") == (b"" if isinstance(found, Failure) else raw_of(found))


async def one_then_silence(request: Received, reply: Reply) -> None:
    await reply.start(200, {"content-type": "text/event-stream"})
    await reply.write(HELLO)
    await reply.hang_up()


async def test_leaving_the_context_closes_the_providers_connection(providers: HttpProviders) -> None:
    async with StubProvider(one_then_silence) as stub:
        async with providers.open(attempt_at(stub.base_url), chat(), None) as answer:
            assert isinstance(answer, Answer)
            assert (await anext(answer.chunks)).raw == HELLO
        with anyio.fail_after(5):
            await stub.left.wait()


async def test_a_call_that_is_cancelled_closes_the_providers_connection(providers: HttpProviders) -> None:
    async with StubProvider(one_then_silence) as stub:
        with anyio.CancelScope() as scope:
            async with providers.open(attempt_at(stub.base_url), chat(), None) as answer:
                assert isinstance(answer, Answer)
                async for chunk in answer.chunks:
                    assert chunk.raw == HELLO
                    scope.cancel()
        assert scope.cancelled_caught
        with anyio.fail_after(5):
            await stub.left.wait()


async def test_a_call_that_is_cancelled_before_its_answer_is_cancelled_and_no_more(providers: HttpProviders) -> None:
    with anyio.CancelScope() as scope:

        async def handler(request: Received, reply: Reply) -> None:
            scope.cancel()
            await reply.hang_up()

        async with StubProvider(handler) as stub, providers.open(attempt_at(stub.base_url), chat(), None):
            pytest.fail("it was answered")

    assert scope.cancelled_caught


async def test_a_stream_that_goes_on_after_its_end_is_not_waited_for(providers: HttpProviders) -> None:
    async def handler(request: Received, reply: Reply) -> None:
        await reply.start(200, {"content-type": "text/event-stream"})
        await reply.write(STOP + DONE)
        await reply.hang_up()

    async with StubProvider(handler) as stub:
        chunks = await outcome(providers, attempt_at(stub.base_url), chat())
        with anyio.fail_after(5):
            await stub.left.wait()

    assert isinstance(chunks, list)
    assert Chunk(DONE, (Ended(),)) == chunks[-1]


async def test_an_answer_that_is_over_stays_over(providers: HttpProviders) -> None:
    async with (
        StubProvider(streaming(HELLO, DONE)) as stub,
        providers.open(attempt_at(stub.base_url), chat(), None) as answer,
    ):
        assert isinstance(answer, Answer)
        assert HELLO + DONE == raw_of([chunk async for chunk in answer.chunks])
        assert [] == [chunk async for chunk in answer.chunks]
