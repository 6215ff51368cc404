"""The transport over real sockets: what is sent and what comes back."""

import asyncio
import gzip
from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.adapters.transport_peer import CHUNKED, SMALL, Peer, ask, falling_silent, keeping_alive, saying, serve, whole

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("no_proxy_of_ours")]


async def test_requests_in_turn_share_one_connection(transport: httpx2.AsyncBaseTransport) -> None:
    async with serve(keeping_alive()) as peer:
        for _ in range(20):
            assert await whole(await transport.handle_async_request(ask(peer.url, content=b"x", read=5))) == b"hi"
    assert (peer.connections, len(peer.received)) == (1, 20)


async def test_a_stream_read_to_its_end_gives_its_connection_back(transport: httpx2.AsyncBaseTransport) -> None:
    async with serve(keeping_alive(CHUNKED + b"2\r\nhi\r\n0\r\n\r\n")) as peer:
        for _ in range(5):
            assert await whole(await transport.handle_async_request(ask(peer.url))) == b"hi"
    assert peer.connections == 1


async def test_many_requests_at_once_all_get_their_own_answer(transport: httpx2.AsyncBaseTransport) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while received := await peer.receive(reader):
            body = received.partition(b"\r\n\r\n")[2]
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))

    async def one(number: int) -> bytes:
        return await whole(await transport.handle_async_request(ask(peer.url, content=b"%d" % number)))

    async with serve(peer := Peer(talk)):
        assert await asyncio.gather(*map(one, range(200))) == [b"%d" % number for number in range(200)]


async def test_headers_are_sent_as_given_and_none_is_made_up(transport: httpx2.AsyncBaseTransport) -> None:
    headers = [("host", "example.org"), ("x-twice", "a"), ("x-twice", "b"), ("user-agent", "me"), ("accept", "a/b")]
    async with serve(saying(SMALL)) as peer:
        await transport.handle_async_request(ask(f"{peer.url}/a%20b?c=%C3%A9&d", headers=headers, content=b"{}"))
    request, *lines = peer.received[0].split(b"\r\n")
    assert request == b"POST /v1/a%20b?c=%C3%A9&d HTTP/1.1"
    expected = [f"{name}: {value}".encode() for name, value in [*headers, ("content-length", "2")]]
    assert sorted(lines) == sorted([*expected, b"", b"{}"])
    assert lines.index(b"x-twice: a") < lines.index(b"x-twice: b")


async def test_a_request_without_a_user_agent_does_not_name_the_library(transport: httpx2.AsyncBaseTransport) -> None:
    async with serve(saying(SMALL)) as peer:
        await transport.handle_async_request(ask(peer.url, "GET"))
    assert b"user-agent" not in peer.received[0].lower()
    assert b"accept-encoding" not in peer.received[0]


async def test_a_body_that_is_made_while_it_is_sent_arrives_whole(transport: httpx2.AsyncBaseTransport) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b"one ", b"two ", b"three"):
            yield piece

    async with serve(saying(SMALL)) as peer:
        await transport.handle_async_request(ask(peer.url, content=pieces()))
    assert peer.received[0].endswith(b"4\r\none \r\n4\r\ntwo \r\n5\r\nthree\r\n0\r\n\r\n")


async def test_status_and_headers_come_back_as_they_were_duplicates_included(
    transport: httpx2.AsyncBaseTransport,
) -> None:
    answer = b"HTTP/1.1 429 Slow\r\nX-A: 1\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\ncontent-length: 4\r\n\r\nwait"
    async with serve(keeping_alive(answer)) as peer:
        for _ in range(2):
            response = await transport.handle_async_request(ask(peer.url))
            assert await whole(response) == b"wait"
    assert response.status_code == 429
    assert response.http_version == "HTTP/1.1"
    cookies = [(b"set-cookie", b"a=b"), (b"set-cookie", b"c=d")]
    assert response.headers.raw == [(b"x-a", b"1"), *cookies, (b"content-length", b"4")]
    assert b"cookie" not in peer.received[1]


async def test_a_header_that_is_not_ascii_comes_back_too(transport: httpx2.AsyncBaseTransport) -> None:
    answer = b"HTTP/1.1 200 OK\r\nx-city: Z\xc3\xbcrich\r\nx-a: 1\r\nx-a: 2\r\ncontent-length: 2\r\n\r\nhi"
    async with serve(saying(answer)) as peer:
        response = await transport.handle_async_request(ask(peer.url))
        assert await whole(response) == b"hi"
    others = [("x-a", "1"), ("x-a", "2"), ("content-length", "2")]
    assert response.headers.multi_items() == [("x-city", "Zürich"), *others]


async def test_a_redirect_is_an_answer_like_any_other(transport: httpx2.AsyncBaseTransport) -> None:
    async with serve(keeping_alive(b"HTTP/1.1 307 Go\r\nlocation: /else\r\ncontent-length: 0\r\n\r\n")) as peer:
        response = await transport.handle_async_request(ask(peer.url))
        assert (response.status_code, await whole(response)) == (307, b"")
    assert len(peer.received) == 1


async def test_a_compressed_body_is_left_as_it_is(transport: httpx2.AsyncBaseTransport) -> None:
    body = gzip.compress(b"hello")
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(body)
    async with serve(saying(head + body)) as peer:
        response = await transport.handle_async_request(ask(peer.url, headers=[("accept-encoding", "gzip")]))
        assert [piece async for piece in response.aiter_raw()] == [body]
    assert response.headers["content-encoding"] == "gzip"
    assert b"\r\naccept-encoding: gzip\r\n" in peer.received[0]


@pytest.mark.parametrize("method", ["HEAD", "GET"])
async def test_an_answer_without_a_body_ends_at_once(transport: httpx2.AsyncBaseTransport, method: str) -> None:
    length, status = (b"5", b"200 OK") if method == "HEAD" else (b"0", b"204 No Content")
    async with serve(falling_silent(b"HTTP/1.1 %b\r\ncontent-length: %b\r\n\r\n" % (status, length))) as peer:
        response = await transport.handle_async_request(ask(peer.url, method))
        assert [piece async for piece in response.aiter_raw()] == []


async def test_a_large_body_arrives_complete_and_in_chunks(transport: httpx2.AsyncBaseTransport) -> None:
    body = bytes(range(256)) * 16384
    head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body)
    async with serve(saying(head + body)) as peer:
        response = await transport.handle_async_request(ask(peer.url, read=5))
        pieces = [piece async for piece in response.aiter_raw()]
    assert b"".join(pieces) == body
    assert len(pieces) > 1


async def test_a_client_of_httpx2_can_use_it_too(transport: httpx2.AsyncBaseTransport) -> None:
    async with serve(saying(SMALL)) as peer, httpx2.AsyncClient(transport=transport) as client:
        assert (await client.get(peer.url)).text == "hi"


@pytest.mark.parametrize("framing", ["chunked", "content-length", "until-closed"])
async def test_each_event_is_handed_over_before_the_next_one_is_sent(
    transport: httpx2.AsyncBaseTransport, framing: str
) -> None:
    sent = [b"data: %d\n\n" % number for number in range(5)]
    seen: asyncio.Queue[bytes] = asyncio.Queue()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await peer.receive(reader)
        head = {"chunked": "transfer-encoding: chunked\r\n", "content-length": "content-length: 45\r\n"}.get(
            framing, ""
        )
        writer.write(f"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n{head}\r\n".encode())
        for event in sent:
            writer.write(b"%x\r\n%b\r\n" % (len(event), event) if framing == "chunked" else event)
            assert await seen.get() == event
        if framing == "chunked":
            writer.write(b"0\r\n\r\n")

    async with serve(peer := Peer(talk)):
        response = await transport.handle_async_request(ask(peer.url, read=60))
        events = []
        async for event in response.aiter_raw():
            events.append(event)
            seen.put_nowait(event)
    assert events == sent


async def test_a_small_body_of_known_length_comes_in_one_chunk(transport: httpx2.AsyncBaseTransport) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await peer.receive(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n")
        for _ in range(10):
            writer.write(b"x")
            await asyncio.sleep(0.01)

    async with serve(peer := Peer(talk)):
        response = await transport.handle_async_request(ask(peer.url, read=60))
        assert [piece async for piece in response.aiter_raw()] == [b"x" * 10]


async def test_headers_are_handed_over_before_any_of_the_body_is_sent(transport: httpx2.AsyncBaseTransport) -> None:
    async with serve(falling_silent(CHUNKED)) as peer:
        response = await transport.handle_async_request(ask(peer.url))
        assert response.headers["content-type"] == "text/event-stream"
        await response.aclose()


async def test_a_stale_connection_is_replaced_without_the_caller_noticing(transport: httpx2.AsyncBaseTransport) -> None:
    answered, stale = asyncio.Event(), asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await peer.receive(reader)
        writer.write(SMALL)  # No "connection: close": the client has every reason to keep the connection.
        await answered.wait()
        answered.clear()
        writer.write_eof()
        assert await reader.read() == b""  # The client has taken notice.
        stale.set()

    async with serve(peer := Peer(talk)):
        for _ in range(200):
            assert await whole(await transport.handle_async_request(ask(peer.url, content=b"x"))) == b"hi"
            answered.set()
            await stale.wait()
            stale.clear()
    assert peer.connections == 200
