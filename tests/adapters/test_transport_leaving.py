"""The transport over real sockets: leaving an exchange early, and closing it all."""

import asyncio

import httpx2
import pytest

from adapters.providers.transport import PyreqwestTransport
from tests.adapters.transport_peer import (
    CHUNKED,
    GUARD_S,
    SMALL,
    ask,
    falling_silent,
    keeping_alive,
    saying,
    serve,
    whole,
)

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("no_proxy_of_ours")]


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
