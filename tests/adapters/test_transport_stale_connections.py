"""The transport over real sockets: a kept connection that the provider closes while a request is on its way."""

import asyncio
import socket
import ssl
import sys
from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.adapters.conftest import MakeTransport
from tests.adapters.transport_identity import Identity
from tests.adapters.transport_peer import GUARD_S, SMALL, ask, whole

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.usefixtures("no_proxy_of_ours"),
    pytest.mark.skipif(sys.platform != "linux", reason="only its kernel tells what the peer has received"),
]


class Provider:
    """A provider whose every step the test takes, in threads beside the loop: what it closes is closed at once."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(GUARD_S)
        self._tls = tls
        self.port: int = self._listening.getsockname()[1]
        self.received: list[bytes] = []

    async def accept(self) -> socket.socket:
        return await asyncio.to_thread(self._accept)

    def _accept(self) -> socket.socket:
        caller, _ = self._listening.accept()
        return self._tls.wrap_socket(caller, server_side=True) if self._tls else caller

    async def receive(self, caller: socket.socket) -> None:
        self.received.append(await asyncio.to_thread(caller.recv, 65536))

    async def answer(self, caller: socket.socket) -> None:
        await self.receive(caller)
        caller.sendall(SMALL)

    def close(self) -> None:
        self._listening.close()


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    made = Provider()
    yield made
    made.close()


async def test_a_request_that_crosses_the_close_of_a_kept_connection_is_sent_once_more(
    transport: httpx2.AsyncBaseTransport, provider: Provider
) -> None:
    url = f"http://127.0.0.1:{provider.port}/v1"
    first = asyncio.create_task(transport.handle_async_request(ask(url, content=b"one")))
    kept = await provider.accept()
    await provider.answer(kept)
    assert b"hi" == await whole(await first)

    kept.close()
    second = asyncio.create_task(transport.handle_async_request(ask(url, content=b"two")))
    fresh = await provider.accept()
    await provider.answer(fresh)

    assert b"hi" == await whole(await second)
    assert [b"one", b"two"] == [received.rpartition(b"\r\n\r\n")[2] for received in provider.received]
    fresh.close()


async def test_over_tls_too(make_transport: MakeTransport, identity: Identity) -> None:
    provider = Provider(identity.server)
    url = f"https://127.0.0.1:{provider.port}/v1"
    async with make_transport(ca_pem=identity.pem) as transport:
        first = asyncio.create_task(transport.handle_async_request(ask(url, content=b"one")))
        kept = await provider.accept()
        await provider.answer(kept)
        assert b"hi" == await whole(await first)

        kept.close()
        second = asyncio.create_task(transport.handle_async_request(ask(url, content=b"two")))
        fresh = await provider.accept()
        await provider.answer(fresh)

        assert b"hi" == await whole(await second)
    fresh.close()
    provider.close()


@pytest.mark.parametrize(
    "begun", [b"", b"HTTP/1.1 100 Continue\r\n\r\n"], ids=["without-a-word", "after-an-interim-answer"]
)
async def test_a_request_that_was_received_is_not_sent_again(
    transport: httpx2.AsyncBaseTransport, provider: Provider, begun: bytes
) -> None:
    url = f"http://127.0.0.1:{provider.port}/v1"
    first = asyncio.create_task(transport.handle_async_request(ask(url, content=b"one")))
    kept = await provider.accept()
    await provider.answer(kept)
    await whole(await first)

    second = asyncio.create_task(transport.handle_async_request(ask(url, content=b"two")))
    await provider.receive(kept)
    kept.sendall(begun)
    kept.close()

    with pytest.raises((httpx2.RemoteProtocolError, httpx2.ReadError)):
        await second
    assert 2 == len(provider.received)
