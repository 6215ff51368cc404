"""The transport over real sockets: hosts that do not connect, or fall silent."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import suppress

import httpx2
import pytest

from tests.adapters.transport_peer import CHUNKED, GUARD_S, Peer, ask, falling_silent, saying, serve

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("no_proxy_of_ours")]

PROMPT_S = 3.0


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
    transport: httpx2.AsyncBaseTransport, deaf: str, connect: float | None, read: float | None
) -> None:
    async with asyncio.timeout(GUARD_S):
        with pytest.raises(httpx2.ConnectTimeout) as caught:
            await transport.handle_async_request(ask(deaf, connect=connect, read=read))
    assert caught.value.request.url == deaf


@pytest.mark.parametrize("connect", [60.0, 0.1, None])
async def test_a_host_that_connects_and_stays_silent_is_a_read_timeout(
    transport: httpx2.AsyncBaseTransport, connect: float | None
) -> None:
    async with serve(falling_silent(b"")) as peer, asyncio.timeout(PROMPT_S):
        with pytest.raises(httpx2.ReadTimeout):
            await transport.handle_async_request(ask(peer.url, connect=connect, read=0.6))


@pytest.mark.parametrize(
    "begun", [CHUNKED + b"2\r\nhi\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhi"], ids=["stream", "whole"]
)
async def test_a_body_that_stops_coming_is_a_read_timeout_and_a_closed_connection(
    transport: httpx2.AsyncBaseTransport, begun: bytes
) -> None:
    async with serve(falling_silent(begun)) as peer, asyncio.timeout(PROMPT_S):
        response = await transport.handle_async_request(ask(peer.url, read=0.6))
        with pytest.raises(httpx2.ReadTimeout):
            await response.aread()
        await peer.gone.wait()


async def test_the_read_timeout_restarts_with_every_chunk(transport: httpx2.AsyncBaseTransport) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await peer.receive(reader)
        writer.write(CHUNKED)
        for _ in range(8):
            await asyncio.sleep(0.15)
            writer.write(b"1\r\nx\r\n")
        writer.write(b"0\r\n\r\n")

    async with serve(peer := Peer(talk)):
        response = await transport.handle_async_request(ask(peer.url, read=0.6))
        assert await response.aread() == b"x" * 8


async def test_time_without_a_reader_does_not_count_for_the_timeout(transport: httpx2.AsyncBaseTransport) -> None:
    async with serve(saying(CHUNKED + b"1\r\nx\r\n" * 5000 + b"0\r\n\r\n")) as peer:
        response = await transport.handle_async_request(ask(peer.url, read=0.6))
        size = 0
        async for piece in response.aiter_raw():
            if not size:
                await asyncio.sleep(1.2)
            size += len(piece)
    assert size == 5000
