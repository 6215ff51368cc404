"""Open connections: to the provider itself or through a proxy, with or without TLS."""

import asyncio
import base64
import os
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any, NamedTuple, cast
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies

import httpx2

# RFC 8305, section 8: when the next address is tried in parallel with one that does not answer.
_HAPPY_EYEBALLS_S = 0.25
_TUNNEL_BYTES_MAX = 64 * 1024
# A provider may be silent for minutes, and a router in between drops such a connection.
_KEEPALIVE = (("TCP_KEEPIDLE", 60), ("TCP_KEEPALIVE", 60), ("TCP_KEEPINTVL", 60), ("TCP_KEEPCNT", 5))


class Origin(NamedTuple):
    """The destination: a host (ASCII, no brackets) and a port, with or without TLS."""

    tls: bool
    host: str
    port: int


class Proxy(NamedTuple):
    """A proxy, and the value of Proxy-Authorization if it requires one."""

    origin: Origin
    authorization: bytes | None


class Dialer:
    """Opens connections. The environment and the trusted roots are read when the first is opened."""

    def __init__(self, ca_pem: bytes | None = None) -> None:
        self._ca_pem = ca_pem
        self._environment: Mapping[str, str] | None = None
        self._proxies: dict[Origin, Proxy | None] = {}
        self._tls: asyncio.Task[ssl.SSLContext] | None = None

    def proxy_to(self, origin: Origin) -> Proxy | None:
        """Return the proxy for the origin, or None. Raises ProxyError if the environment names an unusable one."""
        if origin not in self._proxies:
            if self._environment is None:
                self._environment = getproxies()
            self._proxies[origin] = proxy_for(origin, self._environment)
        return self._proxies[origin]

    async def dial(self, origin: Origin, protocol: asyncio.Protocol) -> None:
        """Connect the protocol to the origin; cancel the call to give up.

        Raises:
            httpx2.ConnectError: No server, or no certificate of a trusted root.
            httpx2.ProxyError: The proxy refuses the tunnel.
        """
        proxy = self.proxy_to(origin)
        loop = asyncio.get_running_loop()
        try:
            if proxy is None:
                await self._connect(loop, origin, protocol)
            elif not origin.tls:
                await self._connect(loop, proxy.origin, protocol)
            else:
                tunnel = _Tunnel(loop, origin, proxy.authorization)
                await self._connect(loop, proxy.origin, tunnel)
                await self._through(loop, tunnel, origin, protocol)
        except ssl.SSLError as error:
            raise httpx2.ConnectError(f"TLS: {error.reason or error}") from error
        except OSError as error:
            raise httpx2.ConnectError(error_text(error)) from error

    async def _connect(self, loop: asyncio.AbstractEventLoop, to: Origin, protocol: asyncio.BaseProtocol) -> None:
        # uvloop does not have the option, and tries the addresses of a name in sequence.
        races = address_of(to.host) is None and isinstance(loop, asyncio.BaseEventLoop)
        option: dict[str, Any] = {"happy_eyeballs_delay": _HAPPY_EYEBALLS_S} if races else {}
        transport, _ = await loop.create_connection(
            lambda: protocol,
            to.host,
            to.port,
            ssl=await self.tls_context() if to.tls else None,
            server_hostname=to.host if to.tls else None,
            **option,
        )
        _keep_alive(transport.get_extra_info("socket"))

    async def _through(
        self, loop: asyncio.AbstractEventLoop, tunnel: "_Tunnel", to: Origin, protocol: asyncio.Protocol
    ) -> None:
        """Start TLS with the origin inside the tunnel through the proxy."""
        assert tunnel.transport is not None
        try:
            await tunnel.opened
            transport = await loop.start_tls(
                tunnel.transport, protocol, await self.tls_context(), server_hostname=to.host
            )
        except BaseException:
            tunnel.transport.abort()
            raise
        if transport is None:
            raise httpx2.ConnectError("the proxy closed the tunnel")
        protocol.connection_made(transport)

    async def tls_context(self) -> ssl.SSLContext:
        """Return the process's TLS context.

        Reading the roots takes about 80 ms, so the event loop does not wait for it.
        """
        if self._tls is None or (self._tls.done() and (self._tls.cancelled() or self._tls.exception() is not None)):
            self._tls = asyncio.create_task(asyncio.to_thread(_context, self._ca_pem))
        return await asyncio.shield(self._tls)


class _Tunnel(asyncio.Protocol):
    """Asks a proxy for a tunnel; `opened` is done when there is one."""

    def __init__(self, loop: asyncio.AbstractEventLoop, to: Origin, authorization: bytes | None) -> None:
        self.opened: asyncio.Future[None] = loop.create_future()
        self.transport: asyncio.Transport | None = None
        self._to = to
        self._authorization = authorization
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transport is one without a declared type.
        self.transport = transport = cast(asyncio.Transport, transport)
        name = f"[{self._to.host}]" if ":" in self._to.host else self._to.host
        place = f"{name}:{self._to.port}".encode("ascii")
        known = b"proxy-authorization: %b\r\n" % self._authorization if self._authorization else b""
        transport.write(b"CONNECT %b HTTP/1.1\r\nhost: %b\r\n%b\r\n" % (place, place, known))

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, rest = self._received.partition(b"\r\n\r\n")
        if self.opened.done() or (not end and len(head) < _TUNNEL_BYTES_MAX):
            return
        status = head.partition(b"\r\n")[0]
        fields = status.split(b" ")
        if end and not rest and fields[0].startswith(b"HTTP/1.") and fields[1:2] and fields[1].startswith(b"2"):
            self.opened.set_result(None)
        else:
            status_text = status[:100].decode("latin-1")
            self.opened.set_exception(httpx2.ProxyError(f"the proxy does not let us through: {status_text}"))

    def connection_lost(self, error: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(httpx2.ProxyError("the proxy closed the connection"))
            self.opened.exception()  # Mark the exception as retrieved, in case no task waits for it.


def proxy_for(origin: Origin, environment: Mapping[str, str]) -> Proxy | None:
    """Return the proxy for the origin; `environment` comes from `urllib.request.getproxies`."""
    url = environment.get("https" if origin.tls else "http") or environment.get("all")
    if not url or is_exempt(origin, environment.get("no", "")):
        return None
    parts = urlsplit(url if "://" in url else f"http://{url}")
    port = None
    with suppress(ValueError):
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    if port is None or parts.scheme not in ("http", "https"):
        raise httpx2.ProxyError(f"a proxy is http://host:port or https://host:port, not {parts.scheme}://…")
    authorization = None
    if parts.username is not None:
        credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = b"Basic " + base64.b64encode(credentials.encode())
    return Proxy(Origin(parts.scheme == "https", parts.hostname or "", port), authorization)


def is_exempt(origin: Origin, no_proxy: str) -> bool:
    """Whether NO_PROXY names the origin: `*`, a domain with its subdomains, an address or a network of addresses.

    Each may end in `:port`. https://curl.se/libcurl/c/CURLOPT_NOPROXY.html
    """
    address = address_of(origin.host)
    host = origin.host.lower()
    for entry in no_proxy.lower().split(","):
        name = entry.strip()
        if name == "*":
            return True
        if name.endswith(f":{origin.port}") and (name.count(":") == 1 or "]" in name):
            name = name.rpartition(":")[0]
        name = name.strip("[]").removeprefix("*").lstrip(".")
        if not name:
            continue
        if address is None:
            if host == name or host.endswith(f".{name}"):
                return True
        else:
            with suppress(ValueError):
                if address in ip_network(name, strict=False):
                    return True
    return False


def address_of(host: str) -> IPv4Address | IPv6Address | None:
    """Return the address if the host is one and not a name."""
    with suppress(ValueError):
        return ip_address(host)
    return None


def _context(ca_pem: bytes | None) -> ssl.SSLContext:
    context = httpx2.create_ssl_context()
    context.set_alpn_protocols(["http/1.1"])
    if ca_pem is not None:
        context.load_verify_locations(cadata=ca_pem.decode("ascii"))
    return context


def _keep_alive(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE:
        option = getattr(socket, name, None)  # Each system has three of the four.
        if option is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)


def error_text(error: OSError) -> str:
    """Return the system's text for the error number, because asyncio only reports "Connect call failed"."""
    is_numbered = error.errno is not None and error.errno > 0 and not isinstance(error, socket.gaierror)
    return os.strerror(error.errno) if is_numbered and error.errno is not None else str(error)
