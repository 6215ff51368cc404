"""The machine's own clock and randomness."""

import os
import secrets
import time
from collections import deque
from itertools import count

from domain.books.ids import PAIRS
from ports.environment import Clock, Ids

_DRAW_BYTES, _DRAWS_AT_ONCE = 8, 64


class SystemClock(Clock):
    """The clocks of this machine."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic_us(self) -> int:
        return time.monotonic_ns() // 1_000


class RandomIds(Ids):
    """Ids of 26 characters after their prefix: 48 bits of milliseconds, 16 of a counter, 64 random bits, in base 32.

    The counter begins again with every millisecond, so the ids of one process sort in the order that they are made in,
    and do not show how many there are.

    Random bytes are drawn for many ids at once, because each system call lets other threads run first. No two ids get
    the same bytes: a thread takes them by `popleft`, which is atomic, and a fork discards the stock.
    """

    def __init__(self) -> None:
        self._moment: tuple[int, str, count[int]] = (-1, "", count())
        self._stock: deque[bytes] = deque()
        os.register_at_fork(after_in_child=self._stock.clear)

    def new(self, prefix: str) -> str:
        """Return an id such as `call_01k9…`: ids sort by time."""
        now_ms = time.time_ns() // 1_000_000
        then_ms, head, number = self._moment
        if then_ms != now_ms:
            head, number = _base32(now_ms, pairs=5), count()
            self._moment = (now_ms, head, number)
        rest = (next(number) & 0xFFFF) << 64 | int.from_bytes(self._drawn(), "big")
        return f"{prefix}_{head}{_base32(rest, pairs=8)}"

    def _drawn(self) -> bytes:
        try:
            return self._stock.popleft()
        except IndexError:
            drawn = os.urandom(_DRAW_BYTES * _DRAWS_AT_ONCE)
            self._stock.extend(drawn[at : at + _DRAW_BYTES] for at in range(_DRAW_BYTES, len(drawn), _DRAW_BYTES))
            return drawn[:_DRAW_BYTES]

    def secret(self) -> str:
        """Return 43 random characters that are valid in a URL."""
        return secrets.token_urlsafe(32)

    def chance(self, below: int) -> int:
        return secrets.randbelow(below)


def _base32(number: int, pairs: int) -> str:
    table = PAIRS
    if pairs == 8:  # the common case, without a loop
        return (
            table[number >> 70]
            + table[number >> 60 & 1023]
            + table[number >> 50 & 1023]
            + table[number >> 40 & 1023]
            + table[number >> 30 & 1023]
            + table[number >> 20 & 1023]
            + table[number >> 10 & 1023]
            + table[number & 1023]
        )
    return "".join(table[number >> shift & 1023] for shift in range(10 * (pairs - 1), -1, -10))
