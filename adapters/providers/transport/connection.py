"""One HTTP/1.1 connection: one exchange after another, idle in between.

House rule: only bytes that belong to the exchange in progress become its answer. Any other bytes, or missing ones,
close the connection.
"""

import asyncio
import select
import socket
from collections.abc import Callable
from typing import cast

import httptools
import httpx2

from adapters.providers.transport.answer import Answer, RequestNotReceived, framing_of
from adapters.providers.transport.dialing import Origin
from adapters.providers.transport.request import Opening
from adapters.providers.transport.tcp_info import acknowledged_bytes, second_descriptor

# The most bytes between two chunks of body: headers, interim answers, chunk extensions and trailers.
HEAD_BYTES_MAX = 128 * 1024

_HEAD, _BODY, _OVER = range(3)
# A server that closes an idle connection by itself does so after seconds.
_FRESH_S = 0.05


class Connection(asyncio.Protocol):
    """A connection to `origin`. It calls `keep` when an exchange is over and another may follow, `lost` at the end."""

    __slots__ = (
        "_acknowledged",
        "_answer",
        "_due",
        "_headers",
        "_interim",
        "_keep",
        "_loop",
        "_lost",
        "_parser",
        "_paused",
        "_poll",
        "_rested",
        "_reusable",
        "_second",
        "_socket",
        "_stage",
        "_timer",
        "_transport",
        "_unanswered",
        "_unbodied",
        "_until_closed",
        "_waiter",
        "is_full",
        "is_sending",
        "origin",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        origin: Origin,
        keep: "Callable[[Connection], None]",
        lost: "Callable[[Connection], None]",
    ) -> None:
        self.origin = origin
        self.is_full = False  # Whether written bytes wait to be sent.
        self.is_sending = False  # Whether the request's body is still being made.
        self._loop = loop
        self._keep = keep
        self._lost = lost
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._socket: socket.socket | None = None
        self._second: socket.socket | None = None
        self._poll = select.poll()
        self._answer: Answer | None = None
        self._headers: list[tuple[bytes, bytes]] = []
        self._stage = _OVER
        self._interim = self._until_closed = self._reusable = self._paused = False
        self._unbodied = 0
        self._acknowledged: int | None = None
        self._unanswered = False
        self._rested = 0.0
        self._waiter: asyncio.Future[None] | None = None
        self._due: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    # --- the caller's side ---

    def is_quiet(self) -> bool:
        """Return whether the idle connection is still open: a close or unexpected bytes end it.

        The event loop may not have noticed yet, so the kernel is asked. It is not asked just after an exchange, because
        every system call lets other threads run first.
        """
        if self._transport is None or self._transport.is_closing():
            return False
        return self._loop.time() - self._rested < _FRESH_S or not self._poll.poll(0)

    def ask(self, opening: Opening, limit_s: float | None) -> Answer | None:
        """Begin an exchange. Return None if no byte could be sent: then the request may be sent elsewhere.

        A transport sends what it can at once. If it cannot send the first byte, it begins to close.
        """
        transport = self._transport
        if transport is None or transport.is_closing():
            return None
        if self._rested:
            self._acknowledged = acknowledged_bytes(self._socket)
        transport.write(opening.data)
        if transport.is_closing():
            return None
        answer = self._answer = Answer(self, opening, limit_s)
        self._headers = []
        self._stage = _HEAD
        self._interim = self._until_closed = self._reusable = False
        self._unbodied = 0
        self._due = None
        self.is_sending = opening.is_partial
        return answer

    def write(self, data: bytes) -> None:
        """Write more of a request."""
        if self._transport is not None:
            self._transport.write(data)

    def go_on(self) -> None:
        """Continue reading after the caller has taken what was received."""
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()

    def waiter(self, limit_s: float | None) -> "asyncio.Future[None]":
        """Return a future for the next event; TimeoutError in it if there is none within the limit."""
        waiter = self._waiter = self._loop.create_future()
        if limit_s is not None:
            self._look_at(self._loop.time() + limit_s)
        return waiter

    def waited(self, waiter: "asyncio.Future[None]") -> None:
        """The wait is over; the connection may have another exchange by now, with a waiter of its own."""
        if self._waiter is waiter:
            self._waiter = self._due = None

    def rest(self, limit_s: float) -> None:
        """Become idle; close after so many seconds."""
        self._rested = self._loop.time()
        self._look_at(self._rested + limit_s)

    def abort(self) -> None:
        """Close at once; only the peer notices."""
        self._answer = None
        if self._transport is not None:
            self._transport.abort()

    # --- the event loop's side ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's transport is one without a declared type.
        sock: socket.socket = transport.get_extra_info("socket")
        self._socket, self._second = sock, second_descriptor(transport)
        self._poll.register(sock.fileno(), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        answer = self._answer
        if answer is None:
            self.abort()
            return
        self._unbodied += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if self._stage != _OVER:
                self.fail(httpx2.RemoteProtocolError(f"the answer is not HTTP: {error}"))
                return
            self._reusable = False
        if self._stage == _OVER:
            self._finish(answer)
        elif self._unbodied > HEAD_BYTES_MAX:
            self.fail(httpx2.RemoteProtocolError(f"the answer's headers are larger than {HEAD_BYTES_MAX} bytes"))
        elif answer.has_news:
            self._wake()

    def eof_received(self) -> None:
        """The peer has closed. Its last packet also acknowledges the bytes that it had received.

        If it received nothing of a request on an idle connection, the request came too late to be processed.
        """
        if self._answer is not None and self._unbodied == 0 and self._acknowledged is not None:
            self._unanswered = acknowledged_bytes(self._second or self._socket) == self._acknowledged

    def connection_lost(self, error: Exception | None) -> None:
        answer, self._transport = self._answer, None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._second is not None:
            if error is None:
                self.eof_received()
            self._second.close()
        self._socket = self._second = None
        self._lost(self)
        if answer is None:
            return
        if self._unanswered:
            self.fail(RequestNotReceived("the connection was closed before the request came"))
        elif error is not None:
            self.fail(httpx2.ReadError(f"the connection broke: {error}"))
        elif self._until_closed:
            self._finish(answer)
        else:
            self.fail(httpx2.RemoteProtocolError("the connection was closed before the answer was whole"))

    def pause_writing(self) -> None:
        self.is_full = True

    def resume_writing(self) -> None:
        self.is_full = False
        self._wake()

    # --- the parser's side ---

    def on_message_begin(self) -> None:
        if self._stage == _OVER:
            self._reusable = False  # A second answer to one request.

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._stage == _HEAD:  # Otherwise it is a trailer.
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        answer, parser, headers = self._answer, self._parser, self._headers
        if answer is None or self._stage != _HEAD:
            return
        status = parser.get_status_code()
        if status < 200:
            if status == 101:
                raise ValueError("it switches protocols, unasked")
            self._interim = True
            self._headers = []
            return
        length, framed, streamed = framing_of(headers)
        self._reusable = parser.should_keep_alive()
        self._until_closed = not framed and not self._reusable
        self._stage = _BODY
        self._unbodied = 0
        answer.begin(status, b"HTTP/" + parser.get_http_version().encode(), headers, None if streamed else length)
        if answer.opening.is_head:
            self._stage, self._reusable = _OVER, False  # The parser cannot know this, and waits for a body.

    def on_body(self, chunk: bytes) -> None:
        answer = self._answer
        if answer is None or self._stage != _BODY:
            return
        self._unbodied = 0
        if not answer.feed(chunk) and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        if self._interim:
            self._interim = False
        else:
            self._stage = _OVER

    # --- how it ends, and how it waits ---

    def _finish(self, answer: Answer) -> None:
        """End a complete answer. The connection becomes idle, or closes."""
        self._answer = None
        answer.end()
        self._wake()
        self.go_on()
        if self._reusable and not self.is_sending:
            self._keep(self)
        elif self._transport is not None:
            self._transport.abort()

    def fail(self, error: httpx2.TransportError) -> None:
        """Close at once; an exchange in progress ends with this error."""
        answer = self._answer
        self.abort()
        if answer is not None:
            if answer.opening.request is not None:
                error.request = answer.opening.request
            answer.fail(error)
            self._wake()

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None:
            self._due = None
            if not waiter.done():
                waiter.set_result(None)

    def _look_at(self, due: float) -> None:
        """Wait no longer than until `due`. The timer of an earlier wait is reused: it checks again when it fires."""
        self._due = due
        timer = self._timer
        if timer is None or timer.when() > due:
            if timer is not None:
                timer.cancel()
            self._timer = self._loop.call_at(due, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._due is None:
            return
        if self._loop.time() < self._due:
            self._look_at(self._due)
        elif self._waiter is None:
            if self._transport is not None:
                self._transport.close()
        else:
            waiter, self._waiter = self._waiter, None
            if not waiter.done():
                waiter.set_exception(TimeoutError())
