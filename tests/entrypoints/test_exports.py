"""Files that are sent as they are made: the server is asked to end them when the caller hangs up."""

from collections.abc import AsyncIterator

import msgspec
import pytest

from entrypoints.http.exports import Exported
from entrypoints.http.wire import Request

pytestmark = pytest.mark.anyio


class Line(msgspec.Struct, frozen=True):
    """A line."""

    n: int


async def test_a_file_is_made_only_as_long_as_its_caller_listens() -> None:
    watched: list[str] = []

    async def each() -> AsyncIterator[msgspec.Struct]:
        for n in range(2):
            assert ["watched"] == watched
            yield Line(n)

    def watch() -> None:
        watched.append("watched")

    request = Request(
        id="call_1", method="GET", path="/api/v1/calls/export", headers={}, body=b"", started_us=0, watch=watch
    )
    reply = Exported(replies=each(), kind=Line, form="jsonl", noun="call").reply(request)

    assert not isinstance(reply.body, bytes)
    assert b'{"n":0}\n{"n":1}\n' == b"".join([part async for part in reply.body])
