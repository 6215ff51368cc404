"""How a video ends that does not come: at the deadline, with the process, or with the caller. A real provider, and books
in memory."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

import anyio
import anyio.lowlevel
import msgspec
import pytest

from adapters.providers.http import HttpProviders
from adapters.providers.transport import Http1Transport
from adapters.providers.video import VIDEO
from domain.billing.verification import Totals
from domain.books.call_query import CallQuery
from domain.books.rows import Call
from domain.pricing.money import UNITS_PER_RATE
from domain.pricing.tiers import UnitPrices
from entrypoints.http.dialects.aigne.video import video_handler
from entrypoints.http.wire import Handler as Handle
from entrypoints.http.wire import Request
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.manage.credit import grant
from entrypoints.usecases.manage.keys import Minted, create_key, revoke
from entrypoints.usecases.manage.maintenance import verify
from entrypoints.usecases.manage.providers import create_credential, create_provider
from entrypoints.usecases.manage.rates import Prices, put_rate
from entrypoints.usecases.manage.users import create_user
from tests.behaviour.non_chat_answers import video, video_job
from tests.entrypoints.management_context import CREDIT, At, a_management_context
from tests.support.memory_storage import MemoryStorage
from tests.support.provider import Handler, Received, Reply, StubProvider, answering
from tests.support.silent_telemetry import SilentTelemetry

pytestmark = pytest.mark.anyio

BY = "test"
MINUTE_MS = 60_000
NOW_MS = 1_700_000_000_000


class Studio(msgspec.Struct, kw_only=True):
    """A hub with one provider of video, and a buyer of ten credits; a second costs a tenth."""

    hub: CallContext
    stub: StubProvider
    key: Minted
    handle: Handle

    async def video_job(self, at_s: int = 0, prompt: str = "a cat", **headers: str) -> tuple[int, bytes]:
        """Ask for a video of four seconds, and wait for what comes."""
        requested = {"input": {"prompt": prompt, "seconds": "4", "modelOptions": {"model": "acme/video"}}}
        request = Request(
            id=self.hub.ids.new("call"),
            method="POST",
            path="/api/v2/video",
            headers={"authorization": f"Bearer {self.key.text}", "content-type": "application/json", **headers},
            body=msgspec.json.encode(requested),
            started_us=at_s * 1_000_000,
        )
        async with self.handle(request) as reply:
            assert isinstance(reply.body, bytes)
            return reply.status, reply.body

    async def only_call(self) -> Call:
        """The one call there was; the books add up and nothing is held."""
        proved = await verify(self.hub.storage)
        assert isinstance(proved, Totals)
        assert (0, 1) == (proved.open_holds, proved.calls)
        (logged,) = await self.hub.storage.call_log(CallQuery())
        return logged.call

    def methods(self) -> list[str]:
        return [request.method for request in self.stub.requests]


@asynccontextmanager
async def studio(script: Sequence[Handler], always: Handler) -> AsyncIterator[Studio]:
    """Two credentials, so that somebody untried is left for a second attempt."""
    left = list(script)

    async def handler(request: Received, reply: Reply) -> None:
        await (left.pop(0) if left else always)(request, reply)

    context, transport = a_management_context(MemoryStorage(), At(NOW_MS)), Http1Transport()
    try:
        async with StubProvider(handler) as stub:
            hub = CallContext(
                storage=context.storage, book=context.book, vault=context.vault, clock=context.clock, calendar=context.calendar, ids=context.ids,
                liveness=context.liveness, telemetry=SilentTelemetry(), billed=True, payment_link=None, upstream_timeout_ms=10 * MINUTE_MS,
                retries_max=2, body_bytes_max=10**6,
                providers=HttpProviders(transport, {}, context.vault, {each.name: each for each in VIDEO}, poll_ms=0),
            )  # fmt: skip
            await create_provider(hub, BY, "acme", "openai", stub.base_url)
            for name in ("one", "two"):
                await create_credential(hub, BY, "acme", f"sk-{name}-0123456789", name, 1)
            await put_rate(
                hub, BY, "acme/video", Prices(units=UnitPrices(video_second_nanos=CREDIT // 10 * UNITS_PER_RATE))
            )
            await create_user(hub, BY, "ann", "guest")
            await grant(hub, BY, "ann", 10 * CREDIT)
            minted = await create_key(hub, BY, "ann", "laptop")
            assert isinstance(minted, Minted)
            yield Studio(hub=hub, stub=stub, key=minted, handle=video_handler(hub))
    finally:
        await transport.aclose()


async def working(request: Received, reply: Reply) -> None:
    """A job that is never done."""
    await reply.send(200, {"content-type": "application/json"}, video("in_progress"))


async def test_a_job_that_outlives_the_deadline_is_left_and_costs_the_caller_nothing() -> None:
    """The deadline is six times the silence that a provider is allowed; the wall clock has no say in it."""
    async with studio([answering(200, video("queued"))], working) as at:
        at.hub.upstream_timeout_ms = 100
        status, body = await at.video_job()

        call = await at.only_call()
        assert (504, b"deadline" in body) == (status, True)
        assert ("timed_out", 0, None) == (call.ending, call.charge_nanos, call.cost_nanos)
        assert 1 == at.methods().count("POST"), "there is no time left for another"
        assert at.methods().count("GET") > 0


async def test_a_job_that_is_lost_is_not_made_again_and_its_cost_is_unknown() -> None:
    async with studio([answering(200, video("queued"))], answering(404, b"{}")) as at:
        status, _ = await at.video_job()

        call = await at.only_call()
        assert (502, "provider_failed", 0, None) == (status, call.ending, call.charge_nanos, call.cost_nanos)
        assert ["POST", "GET"] == at.methods()


async def test_a_job_that_was_not_taken_on_is_tried_with_the_next_credential() -> None:
    async def polite(request: Received, reply: Reply) -> None:
        content_type, body = video_job(request)
        await reply.send(200, {"content-type": content_type}, body)

    async with studio([answering(503, b"{}")], polite) as at:
        status, _ = await at.video_job()

        call = await at.only_call()
        assert (200, "completed", 400_000_000) == (status, call.ending, call.charge_nanos)
        assert ["unavailable", "answered"] == [attempt.outcome for attempt in call.attempts]
        authorized = [request.headers["authorization"] for request in at.stub.requests]
        assert authorized[0] != authorized[1]
        assert {authorized[1]} == set(authorized[1:]), "a job is asked after with the credential that it was made with"


async def test_a_video_whose_process_is_stopped_was_taken_on_and_is_charged_as_requested() -> None:
    """As any answer that the provider had accepted: what was asked for is charged, and reported as an estimate."""
    polled = anyio.Event()

    async def working_and_telling(request: Received, reply: Reply) -> None:
        if request.method == "GET":
            polled.set()
        await working(request, reply)

    async with studio([], working_and_telling) as at:
        async with anyio.create_task_group() as group:
            group.start_soon(at.video_job)
            with anyio.fail_after(10):
                await polled.wait()
            group.cancel_scope.cancel()

        call = await at.only_call()
        assert ("client_disconnected", 400_000_000, "estimated") == (call.ending, call.charge_nanos, call.usage_source)


# --- who asks again ----------------------------------------------------------------------------------------------


class Gate:
    """A provider whose jobs are done when the gate is opened."""

    def __init__(self) -> None:
        self.open = anyio.Event()
        self.made = 0
        self.requested = anyio.Event()

    async def answer(self, request: Received, reply: Reply) -> None:
        if request.method == "POST":
            self.made += 1
            self.requested.set()
        elif not request.path.endswith("/content"):
            await self.open.wait()
        content_type, body = video_job(request)
        await reply.send(200, {"content-type": content_type}, body)


async def both(at: Studio, gate: Gate, again_s: int, **headers: str) -> list[tuple[int, bytes]]:
    """What a caller gets, and one who asks for the same so many seconds later, while the video is being made."""
    received: list[tuple[int, bytes]] = []

    async def ask(at_s: int, **more: str) -> None:
        received.append(await at.video_job(at_s, **more))

    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(ask, 0)
            await gate.requested.wait()
            group.start_soon(partial(ask, again_s, **headers))
            await turns()
            gate.open.set()
    return received


async def turns() -> None:
    """Who has only the books to wait for, which are in memory, gets as far as it can."""
    for _ in range(100):
        await anyio.lowlevel.checkpoint()


@pytest.mark.parametrize("again_s", [175, 180, 540])
async def test_a_client_that_lost_its_patience_gets_the_video_that_is_being_made(again_s: int) -> None:
    gate = Gate()
    async with studio([], gate.answer) as at:
        first, second = await both(at, gate, again_s)

        assert (200, first) == (first[0], second)
        assert (1, 400_000_000) == (gate.made, (await at.only_call()).charge_nanos)


@pytest.mark.parametrize(("again_s", "headers"), [
    (0, {}),                                # who wants two videos asks at once
    (174, {}),
    (180, {"prompt": "another cat"}),
    (180, {"idempotency-key": "another"}),
])  # fmt: skip
async def test_another_request_gets_a_video_of_its_own(again_s: int, headers: dict[str, str]) -> None:
    gate = Gate()
    async with studio([], gate.answer) as at:
        first, second = await both(at, gate, again_s, **headers)

        assert ([200, 200], 2) == ([first[0], second[0]], gate.made)
        assert first[1] != second[1]


async def test_a_video_is_not_given_to_a_key_that_was_revoked_meanwhile() -> None:
    gate = Gate()
    with anyio.fail_after(10):
        async with studio([], gate.answer) as at, anyio.create_task_group() as group:
            group.start_soon(at.video_job)
            await gate.requested.wait()
            await revoke(at.hub, BY, at.key.key.id)

            assert 401 == (await at.video_job(180))[0]
            gate.open.set()


async def test_a_video_whose_process_was_stopped_is_made_again_on_request() -> None:
    gate = Gate()
    received: list[tuple[int, bytes]] = []

    async def again() -> None:
        received.append(await at.video_job(180))

    with anyio.fail_after(10):
        async with studio([], gate.answer) as at, anyio.create_task_group() as group:
            async with anyio.create_task_group() as first:
                first.start_soon(at.video_job)
                await gate.requested.wait()
                group.start_soon(again)
                await turns()
                first.cancel_scope.cancel()
            gate.open.set()

    assert [200] == [status for status, _ in received]
    assert 2 == gate.made
