"""The transport over real sockets: every peer here is a few lines of asyncio that say exactly what is to be said."""

import asyncio
import gzip
import socket
import ssl
import struct
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from adapters.providers.transport import PyreqwestTransport

pytestmark = pytest.mark.anyio

GUARD_S = 5.0
PROMPT_S = 3.0  # Sooner than the limit of abandoned exchanges that goes with a read timeout of 0.6 s, which is 4 s.

SMALL = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"
CHUNKED = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Peer:
    """A server whose connections are talked to by `talk`; `asked` and `gone` are set by a request and by a leave."""

    def __init__(self, talk: Talk) -> None:
        self.talk = talk
        self.heard: list[bytes] = []
        self.connections = 0
        self.asked = asyncio.Event()
        self.gone = asyncio.Event()
        self.port = 0
        self.tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.tasks.add(asyncio.create_task(self.converse(reader, writer)))

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                await self.talk(reader, writer)
        finally:
            writer.close()

    async def hear(self, reader: asyncio.StreamReader) -> bytes:
        """One whole request."""
        head = await reader.readuntil(b"\r\n\r\n")
        body = b""
        for line in head.split(b"\r\n"):
            if line.startswith(b"content-length: "):
                body = await reader.readexactly(int(line[16:]))
            elif line == b"transfer-encoding: chunked":
                body = await reader.readuntil(b"0\r\n\r\n")
        self.heard.append(head + body)
        self.asked.set()
        return head + body

    async def hang_up(self, reader: asyncio.StreamReader) -> None:
        """Wait until the client has left."""
        with suppress(ConnectionError):
            await reader.read()
        self.gone.set()


@asynccontextmanager
async def serve(peer: Peer, tls: ssl.SSLContext | None = None) -> AsyncIterator[Peer]:
    server = await asyncio.start_server(peer.accept, "127.0.0.1", 0, ssl=tls)
    peer.port = server.sockets[0].getsockname()[1]
    try:
        async with asyncio.timeout(GUARD_S * 2):
            yield peer
    finally:
        server.close()
        for task in peer.tasks:
            task.cancel()
        await asyncio.gather(*peer.tasks, return_exceptions=True)
        await server.wait_closed()


def saying(*answers: bytes) -> Peer:
    """A peer that answers every request of a connection with the bytes given, then closes the connection."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            await peer.hear(reader)
            writer.write(answer)
            await writer.drain()

    peer = Peer(talk)
    return peer


def keeping_alive(answer: bytes = SMALL) -> Peer:
    """A peer that answers every request with the bytes given for as long as the client stays."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await peer.hear(reader):
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            peer.gone.set()

    peer = Peer(talk)
    return peer


def falling_silent(after: bytes) -> Peer:
    """A peer that answers with the bytes given and then says nothing more until the client leaves."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await peer.hear(reader)
        writer.write(after)
        await writer.drain()
        await peer.hang_up(reader)

    peer = Peer(talk)
    return peer


def ask(
    url: str,
    method: str = "POST",
    headers: list[tuple[str, str]] | None = None,
    content: bytes | AsyncIterator[bytes] | None = None,
    connect: float | None = None,
    read: float | None = None,
) -> httpx2.Request:
    timeout = {"connect": connect, "read": read, "write": read, "pool": connect}
    return httpx2.Request(method, url, headers=headers, content=content, extensions={"timeout": timeout})


async def whole(response: httpx2.Response) -> bytes:
    return await response.aread()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _no_proxy_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
async def transport() -> AsyncIterator[PyreqwestTransport]:
    async with PyreqwestTransport() as made:
        yield made


# What is sent and what comes back.


async def test_requests_in_turn_share_one_connection(transport: PyreqwestTransport) -> None:
    async with serve(keeping_alive()) as peer:
        for _ in range(20):
            assert await whole(await transport.handle_async_request(ask(peer.url, content=b"x", read=5))) == b"hi"
    assert (peer.connections, len(peer.heard)) == (1, 20)


async def test_a_stream_read_to_its_end_gives_its_connection_back(transport: PyreqwestTransport) -> None:
    async with serve(keeping_alive(CHUNKED + b"2\r\nhi\r\n0\r\n\r\n")) as peer:
        for _ in range(5):
            assert await whole(await transport.handle_async_request(ask(peer.url))) == b"hi"
    assert peer.connections == 1


async def test_many_requests_at_once_all_get_their_own_answer(transport: PyreqwestTransport) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while heard := await peer.hear(reader):
            body = heard.partition(b"\r\n\r\n")[2]
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))

    async def one(number: int) -> bytes:
        return await whole(await transport.handle_async_request(ask(peer.url, content=b"%d" % number)))

    async with serve(peer := Peer(talk)):
        assert await asyncio.gather(*map(one, range(200))) == [b"%d" % number for number in range(200)]


async def test_headers_are_sent_as_given_and_none_is_made_up(transport: PyreqwestTransport) -> None:
    headers = [("host", "example.org"), ("x-twice", "a"), ("x-twice", "b"), ("user-agent", "me"), ("accept", "a/b")]
    async with serve(saying(SMALL)) as peer:
        await transport.handle_async_request(ask(f"{peer.url}/a%20b?c=%C3%A9&d", headers=headers, content=b"{}"))
    request, *lines = peer.heard[0].split(b"\r\n")
    assert request == b"POST /v1/a%20b?c=%C3%A9&d HTTP/1.1"
    expected = [f"{name}: {value}".encode() for name, value in [*headers, ("content-length", "2")]]
    assert sorted(lines) == sorted([*expected, b"", b"{}"])
    assert lines.index(b"x-twice: a") < lines.index(b"x-twice: b")


async def test_a_request_without_a_user_agent_does_not_name_the_library(transport: PyreqwestTransport) -> None:
    async with serve(saying(SMALL)) as peer:
        await transport.handle_async_request(ask(peer.url, "GET"))
    assert b"reqwest" not in peer.heard[0]
    assert b"accept-encoding" not in peer.heard[0]


async def test_a_body_that_is_made_while_it_is_sent_arrives_whole(transport: PyreqwestTransport) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b"one ", b"two ", b"three"):
            yield piece

    async with serve(saying(SMALL)) as peer:
        await transport.handle_async_request(ask(peer.url, content=pieces()))
    assert peer.heard[0].endswith(b"4\r\none \r\n4\r\ntwo \r\n5\r\nthree\r\n0\r\n\r\n")


async def test_status_and_headers_come_back_as_they_were_duplicates_included(transport: PyreqwestTransport) -> None:
    answer = b"HTTP/1.1 429 Slow\r\nX-A: 1\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\ncontent-length: 4\r\n\r\nwait"
    async with serve(keeping_alive(answer)) as peer:
        for _ in range(2):
            response = await transport.handle_async_request(ask(peer.url))
            assert await whole(response) == b"wait"
    assert response.status_code == 429
    assert response.http_version == "HTTP/1.1"
    cookies = [(b"set-cookie", b"a=b"), (b"set-cookie", b"c=d")]
    assert response.headers.raw == [(b"x-a", b"1"), *cookies, (b"content-length", b"4")]
    assert b"cookie" not in peer.heard[1]


async def test_a_header_that_is_not_ascii_costs_no_other_header(transport: PyreqwestTransport) -> None:
    answer = b"HTTP/1.1 200 OK\r\nx-city: Z\xc3\xbcrich\r\nx-a: 1\r\nx-a: 2\r\ncontent-length: 2\r\n\r\nhi"
    async with serve(saying(answer)) as peer:
        response = await transport.handle_async_request(ask(peer.url))
        assert await whole(response) == b"hi"
    assert response.headers.multi_items() == [("x-a", "1"), ("x-a", "2"), ("content-length", "2")]


async def test_a_redirect_is_an_answer_like_any_other(transport: PyreqwestTransport) -> None:
    async with serve(keeping_alive(b"HTTP/1.1 307 Go\r\nlocation: /else\r\ncontent-length: 0\r\n\r\n")) as peer:
        response = await transport.handle_async_request(ask(peer.url))
        assert (response.status_code, await whole(response)) == (307, b"")
    assert len(peer.heard) == 1


async def test_a_compressed_body_is_left_as_it_is(transport: PyreqwestTransport) -> None:
    body = gzip.compress(b"hello")
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(body)
    async with serve(saying(head + body)) as peer:
        response = await transport.handle_async_request(ask(peer.url, headers=[("accept-encoding", "gzip")]))
        assert [piece async for piece in response.aiter_raw()] == [body]
    assert response.headers["content-encoding"] == "gzip"
    assert b"\r\naccept-encoding: gzip\r\n" in peer.heard[0]


@pytest.mark.parametrize("method", ["HEAD", "GET"])
async def test_an_answer_without_a_body_ends_at_once(transport: PyreqwestTransport, method: str) -> None:
    length, status = (b"5", b"200 OK") if method == "HEAD" else (b"0", b"204 No Content")
    async with serve(falling_silent(b"HTTP/1.1 %b\r\ncontent-length: %b\r\n\r\n" % (status, length))) as peer:
        response = await transport.handle_async_request(ask(peer.url, method))
        assert [piece async for piece in response.aiter_raw()] == []


async def test_a_large_body_arrives_whole_and_in_pieces(transport: PyreqwestTransport) -> None:
    body = bytes(range(256)) * 16384
    head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body)
    async with serve(saying(head + body)) as peer:
        response = await transport.handle_async_request(ask(peer.url, read=5))
        pieces = [piece async for piece in response.aiter_raw()]
    assert b"".join(pieces) == body
    assert len(pieces) > 1


async def test_a_client_of_httpx2_can_use_it_too(transport: PyreqwestTransport) -> None:
    async with serve(saying(SMALL)) as peer, httpx2.AsyncClient(transport=transport) as client:
        assert (await client.get(peer.url)).text == "hi"


@pytest.mark.parametrize("framing", ["chunked", "content-length", "until-closed"])
async def test_each_event_is_handed_over_before_the_next_one_is_sent(
    transport: PyreqwestTransport, framing: str
) -> None:
    sent = [b"data: %d\n\n" % number for number in range(5)]
    seen: asyncio.Queue[bytes] = asyncio.Queue()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await peer.hear(reader)
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


async def test_a_small_body_of_known_length_comes_in_one_piece(transport: PyreqwestTransport) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await peer.hear(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n")
        for _ in range(10):
            writer.write(b"x")
            await asyncio.sleep(0.01)

    async with serve(peer := Peer(talk)):
        response = await transport.handle_async_request(ask(peer.url, read=60))
        assert [piece async for piece in response.aiter_raw()] == [b"x" * 10]


async def test_headers_are_handed_over_before_any_of_the_body_is_sent(transport: PyreqwestTransport) -> None:
    async with serve(falling_silent(CHUNKED)) as peer:
        response = await transport.handle_async_request(ask(peer.url))
        assert response.headers["content-type"] == "text/event-stream"
        await response.aclose()


async def test_a_stale_connection_is_replaced_without_the_caller_noticing(transport: PyreqwestTransport) -> None:
    answered, stale = asyncio.Event(), asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await peer.hear(reader)
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


# Timeouts.


@pytest.fixture
def deaf() -> Iterator[str]:
    """The URL of a host that completes no connection: its queue of pending ones is full."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        filling = [socket.socket() for _ in range(4)]
        for one in filling:
            one.setblocking(False)
            with suppress(BlockingIOError):
                one.connect(listening.getsockname())
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        for one in filling:
            one.close()


@pytest.mark.parametrize(("connect", "read"), [(0.2, 60.0), (0.5, 0.5), (None, 0.3), (0.2, None)])
async def test_a_host_that_does_not_connect_is_a_connect_timeout(
    transport: PyreqwestTransport, deaf: str, connect: float | None, read: float | None
) -> None:
    async with asyncio.timeout(GUARD_S):
        with pytest.raises(httpx2.ConnectTimeout) as caught:
            await transport.handle_async_request(ask(deaf, connect=connect, read=read))
    assert caught.value.request.url == deaf


@pytest.mark.parametrize("connect", [60.0, 0.1, None])
async def test_a_host_that_connects_and_stays_silent_is_a_read_timeout(
    transport: PyreqwestTransport, connect: float | None
) -> None:
    async with serve(falling_silent(b"")) as peer, asyncio.timeout(PROMPT_S):
        with pytest.raises(httpx2.ReadTimeout):
            await transport.handle_async_request(ask(peer.url, connect=connect, read=0.6))


@pytest.mark.parametrize(
    "begun", [CHUNKED + b"2\r\nhi\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhi"], ids=["stream", "whole"]
)
async def test_a_body_that_stops_coming_is_a_read_timeout_and_a_closed_connection(
    transport: PyreqwestTransport, begun: bytes
) -> None:
    async with serve(falling_silent(begun)) as peer, asyncio.timeout(PROMPT_S):
        response = await transport.handle_async_request(ask(peer.url, read=0.6))
        with pytest.raises(httpx2.ReadTimeout):
            await response.aread()
        await peer.gone.wait()


async def test_the_read_timeout_begins_anew_with_every_chunk(transport: PyreqwestTransport) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await peer.hear(reader)
        writer.write(CHUNKED)
        for _ in range(8):
            await asyncio.sleep(0.15)
            writer.write(b"1\r\nx\r\n")
        writer.write(b"0\r\n\r\n")

    async with serve(peer := Peer(talk)):
        response = await transport.handle_async_request(ask(peer.url, read=0.6))
        assert await response.aread() == b"x" * 8


async def test_time_in_which_nobody_reads_is_not_the_providers(transport: PyreqwestTransport) -> None:
    async with serve(saying(CHUNKED + b"1\r\nx\r\n" * 5000 + b"0\r\n\r\n")) as peer:
        response = await transport.handle_async_request(ask(peer.url, read=0.6))
        size = 0
        async for piece in response.aiter_raw():
            if not size:
                await asyncio.sleep(1.2)
            size += len(piece)
    assert size == 5000


# Leaving early.


async def test_closing_the_response_early_closes_the_connection(transport: PyreqwestTransport) -> None:
    async with serve(falling_silent(CHUNKED + b"2\r\nhi\r\n")) as peer:
        response = await transport.handle_async_request(ask(peer.url))
        pieces = response.aiter_raw()
        assert await anext(pieces) == b"hi"
        await response.aclose()
        await asyncio.wait_for(peer.gone.wait(), GUARD_S)
        with pytest.raises(httpx2.StreamClosed):
            await anext(pieces)


async def test_closing_a_response_that_nobody_read_closes_the_connection(transport: PyreqwestTransport) -> None:
    async with serve(falling_silent(CHUNKED)) as peer:
        response = await transport.handle_async_request(ask(peer.url))
        await response.aclose()
        await response.aclose()
        await asyncio.wait_for(peer.gone.wait(), GUARD_S)


async def test_cancelling_the_reader_closes_the_connection(transport: PyreqwestTransport) -> None:
    async with serve(falling_silent(CHUNKED + b"2\r\nhi\r\n")) as peer:
        response = await transport.handle_async_request(ask(peer.url, read=60))
        begun = asyncio.Event()

        async def read() -> None:
            async for _ in response.stream:  # type: ignore[union-attr]
                begun.set()

        reading = asyncio.create_task(read())
        await begun.wait()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await asyncio.wait_for(peer.gone.wait(), GUARD_S)


async def test_cancelling_the_wait_for_headers_frees_the_caller_at_once_and_the_connection_in_the_end(
    transport: PyreqwestTransport,
) -> None:
    async with serve(falling_silent(b"")) as peer:
        waiting = asyncio.create_task(transport.handle_async_request(ask(peer.url, read=0.5)))
        await peer.asked.wait()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        # pyreqwest cannot abort a request here; what closes the connection is the limit of abandoned exchanges.
        await asyncio.wait_for(peer.gone.wait(), GUARD_S)


async def test_closing_the_transport_closes_idle_connections_and_refuses_requests() -> None:
    transport = PyreqwestTransport()
    async with serve(keeping_alive()) as peer:
        await whole(await transport.handle_async_request(ask(peer.url)))
        await transport.aclose()
        await asyncio.wait_for(peer.gone.wait(), GUARD_S)
        with pytest.raises(httpx2.ConnectError):
            await transport.handle_async_request(ask(peer.url))


async def test_closing_the_transport_fails_a_request_that_waits_for_its_headers() -> None:
    transport = PyreqwestTransport()
    async with serve(falling_silent(b"")) as peer:
        waiting = asyncio.create_task(transport.handle_async_request(ask(peer.url, read=0.5)))
        await peer.asked.wait()
        await transport.aclose()
        with pytest.raises(httpx2.ReadError):
            await waiting


async def test_a_body_is_read_once(transport: PyreqwestTransport) -> None:
    async with serve(saying(SMALL)) as peer:
        response = await transport.handle_async_request(ask(peer.url))
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        assert [piece async for piece in response.stream] == [b"hi"]
        with pytest.raises(httpx2.StreamConsumed):
            await anext(aiter(response.stream))


# Peers that break the rules, or are not there.


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhi",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2000000\r\n\r\nhi",
        CHUNKED + b"2\r\nhi\r\n",
        CHUNKED + b"9\r\nhi",
        CHUNKED + b"2\r\nhi\r\nzz\r\n",
    ],
    ids=["short", "large-and-short", "no-last-chunk", "cut-in-a-chunk", "bad-chunk"],
)
async def test_a_body_that_ends_early_never_looks_like_its_end(transport: PyreqwestTransport, answer: bytes) -> None:
    async with serve(saying(answer)) as peer:
        response = await transport.handle_async_request(ask(peer.url))
        with pytest.raises((httpx2.RemoteProtocolError, httpx2.ReadError)):
            await response.aread()


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 9999 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-le",
        b"",
    ],
    ids=["no-http", "bad-status", "two-lengths", "cut-in-the-head", "closed"],
)
async def test_an_answer_that_is_no_http_is_a_protocol_error(transport: PyreqwestTransport, answer: bytes) -> None:
    async with serve(saying(answer)) as peer:
        with pytest.raises(httpx2.RemoteProtocolError):
            await transport.handle_async_request(ask(peer.url, content=b"x"))
    assert len(peer.heard) == 1  # It was sent, so ConnectError would be a lie, and sending it again may be wrong.


@pytest.mark.parametrize("begun", [b"", CHUNKED + b"2\r\nhi\r\n"], ids=["at-once", "in-the-body"])
async def test_a_connection_that_is_reset_is_no_connect_error(transport: PyreqwestTransport, begun: bytes) -> None:
    reset = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await peer.hear(reader)
        writer.write(begun)
        if begun:
            await reset.wait()
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async def read() -> None:
        response = await transport.handle_async_request(ask(peer.url))
        async for _ in response.aiter_raw():
            reset.set()

    async with serve(peer := Peer(talk)):
        with pytest.raises((httpx2.RemoteProtocolError, httpx2.ReadError)):
            await read()


async def test_nobody_listening_is_a_connect_error(transport: PyreqwestTransport) -> None:
    async with serve(saying()) as peer:
        pass
    with pytest.raises(httpx2.ConnectError, match="refused"):
        await transport.handle_async_request(ask(peer.url))


async def test_a_name_that_does_not_resolve_is_a_connect_error(transport: PyreqwestTransport) -> None:
    with pytest.raises(httpx2.ConnectError):
        await transport.handle_async_request(ask("http://nobody.invalid/"))


@pytest.mark.parametrize(
    ("url", "header", "kind"),
    [
        ("ftp://127.0.0.1/", "a", httpx2.UnsupportedProtocol),
        ("/relative", "a", httpx2.LocalProtocolError),
        ("http://127.0.0.1/", "a\r\nb: c", httpx2.LocalProtocolError),
    ],
)
async def test_what_cannot_be_sent_is_told_in_the_same_way(
    transport: PyreqwestTransport, url: str, header: str, kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        await transport.handle_async_request(ask(url, headers=[("x", header)]))


# Proxies, TLS, processes.


async def test_proxies_are_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serve(saying(SMALL)) as direct, serve(saying(SMALL, SMALL)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        async with PyreqwestTransport() as transport:
            assert await whole(await transport.handle_async_request(ask("http://far.invalid/a"))) == b"hi"
            assert await whole(await transport.handle_async_request(ask(direct.url))) == b"hi"
    assert [heard.split(b"\r\n")[0] for heard in proxy.heard] == [b"POST http://far.invalid/a HTTP/1.1"]
    assert len(direct.heard) == 1


class Identity:
    """A self-signed certificate for 127.0.0.1."""

    def __init__(self, folder: Path) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
        certificate = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
        self.pem = certificate.public_bytes(serialization.Encoding.PEM)
        self.path = folder / "certificate.pem"
        self.path.write_bytes(self.pem)
        key_path = folder / "key.pem"
        key_path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        self.server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.server.load_cert_chain(self.path, key_path)


@pytest.fixture
def identity(tmp_path: Path) -> Identity:
    return Identity(tmp_path)


async def test_a_certificate_that_nobody_vouches_for_is_refused(
    transport: PyreqwestTransport, identity: Identity
) -> None:
    async with serve(saying(SMALL), identity.server) as peer:
        with pytest.raises(httpx2.ConnectError):
            await transport.handle_async_request(ask(f"https://127.0.0.1:{peer.port}/", read=5))
    assert peer.heard == []


@pytest.mark.parametrize("position", ["alone", "in-a-bundle"])
async def test_a_certificate_that_is_given_is_trusted(identity: Identity, tmp_path: Path, position: str) -> None:
    (tmp_path / "other").mkdir()
    pem = identity.pem if position == "alone" else Identity(tmp_path / "other").pem + identity.pem
    async with serve(saying(SMALL), identity.server) as peer, PyreqwestTransport(ca_pem=pem) as transport:
        response = await transport.handle_async_request(ask(f"https://127.0.0.1:{peer.port}/"))
        assert await whole(response) == b"hi"


async def test_the_certificates_of_ssl_cert_file_are_trusted(
    identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(identity.path))
    async with serve(saying(SMALL), identity.server) as peer, PyreqwestTransport() as transport:
        response = await transport.handle_async_request(ask(f"https://127.0.0.1:{peer.port}/"))
        assert await whole(response) == b"hi"


async def test_certificates_that_are_none_are_a_connect_error() -> None:
    pem = b"-----BEGIN CERTIFICATE-----\nbm9uZQ==\n-----END CERTIFICATE-----\n"
    async with PyreqwestTransport(ca_pem=pem) as transport:
        with pytest.raises(httpx2.ConnectError):
            await transport.handle_async_request(ask("https://127.0.0.1:9/"))


async def test_a_transport_made_before_a_fork_works_after_it() -> None:
    script = """if True:
        import asyncio, os, sys
        import httpx2
        from adapters.providers.transport import PyreqwestTransport

        transport = PyreqwestTransport()

        async def main():
            response = await transport.handle_async_request(httpx2.Request("GET", sys.argv[1]))
            body = await response.aread()
            await transport.aclose()
            return body

        if child := os.fork():
            sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        os._exit(0 if asyncio.run(main()) == b"hi" else 1)
    """
    async with serve(saying(SMALL)) as peer:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", script, peer.url, stderr=asyncio.subprocess.PIPE
        )
        _, complaint = await process.communicate()
        assert (process.returncode, complaint) == (0, b"")
