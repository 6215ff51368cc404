"""The transport over real sockets: peers that break the rules, or are not there."""

import asyncio
import socket
import struct

import httpx2
import pytest

from tests.adapters.transport_peer import CHUNKED, Peer, ask, saying, serve, whole

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("no_proxy_of_ours")]


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
async def test_a_body_that_ends_early_never_looks_like_its_end(
    transport: httpx2.AsyncBaseTransport, answer: bytes
) -> None:
    async with serve(saying(answer)) as peer:
        with pytest.raises((httpx2.RemoteProtocolError, httpx2.ReadError)):
            await whole(await transport.handle_async_request(ask(peer.url)))


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
async def test_an_answer_that_is_no_http_is_a_protocol_error(
    transport: httpx2.AsyncBaseTransport, answer: bytes
) -> None:
    async with serve(saying(answer)) as peer:
        with pytest.raises(httpx2.RemoteProtocolError):
            await transport.handle_async_request(ask(peer.url, content=b"x"))
    assert len(peer.received) == 1  # It was sent, so ConnectError would be a lie, and sending it again may be wrong.


@pytest.mark.parametrize("begun", [b"", CHUNKED + b"2\r\nhi\r\n"], ids=["at-once", "in-the-body"])
async def test_a_connection_that_is_reset_is_no_connect_error(
    transport: httpx2.AsyncBaseTransport, begun: bytes
) -> None:
    reset = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await peer.receive(reader)
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


async def test_a_closed_port_is_a_connect_error(transport: httpx2.AsyncBaseTransport) -> None:
    async with serve(saying()) as peer:
        pass
    with pytest.raises(httpx2.ConnectError, match="refused"):
        await transport.handle_async_request(ask(peer.url))


async def test_a_name_that_does_not_resolve_is_a_connect_error(transport: httpx2.AsyncBaseTransport) -> None:
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
async def test_a_request_that_cannot_be_sent_is_reported_alike(
    transport: httpx2.AsyncBaseTransport, url: str, header: str, kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        await transport.handle_async_request(ask(url, headers=[("x", header)]))
