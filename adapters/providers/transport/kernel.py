"""The kernel's state of a connection."""

import asyncio
import socket

# struct tcp_info of Linux (include/uapi/linux/tcp.h): tcpi_bytes_acked, 64 bits.
_ACKED_AT, _ACKED_END = 120, 128


def acknowledged_bytes(transport: asyncio.Transport | None) -> int | None:
    """Return how many of the sent bytes the peer's kernel has received; None if that is unknown.

    Only Linux reports it, and only for an open socket.
    """
    option = getattr(socket, "TCP_INFO", None)
    sock = transport.get_extra_info("socket") if transport is not None else None
    if option is None or sock is None:
        return None
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, option, _ACKED_END)
    except OSError:
        return None
    return int.from_bytes(info[_ACKED_AT:_ACKED_END], "little") if len(info) == _ACKED_END else None
