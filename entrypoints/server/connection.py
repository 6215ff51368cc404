"""One connection of a caller: its requests come in one after another, and each becomes an exchange.

A connection waits for its caller (for a request, or for the discarded rest of one), or an exchange is under way. A
waiting connection may be closed at any time to make room, and is closed when its time is up.
"""

import asyncio
import socket
import struct
from collections import deque
from typing import TYPE_CHECKING

from entrypoints.server import REFUSED, Refused
from entrypoints.server.exchange import Exchange
from entrypoints.server.requests import Head, RequestParser

if TYPE_CHECKING:
    from entrypoints.server.listening import Listener

# A caller who still sends a refused body would see a broken connection instead of its answer if the hub just closed.
DRAIN_BYTES_MAX = 64 * 1024 * 1024
_RESET = struct.pack("ii", 1, 0)


class Connection(asyncio.Protocol):
    """A caller's connection, accepted by `listener`. `due` is the time at which its wait ends."""

    __slots__ = (
        "_client",
        "_drained",
        "_eof",
        "_exchange",
        "_is_over",
        "_listener",
        "_parser",
        "_paused",
        "_pending",
        "_reading",
        "_room",
        "_transport",
        "due",
        "is_full",
        "unsent",
    )

    def __init__(self, listener: "Listener") -> None:
        self.due = 0.0
        self.is_full = False  # Written bytes wait to be sent.
        self.unsent = 0  # How many bytes waited when the listener looked last.
        self._listener = listener
        self._parser = RequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._client: tuple[str, int] | None = None
        self._exchange: Exchange | None = None  # The exchange that is being answered.
        self._reading: Exchange | None = None  # The exchange whose body is being read.
        self._pending: deque[Exchange] = deque()  # Pipelined requests, which wait for the answer before them.
        self._paused = self._eof = False
        self._is_over = False  # Further input is discarded.
        self._drained = 0
        self._room: asyncio.Future[None] | None = None

    # --- the event loop's side ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # uvloop's is no asyncio.Transport
        peer = transport.get_extra_info("peername")
        self._client = peer[:2] if isinstance(peer, tuple) else None
        self._listener.opened(self)
        self._wait(self._listener.timeouts.head_s)

    def data_received(self, data: bytes) -> None:
        if self._is_over:
            self._drop(len(data))
            return
        if self._exchange is None and not self._parser.in_head:
            self.due = self._listener.now() + self._listener.timeouts.head_s
        self._parser.feed(data)
        if self._reading is not None:
            self._reading.wake()

    def eof_received(self) -> bool:
        """The caller has closed its sending side, or has left: only an answer can show which."""
        self._eof = True
        exchange = self._exchange
        if exchange is None or self._transport is None:
            if self._parser.in_head and not self._is_over:
                self._parser.cut("malformed")
                return True
            return False
        self._listener.watch(self._transport, self)
        if self._reading is not None:
            self._reading.unreadable = True
            self._reading = None
        (self._pending[-1] if self._pending else exchange).keep_alive = False
        if exchange.started:
            exchange.probe()
        else:
            exchange.wake()
            self._listener.loop.call_later(self._listener.timeouts.probe_s, self._probe, exchange)
        return True

    def connection_lost(self, error: Exception | None) -> None:
        transport, self._transport = self._transport, None
        self._listener.closed(self, transport)
        self._is_over = True
        self.resume_writing()
        for exchange in (self._exchange, *self._pending):
            if exchange is not None:
                exchange.gone = True
                exchange.wake()
        self._pending.clear()
        self._exchange = self._reading = None

    def pause_writing(self) -> None:
        self.is_full = True
        self._listener.stalls(self)

    def resume_writing(self) -> None:
        self.is_full = False
        room, self._room = self._room, None
        if room is not None and not room.done():
            room.set_result(None)

    # --- the parser's side ---

    def request(self, head: Head) -> None:
        if self._is_over:
            return
        scope = head.scope(self._listener.address, self._client)
        exchange = self._reading = Exchange(self, scope, head.keep_alive, head.expects_continue)
        self._begin(exchange)

    def body(self, piece: bytes) -> None:
        reading = self._reading
        if reading is None:
            self._drop(len(piece))
            return
        reading.expects_continue = False
        if not reading.feed(piece):
            self._pause()

    def end(self) -> None:
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.whole = True
            reading.wake()
            if not reading.keep_alive:
                self._is_over = True
            if not self._pending:
                self.read_on()  # A full buffer paused reading; resume it to notice a caller who leaves.

    def unreadable(self, why: Refused, head: Head) -> None:
        """The input is not HTTP: either a broken body, or no request at all, which the application refuses."""
        if self._is_over:
            return
        self._is_over = True
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.unreadable = True
            reading.wake()
        else:
            scope = head.scope(self._listener.address, self._client) | {REFUSED: why}
            self._begin(Exchange(self, scope, keep_alive=False))

    # --- an exchange's side ---

    def date(self) -> bytes:
        return self._listener.date()

    def write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    async def room(self) -> None:
        """Wait until most written bytes are sent, or the connection is gone."""
        while self.is_full and self._transport is not None:
            if self._room is None:
                self._room = self._listener.loop.create_future()
            await asyncio.shield(self._room)

    def read_on(self) -> None:
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()

    def answered(self) -> None:
        """The answer is complete: go on to the next request, or end the connection."""
        exchange, self._exchange = self._exchange, None
        assert exchange is not None
        if self._transport is None:
            return
        if not exchange.whole and not exchange.unreadable and not self._eof:
            self._drain()
        elif not exchange.keep_alive:
            self.close()
        elif self._pending:
            self._start(self._pending.popleft())
            if not self._pending:
                self.read_on()
        elif self._eof or self._listener.is_stopping:
            self.close()
        else:
            self._wait(self._listener.timeouts.idle_s)

    def break_off(self, reset: bool) -> None:
        """Close, because the answer is broken. `reset`: without a reset its caller could not see that."""
        if self._transport is None:
            return
        if reset:
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self._transport.abort()
        else:
            self.close()

    # --- the listener's side ---

    def close(self) -> None:
        """Close once all written bytes are sent."""
        self._is_over = True
        if self._transport is not None:
            self._listener.stalls(self)
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def time_is_up(self) -> None:
        """The wait for the caller is over."""
        if self._parser.in_head and not self._is_over:
            self._parser.cut("slow")
        else:
            self.close()

    def last_request(self) -> None:
        """The listener stops: the present exchange ends, and none follows."""
        if self._exchange is None:
            self.close()
        else:
            self._exchange.keep_alive = False

    def buffered(self) -> int:
        """How many bytes wait to be sent."""
        return self._transport.get_write_buffer_size() if self._transport is not None else 0

    # --- within ---

    def _wait(self, limit_s: float) -> None:
        self.due = self._listener.now() + limit_s
        self._listener.waits(self)

    def _begin(self, exchange: Exchange) -> None:
        if self._exchange is None:
            self._start(exchange)
        else:
            self._pending.append(exchange)
            self._pause()

    def _start(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._listener.begins(self, exchange)

    def _pause(self) -> None:
        if not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def _probe(self, exchange: Exchange) -> None:
        if exchange is self._exchange:
            exchange.probe()

    def _drain(self) -> None:
        """The answer is complete; the rest of the request is read and discarded for a while."""
        self._is_over, self._reading = True, None
        assert self._transport is not None
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self.read_on()
        self._wait(self._listener.timeouts.drain_s)

    def _drop(self, size: int) -> None:
        self._drained += size
        if self._drained > DRAIN_BYTES_MAX:
            self.abort()
