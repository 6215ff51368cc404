"""The transport over real sockets: which connections serve again, and whose bytes an answer is made of."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.adapters.conftest import MakeTransport
from tests.adapters.transport_peer import (
    CHUNKED,
    GUARD_S,
    SMALL,
    Peer,
    ask,
    falling_silent,
    keeping_alive,
    serve,
    whole,
)

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("no_proxy_of_ours")]


def answering(*answers: bytes) -> Peer:
    """A peer that answers each request, over whatever connection, with the next of these; and keeps all open."""
    left = [*answers]

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await peer.receive(reader):
            writer.write(left.pop(0))
            await writer.drain()

    peer = Peer(talk)
    return peer


async def test_callers_who_share_connections_all_get_their_own_answer(transport: httpx2.AsyncBaseTransport) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while received := await peer.receive(reader):
            body = received.partition(b"\r\n\r\n")[2]
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))

    async def caller(number: int) -> None:
        for turn in range(50):
            said = b"%d in turn %d" % (number, turn)
            assert await whole(await transport.handle_async_request(ask(peer.url, content=said, read=60))) == said

    async with serve(peer := Peer(talk)):
        await asyncio.gather(*map(caller, range(20)))
    assert len(peer.received) == 1000
    assert peer.connections <= 20


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nhi",
        b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nhi",
        SMALL + b"more",
        SMALL + SMALL,
    ],
    ids=["told-to-close", "http-1.0", "bytes-too-many", "two-answers"],
)
async def test_a_connection_that_may_not_serve_again_does_not(
    transport: httpx2.AsyncBaseTransport, answer: bytes
) -> None:
    async with serve(answering(answer, SMALL)) as peer:
        for _ in range(2):
            assert await whole(await transport.handle_async_request(ask(peer.url))) == b"hi"
    assert peer.connections == 2


async def test_bytes_on_an_idle_connection_are_no_answer(transport: httpx2.AsyncBaseTransport) -> None:
    answered = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await peer.receive(reader)
        writer.write(SMALL)
        await answered.wait()
        if peer.connections == 1:
            writer.write(b"HTTP/1.1 408 Slow\r\ncontent-length: 0\r\n\r\n")
            await peer.hang_up(reader)

    async with serve(peer := Peer(talk)):
        assert await whole(await transport.handle_async_request(ask(peer.url))) == b"hi"
        answered.set()
        await asyncio.wait_for(peer.gone.wait(), GUARD_S)
        response = await transport.handle_async_request(ask(peer.url))
        assert (response.status_code, await whole(response)) == (200, b"hi")


async def test_bytes_on_an_idle_connection_are_not_the_next_answer(transport: httpx2.AsyncBaseTransport) -> None:
    answered = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await peer.receive(reader)
        writer.write(SMALL)
        if peer.connections == 1:
            await answered.wait()
            writer.write(b"HTTP/1.1 408 Slow\r\ncontent-length: 0\r\n\r\n")
            peer.requested.set()
        await peer.hang_up(reader)

    async with serve(peer := Peer(talk)):
        assert await whole(await transport.handle_async_request(ask(peer.url))) == b"hi"
        peer.requested.clear()
        answered.set()
        await peer.requested.wait()
        for _ in range(5):  # The bytes are in the client's socket; its loop reads them.
            await asyncio.sleep(0)
        response = await transport.handle_async_request(ask(peer.url))
        assert (response.status_code, await whole(response)) == (200, b"hi")
    assert peer.connections == 2


async def test_a_request_that_was_sent_over_a_kept_connection_is_not_sent_again(
    transport: httpx2.AsyncBaseTransport,
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await peer.receive(reader)
        writer.write(SMALL)
        await peer.receive(reader)  # And leaves without a word: perhaps it has charged for it.

    async with serve(peer := Peer(talk)):
        assert await whole(await transport.handle_async_request(ask(peer.url))) == b"hi"
        with pytest.raises(httpx2.RemoteProtocolError):
            await transport.handle_async_request(ask(peer.url, content=b"x"))
    assert (peer.connections, len(peer.received)) == (1, 2)


async def test_interim_answers_are_passed_over(transport: httpx2.AsyncBaseTransport) -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"
    async with serve(keeping_alive(interim + SMALL)) as peer:
        for _ in range(2):
            response = await transport.handle_async_request(ask(peer.url))
            assert (response.status_code, await whole(response)) == (200, b"hi")
            assert "link" not in response.headers
    assert peer.connections == 1


async def test_another_protocol_is_not_switched_to(transport: httpx2.AsyncBaseTransport) -> None:
    async with serve(falling_silent(b"HTTP/1.1 101 Go\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n")) as peer:
        with pytest.raises(httpx2.RemoteProtocolError):
            await transport.handle_async_request(ask(peer.url))
        await asyncio.wait_for(peer.gone.wait(), GUARD_S)


@pytest.mark.parametrize(
    ("begun", "more"),
    [
        (b"HTTP/1.1 200 OK\r\nx: ", b"x" * 8192),
        (b"HTTP/1.1 200 OK\r\n", b"x: y\r\n" * 1024),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 512),
        (CHUNKED + b"2\r\nhi\r\n2;", b"x" * 8192),
        (CHUNKED + b"2\r\nhi\r\n0\r\n", b"x: y\r\n" * 1024),
    ],
    ids=["one-header", "many-headers", "interim-answers", "chunk-extension", "trailers"],
)
async def test_an_answer_that_never_comes_to_its_point_is_given_up(
    transport: httpx2.AsyncBaseTransport, begun: bytes, more: bytes
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await peer.receive(reader)
        writer.write(begun)
        while not writer.is_closing():
            writer.write(more)
            await writer.drain()

    async with serve(peer := Peer(talk)):
        with pytest.raises(httpx2.RemoteProtocolError, match=r"larger than|Got more than|Too many"):
            await whole(await transport.handle_async_request(ask(peer.url)))


async def test_trailers_are_no_headers(transport: httpx2.AsyncBaseTransport) -> None:
    async with serve(keeping_alive(CHUNKED + b"2\r\nhi\r\n0\r\nx-late: 1\r\n\r\n")) as peer:
        for _ in range(2):
            response = await transport.handle_async_request(ask(peer.url))
            assert await whole(response) == b"hi"
            assert "x-late" not in response.headers
    assert peer.connections == 1


async def test_a_provider_is_not_read_faster_than_its_caller_reads(transport: httpx2.AsyncBaseTransport) -> None:
    piece, blocked = b"10000\r\n" + b"x" * 0x10000 + b"\r\n", asyncio.Event()
    written = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        await peer.receive(reader)
        writer.write(CHUNKED)
        for _ in range(1024):
            writer.write(piece)
            written += 1
            try:
                await asyncio.wait_for(writer.drain(), 0.2)
            except TimeoutError:
                blocked.set()
                await writer.drain()
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    async with serve(peer := Peer(talk)):
        response = await transport.handle_async_request(ask(peer.url, read=60))
        await asyncio.wait_for(blocked.wait(), GUARD_S)
        assert written < 1024
        size = 0
        async for got in response.aiter_raw():
            size += len(got)
    assert size == 1024 * 0x10000


async def test_an_answer_that_comes_before_the_body_was_sent_is_the_answer(
    transport: httpx2.AsyncBaseTransport,
) -> None:
    refused = b"HTTP/1.1 413 No\r\ncontent-length: 2\r\n\r\nno"

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(refused)
        await peer.hang_up(reader)

    async def pieces() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65536
            await asyncio.sleep(0)

    async with serve(peer := Peer(talk)):
        response = await transport.handle_async_request(ask(peer.url, content=pieces(), read=60))
        assert (response.status_code, await whole(response)) == (413, b"no")
        await asyncio.wait_for(peer.gone.wait(), GUARD_S)


async def test_a_connection_that_rests_for_long_is_closed(make_transport: MakeTransport) -> None:
    async with serve(keeping_alive()) as peer, make_transport(idle_s=0.05) as transport:
        assert await whole(await transport.handle_async_request(ask(peer.url, read=60))) == b"hi"
        await asyncio.wait_for(peer.gone.wait(), GUARD_S)


async def test_a_long_answer_is_not_cut_by_the_limit_of_rest(make_transport: MakeTransport) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            await peer.receive(reader)
            if len(peer.received) == 2:
                await asyncio.sleep(0.3)
            writer.write(SMALL)

    async with serve(peer := Peer(talk)), make_transport(idle_s=0.1) as transport:
        for _ in range(2):
            assert await whole(await transport.handle_async_request(ask(peer.url, read=60))) == b"hi"
    assert peer.connections == 1
