"""Callers who go on calling while hubs are killed and started again: half of them repeat a request under its key."""

import asyncio
import random
import time
from collections.abc import Sequence

import msgspec

from tests.simulation.auditor import CallRow
from tests.system.raw_client import Response, ask, chat
from tests.system.scripted_answers import Script

CALLERS = 16
# How long callers wait before they knock again at a hub that is down, and how often they knock at most.
KNOCK_S, KNOCKS_MAX = 0.02, 2_000
RECEIVE_S = 30


class Reported(msgspec.Struct, frozen=True, kw_only=True):
    """What one caller sent and received; `key` is its Idempotency-Key, `tries` how often it was sent."""

    key: str | None
    stream: bool
    tries: int
    received: Response

    @property
    def is_whole(self) -> bool:
        """Whether the caller has an answer that looks complete."""
        if self.received.status != 200 or not self.received.whole:
            return False
        return not self.stream or self.received.body.endswith(b"data: [DONE]\n\n")


class Crowd:
    """Callers that go on calling, through every restart, until they are reported to stop."""

    def __init__(self, ports: Sequence[int], key: str, chance: random.Random) -> None:
        self.reported: list[Reported] = []
        self.stopping = False
        self._ports = ports
        self._key = key
        self._answered = asyncio.Event()
        self._callers = [asyncio.create_task(self._call_on(n, chance.random())) for n in range(CALLERS)]

    async def received_something(self) -> None:
        """Return once somebody got another whole answer."""
        self._answered.clear()
        answered = asyncio.create_task(self._answered.wait())
        done, _ = await asyncio.wait([answered, *self._callers], timeout=RECEIVE_S, return_when=asyncio.FIRST_COMPLETED)
        answered.cancel()
        await asyncio.gather(*(done - {answered}))  # a caller that ended now has failed, and raises here
        assert answered in done, f"nobody was answered within {RECEIVE_S} s"

    async def finished(self) -> list[Reported]:
        """All that was reported, once every caller has ended what it had begun."""
        self.stopping = True
        await asyncio.gather(*self._callers)
        return self.reported

    async def _call_on(self, number: int, seed: float) -> None:
        chance = random.Random(seed)
        for count in range(KNOCKS_MAX):
            if self.stopping:
                return
            marker = f"{number}-{count}"
            reported = await self._call(marker, marker if chance.random() < 0.5 else None, chance)
            self.reported.append(reported)
            if reported.is_whole:
                self._answered.set()
            elif not reported.received.status:
                await asyncio.sleep(KNOCK_S)

    async def _call(self, marker: str, key: str | None, chance: random.Random) -> Reported:
        """One request, repeated under its Idempotency-Key, if it has one, until it is answered."""
        stream = chance.random() < 0.5
        body = chat(Script(id=marker, words=chance.randrange(1, 8), pace_ms=chance.randrange(20)), stream=stream)
        headers = {"idempotency-key": key} if key else {}
        give_up = time.monotonic() + RECEIVE_S
        for tries in range(1, KNOCKS_MAX):
            assert time.monotonic() < give_up, f"{marker} was not answered within {RECEIVE_S} s"
            received = await ask(chance.choice(self._ports), self._key, body, headers=headers)
            reported = Reported(key=key, stream=stream, tries=tries, received=received)
            if reported.is_whole or not key:
                return reported
            assert received.status in (0, 200, 503), f"{marker}: {received.status} {received.body!r}"
            await asyncio.sleep(KNOCK_S)
        raise AssertionError(f"{marker} was never answered")


def check_whole_answers_are_charged(reported: list[Reported], calls: dict[str, CallRow]) -> None:
    """Every answer that a caller has is a completed call with a charge of its own."""
    whole = [call for call in reported if call.is_whole]
    assert whole
    for call in whole:
        row = calls[call.received.call_id]
        assert (row.ending, row.complete, row.charge > 0) == ("completed", 1, True), row
    ids = [call.received.call_id for call in whole]
    assert len(set(ids)) == len(ids), "two answers have one charge"


def check_nobody_paid_twice(reported: list[Reported], rows: list[CallRow]) -> None:
    """By Idempotency-Key exactly one charge, the answered call's; without one no more charges than requests."""
    charged = [row for row in rows if row.charge]
    for call in reported:
        if call.key is not None:
            assert [row.id for row in charged if row.idempotency_key == call.key] == [call.received.call_id]
    unkeyed = sum(row.idempotency_key is None for row in charged)
    assert unkeyed <= sum(call.key is None for call in reported)
    assert any(call.tries > 1 for call in reported), "nobody had to repeat anything"
