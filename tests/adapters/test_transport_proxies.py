"""The transport over real sockets: proxies that the environment names."""

import asyncio
from contextlib import suppress

import httpx2
import pytest

from adapters.providers.transport import Http1Transport
from adapters.providers.transport.dialing import Origin, Proxy, is_exempt, proxy_for
from tests.adapters.conftest import MakeTransport
from tests.adapters.transport_identity import Identity
from tests.adapters.transport_peer import SMALL, Peer, ask, falling_silent, keeping_alive, saying, serve, whole

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("no_proxy_of_ours")]

FAR = Origin(True, "api.example.org", 443)
BASIC = b"Basic bWU6YSBi"  # "me:a b"


def tunnelling() -> Peer:
    """A proxy that puts through who asks."""

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requested = await peer.receive(reader)
        host, _, port = requested.split(b" ")[1].rpartition(b":")
        far_reader, far_writer = await asyncio.open_connection(host.decode(), int(port))
        writer.write(b"HTTP/1.1 200 Connection established\r\nvia: x\r\n\r\n")
        try:
            await asyncio.gather(pipe(reader, far_writer), pipe(far_reader, writer))
        finally:
            far_writer.transport.abort()
            writer.transport.abort()

    peer = Peer(talk)
    return peer


async def test_a_proxy_relays_what_is_plain_and_no_proxy_spares_its_hosts(
    make_transport: MakeTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serve(saying(SMALL)) as direct, serve(saying(SMALL, SMALL)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://me:a%20b@127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        async with make_transport() as transport:
            assert await whole(await transport.handle_async_request(ask("http://far.invalid/a?b#c"))) == b"hi"
            assert await whole(await transport.handle_async_request(ask(direct.url))) == b"hi"
    request, *lines = proxy.received[0].split(b"\r\n")
    assert request == b"POST http://far.invalid/a?b HTTP/1.1"
    assert b"proxy-authorization: " + BASIC in lines
    assert len(proxy.received) == 1
    assert len(direct.received) == 1
    assert b"proxy-authorization" not in direct.received[0]


@pytest.mark.parametrize("over_tls", [False, True], ids=["plain-proxy", "tls-proxy"])
async def test_a_proxy_tunnels_tls_and_receives_nothing_of_it(
    make_transport: MakeTransport, identity: Identity, monkeypatch: pytest.MonkeyPatch, over_tls: bool
) -> None:
    tls, scheme = (identity.server, "https") if over_tls else (None, "http")
    async with serve(keeping_alive(), identity.server) as peer, serve(tunnelling(), tls) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://me:a%20b@127.0.0.1:{proxy.port}")
        async with make_transport(ca_pem=identity.pem) as transport:
            for _ in range(2):
                url = f"https://127.0.0.1:{peer.port}/"
                assert await whole(await transport.handle_async_request(ask(url, content=b"x", read=60))) == b"hi"
    place = b"127.0.0.1:%d" % peer.port
    (tunnel,) = proxy.received
    sent = [b"connect %b http/1.1" % place, b"host: " + place, b"proxy-authorization: " + BASIC.lower()]
    assert tunnel.lower().split(b"\r\n")[:3] == sent
    assert make_transport is not Http1Transport or tunnel.count(b"\r\n") == len(sent) + 1, "nothing else is sent"
    assert len(peer.received) == 2
    assert b"proxy-authorization" not in peer.received[0]


async def test_a_certificate_is_looked_at_through_a_tunnel_too(
    make_transport: MakeTransport, identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serve(keeping_alive(), identity.server) as peer, serve(tunnelling()) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        async with make_transport() as transport:
            with pytest.raises(httpx2.ConnectError, match="CERTIFICATE"):
                await transport.handle_async_request(ask(f"https://127.0.0.1:{peer.port}/", read=60))
    assert peer.received == []


@pytest.mark.parametrize(
    "says",
    [
        b"HTTP/1.1 407 Who are you\r\ncontent-length: 0\r\n\r\n",
        b"SSH-2.0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nmore",
        b"x" * 70000,
    ],
    ids=["refuses", "is-none", "speaks-out-of-turn", "never-ends"],
)
async def test_a_proxy_that_does_not_put_us_through_is_named(
    make_transport: MakeTransport, monkeypatch: pytest.MonkeyPatch, says: bytes
) -> None:
    async with serve(falling_silent(says)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        async with make_transport() as transport:
            with pytest.raises(httpx2.ProxyError, match="does not let us through"):
                await transport.handle_async_request(ask("https://far.invalid/", read=60))
        await proxy.gone.wait()


async def test_a_proxy_that_stays_silent_is_a_connect_timeout(
    make_transport: MakeTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serve(falling_silent(b"")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        async with make_transport() as transport:
            with pytest.raises(httpx2.ConnectTimeout):
                await transport.handle_async_request(ask("https://far.invalid/", connect=0.2, read=60))
        await proxy.gone.wait()


async def test_a_proxy_of_an_unsupported_kind_is_refused_by_name(
    make_transport: MakeTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    async with make_transport() as transport:
        with pytest.raises(httpx2.ProxyError, match="socks5://") as caught:
            await transport.handle_async_request(ask("http://far.invalid/"))
    assert caught.value.request.url == "http://far.invalid/"


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("http://p:8080", Proxy(Origin(False, "p", 8080), None)),
        ("p:8080", Proxy(Origin(False, "p", 8080), None)),
        ("http://p", Proxy(Origin(False, "p", 80), None)),
        ("https://p", Proxy(Origin(True, "p", 443), None)),
        ("http://me:a%20b@[::1]:1", Proxy(Origin(False, "::1", 1), BASIC)),
    ],
)
def test_a_proxy_is_read_from_its_url(url: str, proxy: Proxy) -> None:
    assert proxy_for(FAR, {"https": url}) == proxy
    assert proxy_for(FAR, {"all": url}) == proxy
    assert proxy_for(FAR, {"http": url}) is None


@pytest.mark.parametrize(
    ("no_proxy", "host", "spared"),
    [
        ("*", "api.example.org", True),
        ("example.org", "api.example.org", True),
        (".example.org", "api.example.org", True),
        ("*.example.org", "api.example.org", True),
        ("Example.ORG, other", "api.example.org", True),
        ("api.example.org:443", "api.example.org", True),
        ("api.example.org:80", "api.example.org", False),
        ("ample.org", "api.example.org", False),
        ("", "api.example.org", False),
        (",", "api.example.org", False),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.1.2.3:443", "10.1.2.3", True),
        ("::1", "::1", True),
        ("[::1]:443", "::1", True),
        ("fd00::/8", "fd00::1", True),
        ("example.org", "10.1.2.3", False),
    ],
)
def test_no_proxy_names_hosts_domains_and_networks(no_proxy: str, host: str, spared: bool) -> None:
    assert is_exempt(Origin(True, host, 443), no_proxy) is spared
