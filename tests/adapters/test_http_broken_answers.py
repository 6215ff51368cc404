"""The provider shell over real sockets: answers that break after they began."""

import pytest

from adapters.providers.http import HttpProviders
from domain.failures import Failure
from domain.model_api.events import Ended
from tests.adapters.http_attempts import DONE, HELLO, STOP, WHOLE, answered, attempt_at, breach, chat, outcome, raw_of
from tests.support.provider import Received, Reply, StubProvider, answering, streaming

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("cut", [True, False])
async def test_a_stream_cut_anywhere_before_its_end_never_looks_complete(providers: HttpProviders, cut: bool) -> None:
    said = HELLO + STOP + DONE
    ends = [0, len(HELLO), len(HELLO + STOP), len(said)]
    # Where the body ends as HTTP ends it, nothing is missing after the choice has finished but the word for it, or the
    # blank line behind that.
    whole = [] if cut else [at for end in ends[2:] for at in (end - 2, end - 1, end) if at < len(said)]

    async def handler(request: Received, reply: Reply) -> None:
        await streaming(said[:at], cut=cut)(request, reply)

    async with StubProvider(handler) as stub:
        attempt = attempt_at(stub.base_url)
        for at in range(len(said)):
            chunks = await outcome(providers, attempt, chat())
            assert isinstance(chunks, list)
            if at in whole:
                assert (said, Ended()) == (raw_of(chunks), chunks[-1].events[-1])
                continue
            assert breach(chunks).kind == "truncated"
            blank = 0 if cut else 2
            assert said[: max(end for end in ends if end - blank <= at)] == raw_of(chunks)

        at = len(said)
        chunks = await outcome(providers, attempt, chat())
        assert isinstance(chunks, list)
        assert (said, Ended()) == (raw_of(chunks), chunks[-1].events[-1])


async def test_a_whole_answer_cut_short_is_truncated(providers: HttpProviders) -> None:
    async def handler(request: Received, reply: Reply) -> None:
        await reply.start(200, {"content-type": "application/json", "content-length": str(len(WHOLE))})
        await reply.write(WHOLE[:-1])
        await reply.cut()

    async with StubProvider(handler) as stub:
        found = await outcome(providers, attempt_at(stub.base_url), chat(stream=False))

    # A transport may read a whole answer ahead; then the failure comes before the answer instead of inside it.
    assert (found if isinstance(found, Failure) else breach(found)).kind in ("truncated", "unavailable")


@pytest.mark.parametrize("body", [b"", b"<html>", WHOLE[:-1]])
async def test_a_complete_answer_that_is_not_json_is_malformed(providers: HttpProviders, body: bytes) -> None:
    assert breach(await answered(providers, answering(200, body), chat(stream=False))).kind == "malformed"


async def test_a_streams_own_error_ends_it_and_is_not_relayed(providers: HttpProviders) -> None:
    error = b'data: {"error":{"message":"Out of order","type":"server_error","code":null}}\n\n'
    chunks = await answered(providers, streaming(HELLO + error + DONE), chat())

    assert "Out of order" in breach(chunks).message
    assert HELLO == raw_of(chunks)


async def test_an_event_without_end_is_malformed(providers: HttpProviders) -> None:
    chunks = await answered(providers, streaming(HELLO, b"data: ", *[b"x" * 1_000_000] * 17), chat())

    assert breach(chunks).kind == "malformed"
    assert HELLO == raw_of(chunks)
