"""Admission to the server: the listening socket, all connections, and the requests that are under way.

House rule: a caller with a request keeps its place, and a connection without a request gives its place up. A request
beyond the limit is passed to the application as refused, which answers it at once.
"""

import asyncio
import socket
from email.utils import formatdate
from functools import partial

from entrypoints.server import REFUSED
from entrypoints.server.connection import Connection
from entrypoints.server.exchange import App, Exchange
from entrypoints.server.hangups import HangUps
from entrypoints.server.limits import CONNECTION_TIMEOUTS, ConnectionTimeouts, Limits

BACKLOG = 2048
# How many connections are accepted at once before the limit is checked; those beyond it are closed.
ACCEPTED_AT_ONCE = 8


class Listener:
    """Serves the application on one socket, until `stop`."""

    def __init__(self, app: App, limits: Limits, timeouts: ConnectionTimeouts = CONNECTION_TIMEOUTS) -> None:
        self.timeouts = timeouts
        self.loop = asyncio.get_running_loop()
        self.now = self.loop.time
        self.address: tuple[str, int] | None = None
        self.is_stopping = False
        self._app = app
        self._limits = limits
        self._connections: set[Connection] = set()
        self._waiting: dict[Connection, None] = {}  # The one that waits longest comes first.
        self._stalling: dict[Connection, float] = {}  # The time since which the caller has read nothing.
        self._tasks: set[asyncio.Task[None]] = set()
        self._hang_ups = HangUps(self.loop)
        self._server: asyncio.Server | None = None
        self._date = (0, b"")
        self._timer = self.loop.call_later(self.timeouts.look_s, self._look)
        self._idle = asyncio.Event()

    async def listen(self, sock: socket.socket) -> None:
        """Begin to accept connections."""
        host, port = sock.getsockname()[:2]
        self.address = (host, port)
        self._server = await self.loop.create_server(partial(Connection, self), sock=sock, backlog=ACCEPTED_AT_ONCE)
        sock.listen(BACKLOG)  # Both numbers are one to asyncio.

    async def stop(self) -> None:
        """Accept no more connections, and return when all requests under way have ended."""
        self.is_stopping = True
        if self._server is not None:
            self._server.close()
        for connection in [*self._connections]:
            connection.last_request()
        while self._tasks:
            await asyncio.wait(self._tasks)
        while any(connection.buffered() for connection in self._connections):
            self._idle.clear()
            await self._idle.wait()
        self._timer.cancel()
        self._hang_ups.close()

    # --- a connection's side ---

    def opened(self, connection: Connection) -> None:
        self._connections.add(connection)
        if len(self._connections) > self._limits.connections and self._waiting:
            longest = next(iter(self._waiting))
            del self._waiting[longest]
            longest.abort()

    def closed(self, connection: Connection, transport: asyncio.Transport | None) -> None:
        self._connections.discard(connection)
        self._waiting.pop(connection, None)
        self._stalling.pop(connection, None)
        self._idle.set()
        if transport is not None:
            self._hang_ups.forget(transport.get_extra_info("socket").fileno())

    def waits(self, connection: Connection) -> None:
        """The connection waits for its caller, until it is `due`."""
        self._waiting[connection] = None

    def stalls(self, connection: Connection) -> None:
        """Bytes wait to be sent on the connection."""
        connection.unsent = connection.buffered()
        self._stalling[connection] = self.now()

    def watch(self, transport: asyncio.Transport, connection: Connection) -> None:
        """The connection's caller has closed its sending side: close the connection when it has left for good."""
        self._hang_ups.watch(transport.get_extra_info("socket").fileno(), connection.abort)

    def begins(self, connection: Connection, exchange: Exchange) -> None:
        """A request has come."""
        self._waiting.pop(connection, None)
        if len(self._tasks) >= self._limits.requests and REFUSED not in exchange.scope:
            exchange.scope[REFUSED] = "busy"
        self._tasks.add(self.loop.create_task(exchange.run(self._app, self._tasks)))

    def date(self) -> bytes:
        """The Date header, made once a second. RFC 9110, section 6.6.1."""
        second = int(self.now())
        if self._date[0] != second:
            self._date = (second, f"date: {formatdate(usegmt=True)}\r\n".encode())
        return self._date[1]

    # --- the clock's side ---

    def _look(self) -> None:
        """Close connections whose wait is over, and those whose caller reads nothing."""
        now = self.now()
        self._timer = self.loop.call_later(self.timeouts.look_s, self._look)
        for connection in [connection for connection in self._waiting if connection.due <= now]:
            del self._waiting[connection]
            connection.time_is_up()
        for connection, since in [*self._stalling.items()]:
            unsent = connection.buffered()
            if not unsent:
                del self._stalling[connection]
            elif unsent != connection.unsent:
                self.stalls(connection)
            elif now - since > self.timeouts.stall_s:
                connection.abort()
