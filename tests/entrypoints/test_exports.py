"""Files that are sent as they are made: the server is asked to end them when the caller hangs up."""

from collections.abc import AsyncIterator
from typing import Any, cast

import msgspec
import pytest

from entrypoints.http.dashboard.csv_files import csv_stream
from entrypoints.http.dashboard.page import Answer, Visitor, page_handler, reply_of
from entrypoints.http.exports import Exported
from entrypoints.http.wire import Request
from entrypoints.usecases.call_context import CallContext
from ports.books import StorageError

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


async def test_a_file_of_the_dashboard_is_made_only_as_long_as_its_caller_listens() -> None:
    watched: list[str] = []

    async def portions() -> AsyncIterator[list[list[Any]]]:
        yield [[1]]

    request = Request(
        id="page_1",
        method="GET",
        path="/dashboard/calls.csv",
        headers={},
        body=b"",
        started_us=0,
        watch=lambda: watched.append("watched"),
    )
    visitor = cast(Visitor, None)  # Only a page shows who visits it.
    reply = reply_of(request, visitor, csv_stream("calls", ["n"], portions()))
    assert ["watched"] == watched
    assert not isinstance(reply.body, bytes)
    assert b"n\r\n1\r\n" == b"".join([part async for part in reply.body])


async def test_books_that_fail_while_a_file_is_sent_are_reported_as_that() -> None:
    async def page(hub: CallContext, visitor: Visitor, request: Request) -> Answer:
        raise AssertionError("nobody is signed in")

    request = Request(id="page_1", method="GET", path="/dashboard/calls.csv", headers={}, body=b"", started_us=0)
    with pytest.raises(StorageError):
        async with page_handler(cast(CallContext, None), page)(request) as reply:
            assert 303 == reply.status
            raise StorageError("the disk is gone")
