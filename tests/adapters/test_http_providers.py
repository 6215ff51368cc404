"""The provider shell over real sockets: what comes of an attempt, whatever the provider does.

Each test runs over the transport that the hub uses and over httpx2's own, since the shell relies on the seam
between them and not on either.
"""

from collections.abc import AsyncIterator
from typing import Any

import anyio
import httpx2
import msgspec
import pytest

from adapters.providers.echo import EchoTransport
from adapters.providers.http import HttpProviders
from adapters.providers.openai import OPENAI
from adapters.providers.transport import PyreqwestTransport
from domain.calls import Attempt, ChatCall, Target
from domain.chat import Audio, Broken, ChatRequest, Ended, Event, Message, Text, TextDelta, UsageReported
from domain.failures import Failure
from ports.providers import Answer, Chunk, Providers
from ports.vault import VaultError
from tests.support.provider import Handler, Received, Reply, StubProvider, answering, streaming

pytestmark = pytest.mark.anyio

SECRET = "sk-canary-0123/456789+abcdef"
HEAD = '"id":"c","object":"chat.completion.chunk","created":1,"model":"m-1"'
HELLO = f'data: {{{HEAD},"choices":[{{"index":0,"delta":{{"content":"hé"}},"finish_reason":null}}]}}\n\n'.encode()
STOP = f'data: {{{HEAD},"choices":[{{"index":0,"delta":{{}},"finish_reason":"stop"}}]}}\n\n'.encode()
USAGE = (
    f'data: {{{HEAD},"choices":[],"usage":{{"prompt_tokens":2,"completion_tokens":1,"total_tokens":3}}}}\n\n'.encode()
)
DONE = b"data: [DONE]\n\n"
WHOLE = (
    b'{"id":"c","object":"chat.completion","created":1,"model":"m-1","choices":[{"index":0,"message":'
    b'{"role":"assistant","content":"hi"},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":2,"completion_tokens":1,"total_tokens":3}}'
)


class RowVault:
    """A vault without a cipher, as strict about the row as the real one."""

    def seal(self, secret: bytes, row: str) -> bytes:
        return row.encode() + b"=" + secret

    def unseal(self, sealed: bytes, row: str) -> bytes:
        if not sealed.startswith(row.encode() + b"="):
            raise VaultError
        return sealed.removeprefix(row.encode() + b"=")

    def fingerprint(self, secret: str) -> str:
        return secret


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["pyreqwest", "httpx2"])
async def providers(request: pytest.FixtureRequest) -> AsyncIterator[HttpProviders]:
    transport = PyreqwestTransport() if request.param == "pyreqwest" else httpx2.AsyncHTTPTransport(verify=False)
    yield shell(transport)
    await transport.aclose()


def shell(transport: httpx2.AsyncBaseTransport) -> HttpProviders:
    return HttpProviders(transport, {"echo": EchoTransport()}, RowVault(), {"openai": OPENAI})


def attempt_at(base_url: str, timeout_ms: int = 10_000, secret: str | None = SECRET) -> Attempt:
    sealed = None if secret is None else RowVault().seal(secret.encode(), "credential:cred_1")
    target = Target(
        provider="acme", dialect="openai", base_url=base_url, model="m-1", credential_id="cred_1", sealed=sealed
    )
    return Attempt(call_id="call_1", target=target, timeout_ms=timeout_ms)


def chat(stream: bool = True, **more: Any) -> ChatCall:
    fields = {
        "model": msgspec.Raw(b'"acme/m-1"'),
        "messages": msgspec.Raw(b'[{"role": "user",  "content": "hi there"}]'),
        "stream": msgspec.Raw(b"true" if stream else b"false"),
        "unheard_of": msgspec.Raw(b"1.50"),
    }
    return ChatCall(dialect="openai", model="acme/m-1", fields=fields, body_bytes=100, stream=stream, **more)


async def outcome(
    providers: Providers, attempt: Attempt, call: ChatCall, request: ChatRequest | None = None
) -> Failure | list[Chunk]:
    """The failure that opening gave, or every chunk of the answer."""
    with anyio.fail_after(20):
        async with providers.open(attempt, call, request) as answer:
            return answer if isinstance(answer, Failure) else [chunk async for chunk in answer.chunks]


async def failed(providers: HttpProviders, attempt: Attempt, call: ChatCall) -> Failure:
    found = await outcome(providers, attempt, call)
    assert isinstance(found, Failure)
    return found


async def answered(providers: HttpProviders, handler: Handler, call: ChatCall, timeout_ms: int = 10_000) -> list[Chunk]:
    async with StubProvider(handler) as stub:
        found = await outcome(providers, attempt_at(stub.base_url, timeout_ms), call)
    assert not isinstance(found, Failure), found
    return found


def events_of(chunks: list[Chunk]) -> list[Event]:
    return [event for chunk in chunks for event in chunk.events]


def raw_of(chunks: list[Chunk]) -> bytes:
    return b"".join(chunk.raw for chunk in chunks)


def breach(chunks: list[Chunk]) -> Failure:
    """The failure of an answer that broke: in its last event, with nothing to relay, and nowhere else."""
    endings = [event for event in events_of(chunks) if isinstance(event, (Ended, Broken))]
    assert [chunks[-1].events[-1]] == endings
    assert chunks[-1].raw == b""
    assert isinstance(endings[0], Broken)
    return endings[0].failure


# --- what goes out --------------------------------------------------------------------------------------


async def test_a_call_of_the_same_dialect_goes_out_with_the_callers_own_fields(providers: HttpProviders) -> None:
    async with StubProvider(answering(200, WHOLE)) as stub:
        await outcome(providers, attempt_at(stub.base_url), chat(stream=False))

    sent = stub.requests[0]
    assert (sent.method, sent.path) == ("POST", "/v1/chat/completions")
    assert sent.headers["authorization"] == f"Bearer {SECRET}"
    assert sent.headers["host"] == f"127.0.0.1:{stub.port}"
    assert sent.headers["content-type"] == "application/json"
    assert sent.headers["accept-encoding"] == "identity"
    assert b'"messages":[{"role": "user",  "content": "hi there"}]' in sent.body
    assert b'"unheard_of":1.50' in sent.body
    assert sent.json()["model"] == "m-1"


async def test_a_call_of_another_dialect_is_encoded_in_the_providers(providers: HttpProviders) -> None:
    request = ChatRequest(model="acme/m-1", messages=(Message(role="user", parts=(Text(text="hello"),)),))
    call = msgspec.structs.replace(chat(stream=False), relay_headers=(("anthropic-beta", "x"),))
    async with StubProvider(answering(200, WHOLE)) as stub:
        await outcome(providers, attempt_at(stub.base_url), call, request)

    assert stub.requests[0].json()["model"] == "m-1"
    assert "hello" in str(stub.requests[0].json()["messages"])
    assert "anthropic-beta" not in stub.requests[0].headers


async def test_headers_to_relay_go_out_but_replace_none_of_the_hubs_own(providers: HttpProviders) -> None:
    call = chat(stream=False, relay_headers=(("anthropic-beta", "x-1"), ("authorization", "Bearer caller")))
    async with StubProvider(answering(200, WHOLE)) as stub:
        await outcome(providers, attempt_at(stub.base_url), call)

    assert stub.requests[0].headers["anthropic-beta"] == "x-1"
    assert stub.requests[0].headers["authorization"] == f"Bearer {SECRET}"


async def test_the_query_of_a_base_url_stays_behind_the_path(providers: HttpProviders) -> None:
    async with StubProvider(answering(200, WHOLE)) as stub:
        await outcome(providers, attempt_at(f"{stub.base_url}/?api-version=1"), chat(stream=False))

    assert stub.requests[0].path == "/v1/chat/completions?api-version=1"


async def test_what_a_dialect_cannot_say_is_told_beforehand(providers: HttpProviders) -> None:
    plain = ChatRequest(model="m", messages=(Message(role="user", parts=(Text(text="hello"),)),))
    odd = ChatRequest(
        model="m", messages=(Message(role="assistant", parts=(Audio(data="AA==", format="wav"),)),), top_k=3
    )

    assert providers.refuses("openai", plain) == OPENAI.refuses(plain)
    assert providers.refuses("openai", odd) == OPENAI.refuses(odd)


# --- what comes back ------------------------------------------------------------------------------------


async def test_a_streams_bytes_come_back_as_the_provider_sent_them(providers: HttpProviders) -> None:
    said = b": hello\n\n" + HELLO.replace(b"\n", b"\r\n") + b": ping\n\nid: 7\n" + HELLO + STOP + USAGE + DONE
    pieces = [said[at : at + 37] for at in range(0, len(said), 37)]
    chunks = await answered(providers, streaming(*pieces), chat())

    assert said == raw_of(chunks)
    assert events_of(chunks).count(TextDelta(text="hé")) == 2


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
        asked = len(stub.requests)
        await (streaming(HELLO, DONE) if asked == 1 else answering(503 if asked == 2 else 200, WHOLE))(request, reply)

    async with StubProvider(handler) as stub:
        for stream in (True, False, False):
            await outcome(providers, attempt_at(stub.base_url), chat(stream))

    assert [1, 1, 1] == [request.connection for request in stub.requests]


async def test_the_echo_answers_in_the_process_and_needs_no_credential(providers: HttpProviders) -> None:
    chunks = await outcome(providers, attempt_at("echo://local/v1", secret=None), chat())

    assert isinstance(chunks, list)
    said = [event.text for event in events_of(chunks) if isinstance(event, TextDelta) and event.text]
    assert (["hi ", "there"], Ended()) == (said, chunks[-1].events[-1])


# --- refusals and failures ------------------------------------------------------------------------------


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


async def test_retry_after_is_told_in_milliseconds(providers: HttpProviders) -> None:
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
    async with StubProvider(answering(200, b'{"error":{"message":"Out of order","code":502}}')) as stub:
        failure = await failed(providers, attempt_at(stub.base_url), chat())

    assert ("unavailable", 200) == (failure.kind, failure.status)
    assert "Out of order" in failure.message


async def test_a_whole_answer_to_a_streaming_call_is_nonsense(providers: HttpProviders) -> None:
    async with StubProvider(answering(200, WHOLE)) as stub:
        failure = await failed(providers, attempt_at(stub.base_url), chat())

    assert failure.kind == "malformed"


async def test_a_compressed_answer_is_nonsense_since_none_was_asked_for(providers: HttpProviders) -> None:
    async with StubProvider(answering(200, b"\x1f\x8b", {"Content-Encoding": "gzip"})) as stub:
        failure = await failed(providers, attempt_at(stub.base_url), chat())

    assert failure.kind == "malformed"


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


# --- answers that break ---------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", [True, False])
async def test_a_stream_cut_anywhere_before_its_end_never_looks_complete(providers: HttpProviders, cut: bool) -> None:
    said = HELLO + STOP + DONE
    ends = [0, len(HELLO), len(HELLO + STOP), len(said)]

    async def handler(request: Received, reply: Reply) -> None:
        await streaming(said[:at], cut=cut)(request, reply)

    async with StubProvider(handler) as stub:
        attempt = attempt_at(stub.base_url)
        for at in range(len(said)):
            chunks = await outcome(providers, attempt, chat())
            assert isinstance(chunks, list)
            assert breach(chunks).kind == "truncated"
            assert said[: max(end for end in ends if end <= at)] == raw_of(chunks)

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
async def test_a_whole_answer_that_is_not_json_is_nonsense(providers: HttpProviders, body: bytes) -> None:
    assert breach(await answered(providers, answering(200, body), chat(stream=False))).kind == "malformed"


async def test_a_streams_own_error_ends_it_and_is_not_relayed(providers: HttpProviders) -> None:
    error = b'data: {"error":{"message":"Out of order","type":"server_error","code":null}}\n\n'
    chunks = await answered(providers, streaming(HELLO + error + DONE), chat())

    assert "Out of order" in breach(chunks).message
    assert HELLO == raw_of(chunks)


async def test_an_event_without_end_is_nonsense(providers: HttpProviders) -> None:
    chunks = await answered(providers, streaming(HELLO, b"data: ", *[b"x" * 1_000_000] * 17), chat())

    assert breach(chunks).kind == "malformed"
    assert HELLO == raw_of(chunks)


# --- time and leaving -----------------------------------------------------------------------------------


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
        await reply.write(DONE)
        await reply.hang_up()

    async with StubProvider(handler) as stub:
        chunks = await outcome(providers, attempt_at(stub.base_url), chat())
        with anyio.fail_after(5):
            await stub.left.wait()

    assert [Chunk(DONE, (Ended(),))] == chunks


async def test_an_answer_that_is_over_stays_over(providers: HttpProviders) -> None:
    async with (
        StubProvider(streaming(HELLO, DONE)) as stub,
        providers.open(attempt_at(stub.base_url), chat(), None) as answer,
    ):
        assert isinstance(answer, Answer)
        assert HELLO + DONE == raw_of([chunk async for chunk in answer.chunks])
        assert [] == [chunk async for chunk in answer.chunks]


# --- secrets --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("status", [200, 302, 400, 401, 500])
@pytest.mark.parametrize("spelt", [SECRET, SECRET.replace("/", "\\/")])
async def test_no_failure_tells_the_secret_that_a_provider_repeats(
    providers: HttpProviders, stream: bool, status: int, spelt: str
) -> None:
    error = f'{{"error":{{"message":"Bad key {spelt}","type":"{spelt}","code":"{spelt}"}}}}'.encode()
    async with StubProvider(answering(status, error, {"Location": f"/?key={SECRET}"})) as stub:
        found = await outcome(providers, attempt_at(stub.base_url), chat(stream))

    failure = found if isinstance(found, Failure) else breach(found)
    assert_silent(failure)


async def test_no_broken_stream_tells_the_secret_that_a_provider_repeats(providers: HttpProviders) -> None:
    error = f'data: {{"error":{{"message":"Bad key {SECRET}","code":"{SECRET}"}}}}\n\n'.encode()

    assert_silent(breach(await answered(providers, streaming(HELLO, error), chat())))


async def test_no_failure_tells_a_secret_that_cannot_even_be_sent(providers: HttpProviders) -> None:
    async with StubProvider(answering(200, WHOLE)) as stub:
        failure = await failed(providers, attempt_at(stub.base_url, secret=SECRET + "\n"), chat())

    assert failure.kind == "unreachable"
    assert_silent(failure)


async def test_what_the_hub_keeps_of_a_provider_does_not_print_its_secret(providers: HttpProviders) -> None:
    line = providers.line(attempt_at("http://127.0.0.1:1/v1").target)

    assert "127.0.0.1:1" in repr(line)
    assert SECRET not in repr(line)


def assert_silent(failure: Failure) -> None:
    told = f"{failure!r} {failure.body.decode()} {msgspec.json.encode(failure).decode()}".replace("\\", "")
    assert SECRET not in told
    assert "456789" not in told
