"""The provider shell over real sockets: what comes back of an answer that is whole."""

import pytest

from adapters.providers.http import HttpProviders
from adapters.providers.openai import OPENAI
from domain.model_api.events import Ended, TextDelta, UsageReported
from ports.providers import Answer, Chunk
from tests.adapters.http_attempts import (
    DONE,
    HELLO,
    SECRET,
    STOP,
    USAGE,
    WHOLE,
    answered,
    attempt_at,
    chat,
    events_of,
    outcome,
    raw_of,
)
from tests.support.provider import Received, Reply, StubProvider, answering, streaming

pytestmark = pytest.mark.anyio


async def test_a_streams_bytes_come_back_as_the_provider_sent_them(providers: HttpProviders) -> None:
    said = b": hello\n\n" + HELLO.replace(b"\n", b"\r\n") + b": ping\n\nid: 7\n" + HELLO + STOP + USAGE + DONE
    pieces = [said[at : at + 37] for at in range(0, len(said), 37)]
    chunks = await answered(providers, streaming(*pieces), chat())

    assert said == raw_of(chunks)
    assert events_of(chunks).count(TextDelta(text="hé")) == 2


async def test_what_stands_between_events_with_ids_ends_in_one_line_end(providers: HttpProviders) -> None:
    """OpenAI's SDK takes a blank line after an id or a retry time for the end of an event, and cannot read an empty one."""
    first = b": hello\n\n" + b"id: 1\n" + HELLO
    said = b"\xef\xbb\xbf" + first + b": ping\r\n\r\n\n" + STOP + b"event: ping\n\nretry: 9\n\n" + DONE
    chunks = await answered(providers, streaming(said), chat())

    assert first + b": ping\n" + STOP + b"retry: 9\n" + DONE == raw_of(chunks)


async def test_what_stands_between_events_stays_where_nothing_is_repaired(exact: HttpProviders) -> None:
    said = b"id: 1\n" + HELLO + b": ping\n\n\n" + STOP + b"retry: 9\n\n" + DONE
    chunks = await answered(exact, streaming(said), chat())

    assert said == raw_of(chunks)


async def test_a_whole_answer_is_one_chunk_of_the_providers_bytes(providers: HttpProviders) -> None:
    chunks = await answered(providers, answering(200, WHOLE), chat(stream=False))

    assert [Chunk(WHOLE, OPENAI.decode(WHOLE))] == chunks
    assert isinstance(chunks[0].events[-1], Ended)


async def test_the_terminal_event_comes_as_a_chunk_of_its_own(providers: HttpProviders) -> None:
    chunks = await answered(providers, streaming(HELLO + STOP + DONE + b": after the end\n\n"), chat())

    assert [HELLO + STOP, DONE] == [chunk.raw for chunk in chunks]
    assert chunks[-1].events == (Ended(),)


async def test_usage_that_the_caller_did_not_ask_for_is_counted_but_not_shown(providers: HttpProviders) -> None:
    chunks = await answered(providers, streaming(HELLO, STOP, USAGE, DONE), chat(wants_usage=False))

    assert HELLO + STOP + DONE == raw_of(chunks)
    assert any(isinstance(event, UsageReported) for event in events_of(chunks))


async def test_the_headers_worth_relaying_come_back_and_no_others(providers: HttpProviders) -> None:
    worth = {"x-ratelimit-remaining-tokens": "7", "openai-processing-ms": "12", "request-id": "req_1"}
    other = {"set-cookie": "a=b", "server": "x", "openai-organization": "org_1", "openai-version": SECRET}
    async with (
        StubProvider(answering(200, WHOLE, {**worth, **other})) as stub,
        providers.open(attempt_at(stub.base_url), chat(stream=False), None) as answer,
    ):
        assert isinstance(answer, Answer)

    assert (200, worth) == (answer.status, dict(answer.headers))


async def test_an_answer_read_to_its_end_leaves_the_connection_for_the_next_call(providers: HttpProviders) -> None:
    async def handler(request: Received, reply: Reply) -> None:
        requested = len(stub.requests)
        await (streaming(HELLO, DONE) if requested == 1 else answering(503 if requested == 2 else 200, WHOLE))(
            request, reply
        )

    async with StubProvider(handler) as stub:
        for stream in (True, False, False):
            await outcome(providers, attempt_at(stub.base_url), chat(stream))

    assert [1, 1, 1] == [request.connection for request in stub.requests]


async def test_the_echo_answers_in_the_process_and_needs_no_credential(providers: HttpProviders) -> None:
    chunks = await outcome(providers, attempt_at("echo://local/v1", secret=None), chat())

    assert isinstance(chunks, list)
    said = [event.text for event in events_of(chunks) if isinstance(event, TextDelta) and event.text]
    assert (["hi ", "there"], Ended()) == (said, chunks[-1].events[-1])
