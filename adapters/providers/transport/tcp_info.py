"""The kernel's state of a connection."""

import asyncio
import socket

# struct tcp_info of Linux (include/uapi/linux/tcp.h): tcpi_bytes_acked, 64 bits.
_ACKED_AT, _ACKED_END = 120, 128


def second_descriptor(transport: asyncio.BaseTransport) -> socket.socket | None:
    """Return another descriptor of a TLS connection on uvloop; None for any other connection.

    uvloop closes the socket of a TLS connection that ends without a close_notify before it calls `connection_lost`, and
    it does not call `eof_received`. The kernel can be asked through this descriptor alone, which the caller closes.
    """
    if isinstance(transport, asyncio.Transport) or transport.get_extra_info("ssl_object") is None:
        return None
    duplicate: socket.socket = transport.get_extra_info("socket").dup()
    return duplicate


def acknowledged_bytes(sock: socket.socket | None) -> int | None:
    """Return how many of the sent bytes the peer's kernel has received; None if that is unknown.

    Only Linux reports it, and only for an open socket.
    """
    option = getattr(socket, "TCP_INFO", None)
    if option is None or sock is None:
        return None
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, option, _ACKED_END)
    except OSError:
        return None
    return int.from_bytes(info[_ACKED_AT:_ACKED_END], "little") if len(info) == _ACKED_END else None
