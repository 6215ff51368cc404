"""More than usual, or less than needed: many open streams, and no descriptor left. Afterwards everybody is served."""

import asyncio
import resource
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest

from tests.simulation.auditor import audit
from tests.support.figures import FAULT, Figures
from tests.support.hub import HubProcess, Interface, running_hub
from tests.system.raw_client import OPENAI, Line, Response, ask, chat, connected
from tests.system.scripted_answers import Script
from tests.system.scripted_provider import ScriptedProvider
from tests.system.users import Person, person

pytestmark = pytest.mark.anyio

INTERFACES: tuple[Interface, ...] = ("asgi", "wsgi")
WORKERS = 2
AT_ONCE = 64  # so many streams are begun at a time
OPEN_S = 600
STREAMS, STREAMS_LONG = 100, {"asgi": 5_000, "wsgi": 250}
FEW_DESCRIPTORS = 3
REQUESTED_AFTERWARDS = 40  # new connections, so that each worker is certain to be among those who answer
REQUESTED_MEANWHILE = 40
LOOKS, LOOK_EVERY_S = 1_500, 0.02


@pytest.fixture(scope="module", params=INTERFACES)
def hub(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, provider: ScriptedProvider
) -> Iterator[HubProcess]:
    folder = tmp_path_factory.mktemp("shortages")
    env = {"AIHUB_UPSTREAM_TIMEOUT_S": str(OPEN_S)}
    with running_hub(folder / "data", request.param, workers=WORKERS, env=env) as running:
        running.add_provider("stub", provider.base_url)
        yield running


@pytest.fixture(scope="module")
def buyer(hub: HubProcess) -> Person:
    return person(hub, "buyer", 10**12)


@pytest.mark.parametrize("is_long", [False, pytest.param(True, marks=pytest.mark.soak)])
async def test_many_open_streams_are_all_given_to_their_end_and_charged(
    hub: HubProcess, buyer: Person, provider: ScriptedProvider, figures: Figures, is_long: bool
) -> None:
    """Under WSGI each has a thread, of which there are 256 in a worker."""
    count = STREAMS_LONG[hub.interface] if is_long else STREAMS
    gate = f"{hub.interface}-open-{count}"
    begun, all_begun = asyncio.Semaphore(AT_ONCE), asyncio.Event()
    left = count

    async def one(number: int) -> tuple[str, bytes]:
        nonlocal left
        script = Script(id=f"{gate}-{number}", gate=gate, gate_after=2)
        async with AsyncExitStack() as open_until_the_end:
            async with begun:  # A connection without a request is closed after half a minute.
                line = await open_until_the_end.enter_async_context(connected(hub.port))
                await line.send("POST", OPENAI, buyer.key, chat(script, stream=True), {})
                status, headers = await line.head()
                assert status == 200, await line.piece()
                first = await line.piece()
            left -= 1
            if not left:
                all_begun.set()
            return headers["x-request-id"], (first or b"") + await _rest(line)

    streams = [asyncio.create_task(one(number)) for number in range(count)]
    async with asyncio.timeout(OPEN_S):
        await asyncio.wait([asyncio.create_task(all_begun.wait()), *streams], return_when=asyncio.FIRST_COMPLETED)
        assert all_begun.is_set(), [task.exception() for task in streams if task.done()]
        health = [(await ask(hub.port, buyer.key, path=path)).status for path in ("/healthz", "/readyz")]
        provider.open_gate(gate)
        received = dict(await asyncio.gather(*streams))

    figures.add({"requests": count})
    assert health == [200, 200]
    assert len(received) == count
    assert [] == [call_id for call_id, body in received.items() if not body.endswith(b"data: [DONE]\n\n")]
    calls = audit(hub.data_dir).calls
    assert {("completed", True)} == {(calls[call_id].ending, calls[call_id].charge > 0) for call_id in received}


@pytest.mark.skipif(sys.platform != "linux", reason="prlimit is Linux's")
async def test_a_hub_whose_descriptors_ran_out_serves_again_by_every_worker(
    hub: HubProcess, buyer: Person, provider: ScriptedProvider, figures: Figures
) -> None:
    """Each worker can open nothing until it has said so. What was under way goes on, and who waits is served."""
    gate = f"{hub.interface}-none-left"
    script = Script(id=gate, gate=gate, gate_after=2)
    workers = hub.worker_pids()
    async with connected(hub.port) as line:
        await line.send("POST", OPENAI, buyer.key, chat(script, stream=True), {})
        status, headers = await line.head()
        limits = {worker: resource.prlimit(worker, resource.RLIMIT_NOFILE) for worker in workers}
        said_before = hub.log.read_text().count("Too many open files")
        try:
            for worker, (_, hard) in limits.items():
                resource.prlimit(worker, resource.RLIMIT_NOFILE, (FEW_DESCRIPTORS, hard))
            waiting = [asyncio.create_task(_served(hub, buyer, f"{gate}-w{n}")) for n in range(REQUESTED_MEANWHILE)]
            for _ in range(LOOKS):
                if hub.log.read_text().count("Too many open files") >= said_before + WORKERS:
                    break
                await asyncio.sleep(LOOK_EVERY_S)
        finally:
            for worker, limit in limits.items():
                resource.prlimit(worker, resource.RLIMIT_NOFILE, limit)
        said = hub.log.read_text().count("Too many open files") - said_before
        provider.open_gate(gate)
        body = await _rest(line)

    afterwards = [await _served(hub, buyer, f"{gate}-{number}") for number in range(REQUESTED_AFTERWARDS)]
    afterwards += await asyncio.gather(*waiting)

    figures.add({"requests": 1 + len(afterwards), FAULT + "descriptors that ran out": WORKERS})
    assert said >= WORKERS, "nobody was told of it"
    assert (status, body[-len(b"data: [DONE]\n\n") :]) == (200, b"data: [DONE]\n\n")
    assert {200} == {each.status for each in afterwards}
    assert workers == hub.worker_pids(), "none had to be replaced"
    calls = audit(hub.data_dir).calls
    ours = [headers["x-request-id"], *(each.call_id for each in afterwards)]
    assert {("completed", True)} == {(calls[call_id].ending, calls[call_id].charge > 0) for call_id in ours}


async def _served(hub: HubProcess, buyer: Person, name: str) -> Response:
    """One call on a new connection."""
    return await ask(hub.port, buyer.key, chat(Script(id=name)))


async def _rest(line: Line) -> bytes:
    """All that still comes of a stream."""
    body = b""
    while (piece := await line.piece()) is not None:
        body += piece
    return body
