"""One connection that is kept alive, and requests whose every byte the test chooses."""

import socket
from collections.abc import Iterable

from tests.behaviour.plain_calls import Response

TIMEOUT_S = 60
Headers = Iterable[tuple[bytes, bytes]]


class RawLine:
    """Sends requests one after another; connects again wherever the server has closed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None
        self._buffer = b""

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket, self._buffer = None, b""

    def ask(
        self, method: bytes, target: bytes, headers: Headers, body: bytes | None, framing: bool = True
    ) -> Response | None:
        """The answer; None if the server closed the connection without one. The body's length is reported on demand."""
        length = [(b"content-length", str(len(body)).encode())] if framing and body is not None else []
        lines = b"".join(b"%b: %b\r\n" % pair for pair in [(b"host", b"hub"), *headers, *length])
        request = b"%b %b HTTP/1.1\r\n%b\r\n%b" % (method, target, lines, body or b"")
        reused = self._socket is not None
        received = self._exchange(request, method)
        if received is None and reused:  # The server may have closed an idle connection.
            received = self._exchange(request, method)
        return received

    def _exchange(self, request: bytes, method: bytes) -> Response | None:
        try:
            if self._socket is None:
                self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=TIMEOUT_S)
            self._socket.sendall(request)
        except ConnectionError:
            pass  # It may have answered before it closed.
        try:
            return self._answer(method)
        except ConnectionError:
            self.close()
            return None

    def _answer(self, method: bytes) -> Response:
        status, headers = self._head()
        while 100 <= status < 200:
            status, headers = self._head()
        reported = dict(headers)
        if method == b"HEAD" or status in (204, 304):
            body = b""
        elif reported.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(self._until(b"\r\n"), 16):
                body += self._exactly(size + 2)[:-2]
            self._exactly(2)
        else:
            body = self._exactly(int(reported["content-length"])) if "content-length" in reported else self._rest()
        if reported.get("connection", "").lower() == "close":
            self.close()
        return Response(status=status, headers=tuple(headers), body=body)

    def _head(self) -> tuple[int, list[tuple[str, str]]]:
        first, *lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        pairs = [line.partition(":") for line in lines]
        return int(first.split(" ")[1]), [(name.lower(), value.strip()) for name, _, value in pairs]

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._buffer:
            self._read()
        found, _, self._buffer = self._buffer.partition(mark)
        return found

    def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._read()
        found, self._buffer = self._buffer[:size], self._buffer[size:]
        return found

    def _rest(self) -> bytes:
        try:
            while True:
                self._read()
        except ConnectionError:
            rest = self._buffer
            self.close()
            return rest

    def _read(self) -> None:
        if self._socket is None:
            raise ConnectionError("closed")
        data = self._socket.recv(65536)
        if not data:
            raise ConnectionError("closed")
        self._buffer += data
