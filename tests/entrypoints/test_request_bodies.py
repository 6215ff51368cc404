"""Bodies of requests: read within bounds of time and memory, and from nobody whose key is not valid."""

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from domain.refusals import BadHttp, BadRequest, HubFull, InvalidKey, MissingKey, Refusal, TooLarge
from entrypoints.config import Settings, read_settings
from entrypoints.http.bodies import BodyMemory, BodyReader, BodyTimeouts
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.manage.first_run import prepare
from entrypoints.wiring import hub

pytestmark = pytest.mark.anyio

KEY = "ahk_owner-key-of-the-tests-of-bodies-000000000000"
KNOWN = {"authorization": f"Bearer {KEY}"}
BYTES_MAX = 300_000


@asynccontextmanager
async def a_hub(tmp_path: Path) -> AsyncIterator[CallContext]:
    settings = read_settings(
        {"DATA_DIR": str(tmp_path), "AIHUB_OWNER_KEY": KEY, "AIHUB_BODY_BYTES_MAX": str(BYTES_MAX)}
    )
    assert isinstance(settings, Settings)
    async with hub(settings) as whole:
        await prepare(whole, settings.owner_key, settings.vendor_keys, settings.terms)
        yield whole


class Caller:
    """Sends these pieces, the last of which ends the body unless `more` comes, which it never does."""

    def __init__(self, *pieces: bytes, more: bool = False, units: bool = False) -> None:
        self._messages: list[MutableMapping[str, Any]] = [
            {"type": "http.request", "body": piece, "more_body": True} for piece in pieces
        ]
        self._messages[-1]["more_body"] = more or units
        if units:
            self._messages.append({"type": "http.disconnect"})
        self.taken = 0

    async def receive(self) -> MutableMapping[str, Any]:
        if self.taken == len(self._messages):
            await asyncio.Event().wait()
        self.taken += 1
        return self._messages[self.taken - 1]


async def test_a_late_body_is_read_for_a_key_in_the_query(tmp_path: Path) -> None:
    """Google's clients may send the key as `?key=`, and the body in another packet than the head."""
    async with a_hub(tmp_path) as whole:
        reader = BodyReader(whole, BodyMemory(BYTES_MAX))

        assert b"{}" == await reader.read("POST", f"key={KEY}", {}, Caller(b"{", b"}").receive)


async def test_a_body_without_a_valid_key_is_not_read(tmp_path: Path) -> None:
    async with a_hub(tmp_path) as whole:
        for headers, refusal in (({}, MissingKey()), ({"x-api-key": "no-such"}, InvalidKey())):
            caller = Caller(b"", b"x", more=True)
            reported = await BodyReader(whole, BodyMemory(BYTES_MAX)).read("POST", "", headers, caller.receive)
            assert refusal == reported
            assert 1 == caller.taken


@pytest.mark.parametrize("timeouts", [BodyTimeouts(silence_s=0.02), BodyTimeouts(whole_s=0.02)])
async def test_a_body_that_does_not_come_is_not_waited_for(tmp_path: Path, timeouts: BodyTimeouts) -> None:
    async with a_hub(tmp_path) as whole:
        reader = BodyReader(whole, BodyMemory(BYTES_MAX), timeouts)

        assert BadHttp(problem="slow") == await reader.read("POST", "", KNOWN, Caller(b"x", more=True).receive)


async def test_a_body_that_ends_early_is_none(tmp_path: Path) -> None:
    async with a_hub(tmp_path) as whole:
        reader = BodyReader(whole, BodyMemory(BYTES_MAX))

        assert isinstance(await reader.read("POST", "", KNOWN, Caller(b"{}", units=True).receive), BadRequest)


@pytest.mark.parametrize("length", [str(BYTES_MAX + 1), "9" * 18, "9" * 500])
async def test_a_length_over_the_bound_is_refused_before_anything_is_read(tmp_path: Path, length: str) -> None:
    async with a_hub(tmp_path) as whole:
        caller = Caller(b"x")
        reader = BodyReader(whole, BodyMemory(BYTES_MAX))

        assert TooLarge(bytes_max=BYTES_MAX) == await reader.read(
            "POST", "", {"content-length": length}, caller.receive
        )
        assert 0 == caller.taken


@pytest.mark.parametrize(
    "pieces", [(b"x" * 200_000,), (b"", b"x" * 100_000, b"x" * 100_000)], ids=["at-once", "in-pieces"]
)
async def test_bodies_share_a_bound_and_give_back_what_they_took(tmp_path: Path, pieces: tuple[bytes, ...]) -> None:
    memory = BodyMemory(BYTES_MAX)
    async with a_hub(tmp_path) as whole:

        async def read(reader: BodyReader) -> bytes | Refusal:
            return await reader.read("POST", "", KNOWN, Caller(*pieces).receive)

        first, second, third = (BodyReader(whole, memory) for _ in range(3))
        assert b"x" * 200_000 == await read(first)
        assert HubFull() == await read(second)
        first.release()
        second.release()
        assert b"x" * 200_000 == await read(third)
        third.release()
        assert memory.take(BYTES_MAX)
