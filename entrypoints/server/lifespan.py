"""The application's life: it starts before the first request and ends after the last.

https://asgi.readthedocs.io/en/latest/specs/lifespan.html
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from entrypoints.server.exchange import App, Message


class LifespanFailed(Exception):
    """The application did not start, or ended while it was needed."""


@asynccontextmanager
async def running(app: App) -> AsyncIterator[asyncio.Event]:
    """The started application, for as long as the block runs. The event is set if it ends by itself.

    LifespanFailed if it does not start, or ended by itself.
    """
    inbox: asyncio.Queue[Message] = asyncio.Queue()
    started, stopped, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
    trouble: list[str] = []

    async def send(message: Message) -> None:
        if message["type"].endswith(".failed"):
            trouble.append(message.get("message", "") or message["type"])
        (started if "startup" in message["type"] else stopped).set()

    async def live() -> None:
        try:
            await app({"type": "lifespan", "asgi": {"version": "3.0"}}, inbox.get, send)
        finally:
            for event in (ended, started, stopped):
                event.set()

    life = asyncio.get_running_loop().create_task(live())
    await inbox.put({"type": "lifespan.startup"})
    await started.wait()
    if ended.is_set() or trouble:
        await life
        raise LifespanFailed(*trouble)
    try:
        yield ended
    finally:
        by_itself = ended.is_set()
        await inbox.put({"type": "lifespan.shutdown"})
        await stopped.wait()
        await life
        if by_itself or trouble:
            raise LifespanFailed(*trouble)
