"""A provider that does what the prompt tells it: the last message is a `Script`, in either dialect.

What it noticed about each request is kept by the script's `id`, which the callers choose.
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator

import msgspec

from tests.support.provider import Received, Reply
from tests.support.provider_thread import ProviderThread
from tests.system.scripted_answers import Script, streamed, whole

WAIT_S = 10
KEEP_ALIVE_S = 0.05


class Seen(msgspec.Struct, kw_only=True):
    """One request as the provider saw it; `left_at` is when it noticed that the hub had closed the connection."""

    script: Script
    path: str
    headers: dict[str, str]
    body: bytes
    left_at: float | None = None
    left: threading.Event = msgspec.field(default_factory=threading.Event)

    def leave(self) -> None:
        """The hub has closed the connection."""
        self.left_at = self.left_at or time.monotonic()
        self.left.set()


class ScriptedProvider(ProviderThread):
    """The server, its thread, and what it saw."""

    def __init__(self) -> None:
        super().__init__("scripted provider")
        self._seen: dict[str, list[Seen]] = {}
        self._gates: dict[str, asyncio.Event] = {}
        self._arrival = threading.Condition()

    @property
    def base_url(self) -> str:
        """The base URL for OpenAI's dialect and, with a version of its own, for Anthropic's."""
        return f"http://127.0.0.1:{self.port}/v1"

    def seen(self, marker: str) -> list[Seen]:
        """The requests that came with the script of that id."""
        return list(self._seen.get(marker, ()))

    def markers(self) -> set[str]:
        """The ids of all scripts that came."""
        return set(self._seen)

    def wait_for(self, marker: str, number: int = 1) -> Seen:
        """The first request with the script of that id, or a later one, once it has come."""
        with self._arrival:
            assert self._arrival.wait_for(lambda: len(self._seen.get(marker, ())) >= number, WAIT_S), (
                f"{marker} never came"
            )
            return self._seen[marker][number - 1]

    def open_gate(self, name: str) -> None:
        """Let every request of that gate be answered, now and later."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(lambda: self._gate(name).set())

    def _gate(self, name: str) -> asyncio.Event:
        return self._gates.setdefault(name, asyncio.Event())

    async def _answer(self, request: Received, reply: Reply) -> None:
        body = request.json()
        content = body["messages"][-1]["content"]
        text = content if isinstance(content, str) else content[-1]["text"]
        script = msgspec.json.decode(text, type=Script)
        seen = Seen(script=script, path=request.path, headers=request.headers, body=request.body)
        with self._arrival:
            before = self._seen.setdefault(script.id, [])
            before.append(seen)
            self._arrival.notify_all()
        gone = asyncio.create_task(_until_left(reply, seen)) if script.silent_after is not None else None
        try:
            gate = self._gate(script.gate) if script.gate else None
            if gate is not None and not script.gate_after:
                await gate.wait()
            await _play(
                script,
                len(before) == 1,
                "anthropic" if request.path.endswith("/messages") else "openai",
                bool(body.get("stream")),
                reply,
                gone,
                gate,
            )
        except ConnectionError:
            seen.leave()  # noticed while writing
            raise
        finally:
            if gone is not None:
                gone.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await gone


@contextlib.contextmanager
def scripted_provider() -> Iterator[ScriptedProvider]:
    """A provider that serves for as long as the block runs."""
    provider = ScriptedProvider()
    provider.start()
    try:
        yield provider
    finally:
        provider.stop()


async def _until_left(reply: Reply, seen: Seen) -> None:
    """Notice that the hub closes the connection, and when."""
    with contextlib.suppress(Exception):  # `hang_up` raises to end the connection; here the script goes on ending it
        await reply.hang_up()
    seen.leave()


async def _play(
    script: Script,
    is_first: bool,
    dialect: str,
    stream: bool,
    reply: Reply,
    gone: asyncio.Task[None] | None,
    gate: asyncio.Event | None,
) -> None:
    status = script.first if is_first else script.status
    if status != 200:
        await reply.send(
            status, {"content-type": "application/json"}, b'{"type":"error","error":{"message":"no","type":"no"}}'
        )
        return
    if gone is not None and script.silent_after == -1:
        await gone
        await reply.cut()
    events = streamed(script, dialect) if stream else [whole(script, dialect)]
    await reply.start(200, {"content-type": "text/event-stream" if stream else "application/json"})
    while script.keep_alive:
        await reply.write(b": still thinking\n\n")
        await asyncio.sleep(KEEP_ALIVE_S)
    cut = script.cut_first if is_first and script.cut_first is not None else script.cut
    if cut is not None:
        await reply.write(b"".join(events)[:cut])
        if script.closed:
            return
        await reply.cut()
    for number, event in enumerate(events):
        if gone is not None and number == script.silent_after:
            await gone
        if gate is not None and number == script.gate_after:
            await gate.wait()
        if script.pace_ms:
            await asyncio.sleep(script.pace_ms / 1000)
        if gone is not None and gone.done():
            await reply.cut()
        await reply.write(event)
