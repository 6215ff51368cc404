"""What the kernel knows of a connection."""

import asyncio
import socket

# struct tcp_info of Linux (include/uapi/linux/tcp.h): tcpi_bytes_acked, 64 bits.
_ACKED_AT, _ACKED_END = 120, 128


def acknowledged_bytes(transport: asyncio.Transport | None) -> int | None:
    """How many bytes of what was sent the peer's kernel has received; None where nobody can tell.

    Only Linux tells, and of a socket that is open.
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
