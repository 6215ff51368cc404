"""A call ends by the process that runs it, at its deadline, whatever provider, caller and wall clock do (G2, G4)."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import anyio
import msgspec
import pytest

from domain.billing.metering import Meter
from domain.billing.settlement import Outcome
from domain.failures import Failure
from domain.model_api.call import Attempt, ModelCall
from domain.model_api.requests import ModelRequest
from domain.refusals import UnsupportedParameter
from entrypoints.http.wire import Leave, Request
from entrypoints.usecases.call.deadline import LATE
from entrypoints.usecases.manage.maintenance import sweep
from ports.providers import Answer, Providers
from tests.simulation.auditor import CallRow, audit, read
from tests.simulation.process import Process
from tests.simulation.world import World
from tests.support.hub import HubProcess, Interface, running_hub
from tests.system.raw_client import OPENAI, Line, chat, events_of
from tests.system.scripted_answers import Script
from tests.system.scripted_provider import ScriptedProvider
from tests.system.users import Person, person

pytestmark = pytest.mark.anyio

FOREVER_MS = 600_000
SOON_MS = 100  # A sixth of a call's time.
LOOKS, LOOK_EVERY_S = 1_500, 0.02
INTERFACES: tuple[Interface, ...] = ("asgi", "wsgi")
# More than what lies between provider and caller can hold.
WORDS, WORD_BYTES, RECEIVE_BYTES = 4_500, 10_000, 4_096


@pytest.fixture
async def world(tmp_path: Path, provider: ScriptedProvider) -> AsyncIterator[World]:
    async with World(tmp_path / "data", provider, seed=0) as begun:
        for process in begun.processes:
            process.fail_when(lambda: False)
        yield begun


@pytest.mark.parametrize(("stream", "silent_after"), [(False, -1), (False, 0), (True, -1), (True, 0), (True, 2)])
async def test_a_provider_that_is_silent_across_the_deadline_ends_with_it(
    world: World, stream: bool, silent_after: int
) -> None:
    """The provider may be silent for much longer than the call has left."""
    process = _patient(world)
    script = Script(id=f"silent-{stream}-{silent_after}", silent_after=silent_after)

    body = await _received(world, script, stream)

    assert LATE.message.encode() in body
    assert b"[DONE]" not in body
    row = _only_row(world)
    assert row.ending == "timed_out"
    assert (row.charge > 0) == (b"word" in body)
    assert not process.hub.running


async def test_a_caller_who_takes_nothing_at_the_deadline_pays_for_what_was_given(
    world: World, provider: ScriptedProvider
) -> None:
    """The call is settled while its sender still waits; when that goes on, it finds the apology and nothing more."""
    process = _patient(world)
    request = _request(process, world, Script(id="not-reading", silent_after=3))
    async with process.handlers[OPENAI](request) as reply:
        assert not isinstance(reply.body, bytes)
        pieces = aiter(reply.body)
        received = await anext(pieces)
        while b"word0" not in received:
            received += await anext(pieces)

        row = await _ended(world.data_dir, request.id)
        assert (row.ending, row.charge > 0) == ("timed_out", True)
        assert await asyncio.to_thread(provider.wait_for("not-reading").left.wait, 10), "the provider was kept busy"

        rest = b"".join([piece async for piece in pieces])

    assert b"deadline" in rest
    assert b"word" not in rest
    assert b"[DONE]" not in rest
    assert _only_row(world) == row


async def test_a_caller_who_takes_nothing_any_more_is_given_up_long_before_the_deadline(world: World) -> None:
    process = world.processes[0]
    process.hub.upstream_timeout_ms, process.hub.write_timeout_ms = FOREVER_MS, 50
    scope = anyio.CancelScope()

    def watch() -> Leave:
        return scope.cancel

    request = _request(process, world, Script(id="stalled", silent_after=2), watch)
    with scope:
        async with process.handlers[OPENAI](request) as reply:
            assert not isinstance(reply.body, bytes)
            received = await anext(aiter(reply.body))
            await anyio.sleep_forever()  # a send that does not come back

    assert scope.cancelled_caught
    assert received
    row = _only_row(world)
    assert (row.ending, row.charge > 0) == ("client_disconnected", True)


async def test_a_caller_who_reads_slowly_is_not_given_up(world: World) -> None:
    """Each piece that is taken counts, and so does a provider that thinks while the caller waits for it."""
    process = world.processes[0]
    process.hub.upstream_timeout_ms, process.hub.write_timeout_ms = FOREVER_MS, 100
    left = []

    def watch() -> Leave:
        return lambda: left.append(True)

    request = _request(process, world, Script(id="slow", words=3, pace_ms=250), watch)
    async with process.handlers[OPENAI](request) as reply:
        assert not isinstance(reply.body, bytes)
        received = b"".join([piece async for piece in reply.body])

    assert b"[DONE]" in received
    assert not left
    assert _only_row(world).ending == "completed"


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_whose_call_was_ended_by_another_process_is_not_given_out_as_paid(
    world: World, provider: ScriptedProvider, stream: bool
) -> None:
    """Another process took this one for dead and gave the hold back. What a stream had delivered is charged late. (G14)"""
    process, other = world.processes[:2]
    script = Script(id=f"swept-{stream}", gate=f"swept-{stream}")
    requested = asyncio.create_task(_received(world, script, stream))
    await asyncio.to_thread(provider.wait_for, script.id)
    process.seem_dead()
    swept = await sweep(other.hub.storage, other.hub.liveness, other.hub.clock)
    provider.open_gate(script.gate)

    body = await requested

    assert len(swept.lost) == 1
    assert (b"error" in body, b"[DONE]" in body, b"word0" in body) == (not stream, stream, stream)
    row = _only_row(world)
    assert (row.ending, row.charge) == ("lost", 0)
    charged = [adjustment.amount_nanos for adjustment in await process.hub.storage.adjustments(row.id)]
    assert [amount > 0 for amount in charged] == [True] * stream


async def test_what_was_settled_unseen_is_not_settled_twice(world: World, provider: ScriptedProvider) -> None:
    """The books gave no answer in time, and the decision was written all the same: the next try finds it there."""
    process = world.processes[0]
    requested = asyncio.create_task(_received(world, Script(id="unseen", gate="unseen"), stream=False))
    await asyncio.to_thread(provider.wait_for, "unseen")
    (call_id,) = process.hub.running
    outcome = Outcome(
        call_id=call_id,
        user_id="nobody",
        ending="client_disconnected",
        meter=Meter(),
        input_tokens=125,
        attempts=(),
        served=None,
    )
    for _ in range(2):
        process.hub.unsettled.keep(process.hub.storage, outcome, 1)
        await process.hub.unsettled.drained()
    provider.open_gate("unseen")

    assert b"error" in await requested
    assert _only_row(world).ending == "client_disconnected"


@pytest.fixture(scope="module", params=INTERFACES)
def hub(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, provider: ScriptedProvider
) -> Iterator[HubProcess]:
    data_dir = tmp_path_factory.mktemp("deadline") / "data"
    with running_hub(data_dir, request.param, env={"AIHUB_UPSTREAM_TIMEOUT_S": "1"}) as running:
        running.add_provider("stub", provider.base_url, max_output="128000")
        yield running


@pytest.fixture(scope="module")
def buyer(hub: HubProcess) -> Person:
    return person(hub, "buyer", 10**12)


async def test_over_a_socket_too_a_caller_who_does_not_read_pays_for_what_was_sent(
    hub: HubProcess, buyer: Person
) -> None:
    """The process lives and goes on sending; a sweep, whenever it comes, leaves the call to it."""
    script = Script(id=f"socket-{hub.interface}", words=WORDS, word_bytes=WORD_BYTES, usage=None)
    body = chat(script, model="stub/m", stream=True, cap=None)
    line, transport = await _narrow_line(hub.port)
    try:
        await line.send("POST", OPENAI, buyer.key, body, {})
        status, headers = await line.head()
        assert status == 200
        received = await line.piece()

        row = await _ended(hub.data_dir, headers["x-request-id"])
        assert (row.ending, row.charge > 0) == ("timed_out", True)

        whole = b"" if received is None else received
        while (piece := await line.piece()) is not None:
            whole += piece
    finally:
        transport.abort()

    assert b"[DONE]" not in whole
    assert "error" in events_of(whole)[-1][1]
    assert read(hub.data_dir).calls[row.id] == row
    audit(hub.data_dir)


async def _narrow_line(port: int) -> tuple[Line, asyncio.WriteTransport]:
    """A connection that takes in little at a time."""
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
    narrow.setblocking(False)
    await asyncio.get_running_loop().sock_connect(narrow, ("127.0.0.1", port))
    reader, writer = await asyncio.open_connection(sock=narrow, limit=RECEIVE_BYTES)
    return Line(reader, writer), writer.transport


def _patient(world: World) -> Process:
    """The process that calls go to: its calls have little time, and its providers may be silent for long."""
    process = world.processes[0]
    process.hub.upstream_timeout_ms = SOON_MS
    process.hub.providers = _Patient(process.hub.providers)
    return process


def _request(
    process: Process,
    world: World,
    script: Script,
    watch: Callable[[], Leave | None] = lambda: None,
    stream: bool = True,
) -> Request:
    key = world.keys[0]
    return Request(
        id=process.hub.ids.new("call"),
        method="POST",
        path=OPENAI,
        headers={"authorization": f"Bearer {key.secret}"},
        body=chat(script, model="one/m", stream=stream, cap=10),
        started_us=process.hub.clock.monotonic_us(),
        watch=watch,
    )


async def _received(world: World, script: Script, stream: bool) -> bytes:
    """All that one caller was answered."""
    process = world.processes[0]
    async with process.handlers[OPENAI](_request(process, world, script, stream=stream)) as reply:
        if isinstance(reply.body, bytes):
            return reply.body
        return b"".join([piece async for piece in reply.body])


def _only_row(world: World) -> CallRow:
    """The one call there was; nothing is held any more, and the books add up."""
    books = audit(world.data_dir)
    assert all(grant.held == 0 for grant in books.grants.values())
    (row,) = books.calls.values()
    return row


async def _ended(data_dir: Path, call_id: str) -> CallRow:
    """The call's row, once it has ended."""
    for _ in range(LOOKS):
        row = read(data_dir).calls[call_id]
        if row.ending is not None:
            return row
        await asyncio.sleep(LOOK_EVERY_S)
    raise AssertionError(f"{call_id} did not end")


class _Patient(Providers):
    """Providers that may be silent for much longer than any call lasts."""

    def __init__(self, providers: Providers) -> None:
        self._providers = providers

    def unsupported(self, dialect: str, request: ModelRequest) -> UnsupportedParameter | tuple[str, ...]:
        return self._providers.unsupported(dialect, request)

    def open(
        self, attempt: Attempt, call: ModelCall, request: ModelRequest | None
    ) -> AbstractAsyncContextManager[Answer | Failure]:
        return self._providers.open(msgspec.structs.replace(attempt, timeout_ms=FOREVER_MS), call, request)
