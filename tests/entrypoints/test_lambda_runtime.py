"""Our client of Lambda's Runtime API, with applications made for the test, over real sockets."""

import asyncio
import base64
import json
from pathlib import Path
from typing import Any, cast

import anyio
import anyio.lowlevel
import pytest

from domain.billing.metering import Meter
from domain.billing.settlement import Outcome
from entrypoints.aws_lambda.events import UnknownEvent, read_event
from entrypoints.aws_lambda.streaming import Runtime
from entrypoints.aws_lambda.upkeep import UPKEEP, Upkeep
from entrypoints.config import Settings, read_settings
from entrypoints.usecases.call_context import CallContext
from entrypoints.wiring import WORKERS, hub
from ports.books import Storage
from tests.support.runtime_api import Invoked, RuntimeApiDouble, url_event

pytestmark = pytest.mark.anyio
OK = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]}

# Rounds of the event loop, on which both sides of every connection are: far more than a request takes to arrive.
ROUNDS = 300
LATE = Outcome(call_id="call_late", user_id="nobody", ending="completed", meter=Meter(), input_tokens=0, attempts=())


class _Late:
    """Books that take a settlement only when the test lets them, which the log of the Runtime API shows."""

    def __init__(self, api: RuntimeApiDouble) -> None:
        self.books = asyncio.Event()
        self._api = api

    async def decide(self, scope: object, rule: object, within_s: float) -> object:
        await self.books.wait()
        self._api.log.append("settled")
        return object()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_a_failure_in_mid_answer_is_reported_in_the_trailers(tmp_path: Path) -> None:
    async def breaks(scope: Any, receive: Any, send: Any) -> None:
        await send(OK)
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise ValueError("the other half is missing")

    [invoked] = await _served(tmp_path, breaks, url_event("GET", "/"))

    assert b"half" == invoked.payload
    assert "Function.ValueError" == invoked.trailers["lambda-runtime-function-error-type"]
    body = json.loads(base64.b64decode(invoked.trailers["lambda-runtime-function-error-body"]))
    assert ("Function.ValueError", "the other half is missing") == (body["errorType"], body["errorMessage"])
    assert invoked.request is not None
    announced = invoked.request.headers["trailer"].lower()
    assert "lambda-runtime-function-error-type, lambda-runtime-function-error-body" == announced


async def test_an_answer_that_is_left_unfinished_has_the_trailers_too(tmp_path: Path) -> None:
    async def stops(scope: Any, receive: Any, send: Any) -> None:
        await send(OK)
        await send({"type": "http.response.body", "body": b"half", "more_body": True})

    [invoked] = await _served(tmp_path, stops, url_event("GET", "/"))

    assert "Function.Unfinished" == invoked.trailers["lambda-runtime-function-error-type"]


async def test_a_failure_before_the_answer_is_an_error_and_the_next_invocation_is_served(tmp_path: Path) -> None:
    async def fails_once(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/fails":
            raise ValueError("not today")
        await _answer(send, scope["path"].encode())

    first, second = await _served(tmp_path, fails_once, url_event("GET", "/fails"), url_event("GET", "/works"))

    assert ("Function.ValueError", "not today") == (first.error["errorType"], first.error["errorMessage"])
    assert b"/works" == second.payload


async def test_headers_cookies_and_bodies_arrive_as_they_were_sent(tmp_path: Path) -> None:
    async def cooks(scope: Any, receive: Any, send: Any) -> None:
        request = await receive()
        headers = [(b"Set-Cookie", b"a=1"), (b"set-cookie", b"b=2"), (b"vary", b"origin"), (b"vary", b"accept")]
        await send({"type": "http.response.start", "status": 418, "headers": [*headers, (b"content-length", b"9")]})
        await send({"type": "http.response.body", "body": scope["query_string"] + request["body"]})

    [invoked] = await _served(tmp_path, cooks, url_event("POST", "/", b"\x00\xff", query="a=%20b"))

    assert {"statusCode": 418, "headers": {"vary": "origin, accept"}, "cookies": ["a=1", "b=2"]} == invoked.prelude
    assert b"a=%20b\x00\xff" == invoked.payload


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
async def test_an_answer_that_has_no_body_is_a_prelude_alone(tmp_path: Path, method: str, status: int) -> None:
    async def bare(scope: Any, receive: Any, send: Any) -> None:
        await send(OK | {"status": status})
        await send({"type": "http.response.body", "body": b"not sent"})

    [invoked] = await _served(tmp_path, bare, url_event(method, "/"))

    assert (status, b"") == (invoked.prelude["statusCode"], invoked.payload)


async def test_the_next_invocation_is_requested_only_when_a_late_settlement_is_in_the_books(tmp_path: Path) -> None:
    """Lambda has the whole answer; the books take the settlement only after that."""
    async with RuntimeApiDouble() as api, _hub(tmp_path) as whole:
        late = _Late(api)

        async def owes(scope: Any, receive: Any, send: Any) -> None:
            whole.unsettled.keep(cast(Storage, late), LATE, 0)
            await _answer(send, b"whole")

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_run, whole, owes, api)
            invoked = await api.invoke(url_event("GET", "/"))
            await invoked.whole()
            for _ in range(ROUNDS):
                await anyio.lowlevel.checkpoint()
            late.books.set()
            await api.until(2)
            tasks.cancel_scope.cancel()

    assert ["next", "response", "settled", "next"] == api.log


async def test_an_invocation_near_its_deadline_waits_no_longer_for_the_books(tmp_path: Path) -> None:
    """What is left is tried again when Lambda thaws the process, instead of being lost with it."""
    async with RuntimeApiDouble() as api, _hub(tmp_path) as whole:
        late = _Late(api)

        async def owes(scope: Any, receive: Any, send: Any) -> None:
            whole.unsettled.keep(cast(Storage, late), LATE, 0)
            await _answer(send, b"whole")

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_run, whole, owes, api)
            await api.invoke(url_event("GET", "/"), timeout_s=0)
            await api.until(2)
            late.books.set()
            await whole.unsettled.drained()
            tasks.cancel_scope.cancel()

    assert ["next", "response", "next", "settled"] == api.log


async def test_the_regular_sweep_runs_while_an_invocation_does_and_has_ended_before_the_next(tmp_path: Path) -> None:
    async with RuntimeApiDouble() as api, _hub(tmp_path) as whole:
        whole.liveness.own()
        [sign] = [path for path in (tmp_path / WORKERS).iterdir() if path.is_file()]

        async def waits(scope: Any, receive: Any, send: Any) -> None:
            sign.unlink()
            while not sign.exists():  # until a round has put it back
                await anyio.lowlevel.checkpoint()
            await _answer(send, b"whole")

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_run, whole, waits, api, 0.01)
            await (await api.invoke(url_event("GET", "/"))).whole()
            await api.until(2)
            running = [task.get_name() for task in asyncio.all_tasks()]
            tasks.cancel_scope.cancel()

    assert UPKEEP not in running


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        (b"[]", "Expected `object`"),
        (b"{", "truncated"),
        (b'{"aihub": "other"}', "neither a request"),
        (b'{"Records": []}', "neither a request"),
        (b'{"requestContext": {"elb": {}}}', "http"),
        (b'{"requestContext": {"http": {"method": "GET"}}, "body": "*", "isBase64Encoded": true}', "base64"),
    ],
)
def test_an_event_that_is_no_request_is_refused_by_name(event: bytes, problem: str) -> None:
    with pytest.raises(UnknownEvent, match=problem):
        read_event(event)


def test_a_request_is_read_as_asgi_describes_it() -> None:
    event = url_event("POST", "/v1/models/a%2Fb%C3%A9", b"body", {"X-Name": "caf\xe9", "x-other": "\u20ac"}, "q=%41")
    request = read_event(json.dumps(event | {"cookies": ["a=1", "b=2"]}).encode())

    assert request is not None
    assert b"body" == request.body
    assert ("POST", "/v1/models/a/b\xe9", b"/v1/models/a%2Fb%C3%A9", b"q=%41") == tuple(
        request.scope[name] for name in ("method", "path", "raw_path", "query_string")
    )
    headers = dict(request.scope["headers"])
    assert (b"caf\xe9", "\u20ac".encode(), b"a=1; b=2") == tuple(headers[n] for n in (b"x-name", b"x-other", b"cookie"))


async def _served(tmp_path: Path, app: Any, *events: dict[str, Any]) -> list[Invoked]:
    """The invocations of an application, one after another."""
    async with RuntimeApiDouble() as api, _hub(tmp_path) as whole, anyio.create_task_group() as tasks:
        tasks.start_soon(_run, whole, app, api)
        invoked = [await api.invoke(event) for event in events]
        for one in invoked:
            await one.whole()
        await api.until(len(events) + 1)
        tasks.cancel_scope.cancel()
    return invoked


def _hub(tmp_path: Path) -> Any:
    settings = read_settings({"DATA_DIR": str(tmp_path)})
    assert isinstance(settings, Settings)
    return hub(settings)


async def _run(whole: CallContext, app: Any, api: RuntimeApiDouble, every_s: float = 5) -> None:
    await Runtime(app, whole, Upkeep(whole, every_s)).serve(api.address, 1)


async def _answer(send: Any, body: bytes) -> None:
    await send(OK)
    await send({"type": "http.response.body", "body": body})
