"""One connection to the SQLite file, with a thread of its own, on which whole functions run."""

import asyncio
import sqlite3
from collections.abc import Callable
from typing import Concatenate, ParamSpec, Self, TypeVar, cast

import aiosqlite

# The binding looks for an adapter of every value that is no number and no text, and raises and catches two errors where
# there is none: a call binds dozens of such values. These adapters return the value itself.
_NOTHING: dict[None, None] = {}
sqlite3.register_adapter(bytes, bytes)
sqlite3.register_adapter(type(None), _NOTHING.get)

T = TypeVar("T")
P = ParamSpec("P")


class Connection(aiosqlite.Connection):
    """An aiosqlite connection that runs a whole function on its own thread."""

    def __init__(self, connector: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connector, iter_chunk_size=64)
        # A process that forgets to close must still end; its last commit is safe at any time.
        self._thread.daemon = True

    @classmethod
    async def open(cls, connector: Callable[[], sqlite3.Connection]) -> Self:
        """Return a connection made by `connector`, which runs on the connection's own thread."""
        connection = cls(connector)
        try:
            await connection
        except BaseException:
            # Its thread is ending, but would still answer into an event loop that may be closed by then.
            await asyncio.to_thread(connection._thread.join)
            raise
        return connection

    async def run(
        self, function: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `function(connection, *args)` on the connection's thread, in one visit.

        aiosqlite's public methods visit the thread once per statement. They all use `_execute`, which queues any
        function and awaits its result. It is protected, so the version is pinned and the storage contract runs over it.
        """
        return cast(T, await self._execute(function, self._conn, *args, **kwargs))  # type: ignore[no-untyped-call]
