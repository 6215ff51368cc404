"""How often an address may fail to sign in, in this process, before it must wait."""

from collections import OrderedDict

import msgspec

FAILURES_MAX = 10
FAILURES_MAX_OF_ALL = 200
WINDOW_MS = 300_000
_ADDRESSES_MAX = 10_000
_ALL = ""


class _Count(msgspec.Struct):
    since_ms: int
    failures: int


class SignInAttempts:
    """Counts failures by address, and those of all addresses together, in windows of five minutes."""

    def __init__(self) -> None:
        self._counts: OrderedDict[str, _Count] = OrderedDict()

    def wait_ms(self, address: str, now_ms: int) -> int:
        """How long the address must wait before its next attempt; 0 if it may try now."""
        return max(self._wait(_ALL, FAILURES_MAX_OF_ALL, now_ms), self._wait(_named(address), FAILURES_MAX, now_ms))

    def failed(self, address: str, now_ms: int) -> None:
        """Count a failure."""
        for name in (_ALL, _named(address)):
            count = self._counts.get(name)
            if count is None or count.since_ms + WINDOW_MS <= now_ms:
                self._counts[name] = _Count(since_ms=now_ms, failures=1)
            else:
                count.failures += 1
            self._counts.move_to_end(name)
        while len(self._counts) > _ADDRESSES_MAX:
            self._counts.popitem(last=False)

    def _wait(self, name: str, most: int, now_ms: int) -> int:
        count = self._counts.get(name)
        if count is None or count.failures < most:
            return 0
        return max(0, count.since_ms + WINDOW_MS - now_ms)


def _named(address: str) -> str:
    return f"address {address}"
