"""Nothing that goes wrong in the background ends a process's work without a word: it goes on, or the process ends."""

import asyncio
import resource
import subprocess
import sys
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from entrypoints.asgi import AsgiApp
from entrypoints.config import Settings, read_settings
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.manage.maintenance import sweep_regularly
from entrypoints.wiring import hub
from ports.environment import Liveness

pytestmark = pytest.mark.anyio

RAISED = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
from entrypoints.serve.process import raise_descriptor_limit
raise_descriptor_limit()
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""
ENDED = """
from entrypoints.serve.process import end_process
try:
    end_process(OSError("no file descriptor is left"))
finally:
    print("went on")
"""


class Trouble(Exception):
    """What nobody expected."""


@pytest.mark.parametrize("while_serving", [False, True])
async def test_an_error_that_ends_the_hub_ends_the_process_once_it_serves(tmp_path: Path, while_serving: bool) -> None:
    """A server goes on after such an error, with an application that can only refuse. At the start it does not."""
    settings = read_settings({"DATA_DIR": str(tmp_path)})
    assert isinstance(settings, Settings)
    ended: list[BaseException] = []
    sent: list[str] = []

    @asynccontextmanager
    async def open_hub() -> AsyncIterator[CallContext]:
        if not while_serving:
            raise Trouble
        async with hub(settings) as whole:
            yield whole

    async def receive() -> MutableMapping[str, Any]:
        if sent:
            raise Trouble
        return {"type": "lifespan.startup"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message["type"])

    with pytest.raises((Trouble, ExceptionGroup)):
        await AsgiApp(open_hub, ended.append)({"type": "lifespan"}, receive, send)

    assert bool(ended) == while_serving


async def test_a_stop_in_good_order_ends_no_process(tmp_path: Path) -> None:
    settings = read_settings({"DATA_DIR": str(tmp_path)})
    assert isinstance(settings, Settings)
    ended: list[BaseException] = []
    messages = asyncio.Queue[str]()
    for message in ("lifespan.startup", "lifespan.shutdown"):
        messages.put_nowait(message)
    sent: list[str] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": await messages.get()}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message["type"])

    await AsgiApp(lambda: hub(settings), ended.append)({"type": "lifespan"}, receive, send)

    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert not ended


class OutOfDescriptors(Liveness):
    """Fails a few times, as where no file can be opened, and then answers."""

    def __init__(self, liveness: Liveness, failures: int) -> None:
        self.answered = asyncio.Event()
        self._liveness = liveness
        self._failures = failures

    def own(self) -> str:
        return self._liveness.own()

    def is_gone(self, owner: str) -> bool | None:
        return self._liveness.is_gone(owner)

    def renew(self) -> None:
        self._failures -= 1
        if self._failures >= 0:
            raise OSError(24, "Too many open files")
        self.answered.set()


async def test_a_sweep_that_fails_is_reported_once_and_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = read_settings({"DATA_DIR": str(tmp_path)})
    assert isinstance(settings, Settings)
    async with hub(settings) as whole:
        trouble = whole.liveness = OutOfDescriptors(whole.liveness, failures=3)
        sweeping = asyncio.create_task(sweep_regularly(whole, every_s=0.001))

        await asyncio.wait_for(trouble.answered.wait(), 30)
        sweeping.cancel()

    assert [record.getMessage().partition(":")[2] for record in caplog.records if record.levelname == "ERROR"] == [
        " [Errno 24] Too many open files"
    ]


def test_a_process_that_failed_reports_it_and_ends() -> None:
    ran = subprocess.run([sys.executable, "-c", ENDED], capture_output=True, text=True)

    assert (ran.returncode, ran.stdout) == (1, "")
    assert "no file descriptor is left" in ran.stderr


def test_a_hub_opens_as_many_files_as_it_may() -> None:
    """The soft limit, often 1,024, is a default for programs that cannot do with more."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    ran = subprocess.run([sys.executable, "-c", RAISED], capture_output=True, text=True, check=True)

    assert ran.stdout.split() == [str(65_536 if hard == resource.RLIM_INFINITY else hard), str(hard)]
