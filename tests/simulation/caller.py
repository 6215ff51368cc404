"""A caller of the simulation: asks one process for one thing, and may hang up before the answer is whole."""

import random
from typing import Any

import anyio
import msgspec

from entrypoints.http.wire import Reply, Request
from entrypoints.usecases.call.admission import DEADLINE_SILENCES
from tests.simulation.process import UPSTREAM_TIMEOUT_MS, Died, Process
from tests.system.raw_client import ANTHROPIC, OPENAI, chat, events_of
from tests.system.scripted_answers import Script

PAUSE_S = (DEADLINE_SILENCES + 1) * UPSTREAM_TIMEOUT_MS / 1000
TERMINAL = {OPENAI: b"data: [DONE]\n\n", ANTHROPIC: b'data: {"type":"message_stop"}\n\n'}


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller wants. `key` is its Idempotency-Key.

    `leaves_after` is after how many pieces of a stream it leaves, `pause` after how many it reads nothing for longer than
    any call may last.
    """

    user: str
    secret: str
    path: str
    script: Script
    model: str
    stream: bool
    cap: int | None
    key: str | None = None
    leaves_after: int | None = None
    pause: int | None = None

    def body(self) -> bytes:
        return chat(self.script, model=self.model, stream=self.stream, cap=self.cap)


class Response(msgspec.Struct, kw_only=True):
    """What came of it. `by` is the process; `cut_off` if it died before it was done, `left` if the caller did not wait."""

    wish: Wish
    by: str
    status: int = 0
    headers: dict[str, str] = {}
    body: bytes = b""
    ended: bool = False
    left: bool = False
    cut_off: bool = False
    requested_ms: int = 0

    @property
    def call_id(self) -> str:
        return self.headers["x-request-id"]

    @property
    def is_whole(self) -> bool:
        """Whether it looks like a complete answer."""
        if self.status != 200 or not self.ended:
            return False
        return not self.wish.stream or self.body.endswith(TERMINAL[self.wish.path])

    @property
    def is_replayed(self) -> bool:
        return self.headers.get("idempotent-replayed") == "true"

    def said(self) -> str:
        """The text that was received, whole or in pieces."""
        if self.status != 200:
            return ""
        if not self.wish.stream:
            reported: Any = msgspec.json.decode(self.body)
            parts = (
                reported["content"]
                if self.wish.path == ANTHROPIC
                else [{"text": reported["choices"][0]["message"]["content"]}]
            )
            return "".join(part["text"] for part in parts)
        deltas = [
            choice["delta"].get("content") or ""
            for _, data in events_of(self.body)
            if isinstance(data, dict)
            for choice in data.get("choices", ())
        ]
        texts = [data["delta"].get("text", "") for _, data in events_of(self.body) if _has_delta(data)]
        return "".join(deltas + texts)


def _has_delta(data: Any) -> bool:
    return isinstance(data, dict) and isinstance(data.get("delta"), dict)


async def call(process: Process, wish: Wish) -> Response:
    """Make the wish, as a server would: a hang-up cancels what streams, a crash cancels everything."""
    received = Response(wish=wish, by=process.name, requested_ms=process.hub.clock.monotonic_us() // 1000)
    headers = {"authorization": f"Bearer {wish.secret}"} | ({"idempotency-key": wish.key} if wish.key else {})
    request = Request(
        id=process.hub.ids.new("call"),
        method="POST",
        path=wish.path,
        headers=headers,
        body=wish.body(),
        started_us=process.hub.clock.monotonic_us(),
    )
    with anyio.CancelScope() as scope:
        process.running.add(scope)
        try:
            async with process.handlers[wish.path](request) as reply:
                if not process.is_dead():
                    await _listen(process, reply, received, scope)
        except Died:
            pass
        finally:
            process.running.discard(scope)
    received.cut_off = process.is_dead()
    return received


async def _listen(process: Process, reply: Reply, received: Response, scope: anyio.CancelScope) -> None:
    """Receive the answer, to its end or as long as caller and process are there."""
    received.status, received.headers = reply.status, dict(reply.headers)
    if isinstance(reply.body, bytes):
        received.body, received.ended = reply.body, True
        return
    pieces = 0
    async for piece in reply.body:
        if process.is_dead():
            return
        received.body += piece
        pieces += 1
        if pieces == received.wish.pause:
            await anyio.sleep(PAUSE_S)
        if pieces == received.wish.leaves_after:
            received.left = True
            scope.cancel()
    received.ended = not received.left and not process.is_dead()


def any_script(chance: random.Random, marker: str) -> Script:
    """A provider that is mostly well, and sometimes slow, dying, forgetful or greedy."""
    words = chance.randrange(1, 9)
    script = Script(id=marker, words=words, pace_ms=chance.choice([0, 0, 3, 12]), usage=_any_usage(chance))
    match chance.randrange(10):
        case 0:
            status = chance.choice([400, 429, 500, 503])
            return msgspec.structs.replace(script, first=status, status=chance.choice([status, 200]))
        case 1:
            return msgspec.structs.replace(script, cut=chance.randrange(1_500), closed=chance.random() < 0.5)
        case 2:
            return msgspec.structs.replace(script, silent_after=chance.randrange(words + 3))
        case 3:
            return msgspec.structs.replace(script, error_after=chance.randrange(words + 3))
        case _:
            return script


def _any_usage(chance: random.Random) -> tuple[int, int] | None:
    return chance.choice([(10, 5), (200, 30), (1_000, 100), None, (5_000_000, 1), (1, 900_000)])
