"""The transport over real sockets: leaving an exchange early, and closing it all."""

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
    saying,
    serve,
    whole,
)

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("no_proxy_of_ours")]


async def test_closing_the_response_early_closes_the_connection(transport: httpx2.AsyncBaseTransport) -> None:
    async with serve(falling_silent(CHUNKED + b"2\r\nhi\r\n")) as peer:
        response = await transport.handle_async_request(ask(peer.url))
        pieces = response.aiter_raw()
        assert await anext(pieces) == b"hi"
        await response.aclose()
        await asyncio.wait_for(peer.gone.wait(), GUARD_S)
        with pytest.raises(httpx2.StreamClosed):
            await anext(pieces)


async def test_closing_an_unread_response_closes_the_connection(transport: httpx2.AsyncBaseTransport) -> None:
    async with serve(falling_silent(CHUNKED)) as peer:
        response = await transport.handle_async_request(ask(peer.url))
        await response.aclose()
        await response.aclose()
        await asyncio.wait_for(peer.gone.wait(), GUARD_S)


async def test_cancelling_the_reader_closes_the_connection(transport: httpx2.AsyncBaseTransport) -> None:
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


async def test_cancelling_the_wait_for_headers_closes_the_connection_at_once(
    transport: httpx2.AsyncBaseTransport,
) -> None:
    async with serve(falling_silent(b"")) as peer:
        waiting = asyncio.create_task(transport.handle_async_request(ask(peer.url, read=600)))
        await peer.requested.wait()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await asyncio.wait_for(peer.gone.wait(), GUARD_S)


async def test_cancelling_the_sending_of_a_body_closes_the_connection(transport: httpx2.AsyncBaseTransport) -> None:
    never = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield b"one"
        await never.wait()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"one")
        peer.requested.set()
        await peer.hang_up(reader)

    async with serve(peer := Peer(talk)):
        waiting = asyncio.create_task(transport.handle_async_request(ask(peer.url, content=pieces())))
        await peer.requested.wait()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await asyncio.wait_for(peer.gone.wait(), GUARD_S)


async def test_closing_the_transport_closes_idle_connections_and_refuses_requests(
    make_transport: MakeTransport,
) -> None:
    transport = make_transport()
    async with serve(keeping_alive()) as peer:
        await whole(await transport.handle_async_request(ask(peer.url)))
        await transport.aclose()
        await asyncio.wait_for(peer.gone.wait(), GUARD_S)
        with pytest.raises(httpx2.ConnectError):
            await transport.handle_async_request(ask(peer.url))


async def test_closing_the_transport_fails_a_request_that_waits_for_its_headers(make_transport: MakeTransport) -> None:
    transport = make_transport()
    async with serve(falling_silent(b"")) as peer:
        waiting = asyncio.create_task(transport.handle_async_request(ask(peer.url, read=600)))
        await peer.requested.wait()
        await transport.aclose()
        with pytest.raises(httpx2.ReadError):
            await waiting


async def test_closing_the_transport_breaks_an_answer_that_is_not_whole(make_transport: MakeTransport) -> None:
    transport = make_transport()
    async with serve(falling_silent(CHUNKED + b"2\r\nhi\r\n")) as peer:
        response = await transport.handle_async_request(ask(peer.url, read=600))
        pieces = response.aiter_raw()
        assert await anext(pieces) == b"hi"
        await transport.aclose()
        with pytest.raises(httpx2.ReadError):
            await anext(pieces)
        await asyncio.wait_for(peer.gone.wait(), GUARD_S)


async def test_a_body_is_read_once(transport: httpx2.AsyncBaseTransport) -> None:
    async with serve(saying(SMALL)) as peer:
        response = await transport.handle_async_request(ask(peer.url))
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        assert [piece async for piece in response.stream] == [b"hi"]
        with pytest.raises(httpx2.StreamConsumed):
            await anext(aiter(response.stream))
