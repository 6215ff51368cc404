"""The streaming function: our own runtime on Lambda's Python, started by `bootstrap`.

Lambda may freeze the process from the moment at which the next invocation is asked for, so that is done only when
nothing is under way: the response was accepted, its call is settled (also late, as far as the invocation's time
allows), and no sweep runs. An error at the start is reported to Lambda, which shows it to the caller and in its log.

Where Lambda sends several invocations at once (AWS_LAMBDA_MAX_CONCURRENCY, on managed instances), one task serves each.
"""

import asyncio
import logging
import os
import signal
import sys
from typing import TYPE_CHECKING

import msgspec

from entrypoints.aws_lambda.events import UnknownEvent, read_event, swept
from entrypoints.aws_lambda.logs import log_to_lambda, request_id
from entrypoints.aws_lambda.response import StreamedResponse, Unfinished
from entrypoints.aws_lambda.runtime_api import Invocation, RuntimeApi, RuntimeApiError

if TYPE_CHECKING:
    from entrypoints.asgi import AsgiApp
    from entrypoints.aws_lambda.upkeep import Upkeep
    from entrypoints.usecases.call_context import CallContext

# How long before its deadline an invocation stops waiting for calls that the books do not take. They stay in the
# process's list and are tried again when Lambda thaws it.
MARGIN_MS = 1_000
EXIT_FAILED = 1
_log = logging.getLogger("aihub")


class Runtime:
    """The tasks that serve invocations. `stop` lets those end that serve one, and the others at once."""

    def __init__(self, app: "AsgiApp", hub: "CallContext", upkeep: "Upkeep") -> None:
        self._app = app
        self._hub = hub
        self._upkeep = upkeep
        self._idle: set[asyncio.Task[None]] = set()
        self._stopping = False

    def stop(self) -> None:
        """Ask for no more invocations."""
        self._stopping = True
        for task in self._idle:
            task.cancel()

    async def serve(self, address: str, concurrency: int) -> None:
        """Serve until `stop`, or until the Runtime API fails, which RuntimeApiError reports."""
        tasks = [asyncio.get_running_loop().create_task(self._serve_one_by_one(address)) for _ in range(concurrency)]
        for task in tasks:
            task.add_done_callback(lambda _: self.stop())
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        for problem in ended:
            if isinstance(problem, Exception):
                raise problem

    async def _serve_one_by_one(self, address: str) -> None:
        api, task = RuntimeApi(address), asyncio.current_task()
        assert task is not None
        try:
            while not self._stopping:
                self._idle.add(task)
                try:
                    invocation = await api.next()
                finally:
                    self._idle.discard(task)
                request_id.set(invocation.id)
                async with self._upkeep:
                    await self._answer(api, invocation)
                    await self._settled(invocation)
        finally:
            await api.close()

    async def _answer(self, api: RuntimeApi, invocation: Invocation) -> None:
        try:
            request = read_event(invocation.payload)
        except UnknownEvent as error:
            _log.error("%s", error)
            await api.fail(invocation, error)
            return
        if request is None:
            await self._sweep(api, invocation)
            return
        response = StreamedResponse(api.address, invocation, request)
        failure: Exception | None = None
        try:
            await self._app(request.scope, response.receive, response.send)
        except Exception as error:
            _log.exception("a request failed")
            failure = error
        if not response.started:
            await api.fail(invocation, failure or Unfinished("the request was not answered"))
            return
        try:
            await response.end(failure)
        except RuntimeApiError as error:
            _log.error("the response was not delivered as a whole: %s", error)

    async def _sweep(self, api: RuntimeApi, invocation: Invocation) -> None:
        from entrypoints.usecases.manage.maintenance import sweep_own
        from entrypoints.usecases.manage.notice_delivery import deliver_due

        try:
            result = swept(await sweep_own(self._hub))
            await deliver_due(self._hub)
        except Exception as error:
            _log.exception("the sweep failed")
            await api.fail(invocation, error)
        else:
            await api.respond(invocation, msgspec.json.encode(result))

    async def _settled(self, invocation: Invocation) -> None:
        """Wait for calls that could not be settled at their end, until shortly before Lambda ends the invocation."""
        if len(self._hub.unsettled):
            left_ms = invocation.deadline_ms - self._hub.clock.now_ms() - MARGIN_MS
            await self._hub.unsettled.drained(max(left_ms, 0) / 1000)


async def run(address: str, concurrency: int) -> int:
    """Open the hub and serve; returns the exit code."""
    try:
        from entrypoints.asgi import create_app
        from entrypoints.aws_lambda.upkeep import Upkeep

        app = create_app()
        hub = await app.open()
    except Exception as error:
        _log.critical("the hub cannot start: %s", error)
        api = RuntimeApi(address)
        await api.fail_start(error)
        await api.close()
        return EXIT_FAILED
    runtime = Runtime(app, hub, Upkeep(hub))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, runtime.stop)
    try:
        await runtime.serve(address, concurrency)
    except RuntimeApiError as error:
        _log.critical("%s", error)
        return EXIT_FAILED
    finally:
        await app.close()
    return 0


def main() -> int:
    """Run as Lambda's runtime, configured by the environment."""
    is_json = os.environ.get("AIHUB_LOG", "").strip().lower() == "json"
    log_format = "JSON" if is_json else os.environ.get("AWS_LAMBDA_LOG_FORMAT", "")
    log_to_lambda(log_format, os.environ.get("AWS_LAMBDA_LOG_LEVEL", ""))
    concurrency = int(os.environ.get("AWS_LAMBDA_MAX_CONCURRENCY") or 1)
    return asyncio.run(run(os.environ["AWS_LAMBDA_RUNTIME_API"], concurrency))


if __name__ == "__main__":
    sys.exit(main())
