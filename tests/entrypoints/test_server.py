"""The server over real sockets: how requests are read, and what strangers may do."""

import asyncio

import pytest

from entrypoints.server import REFUSED
from entrypoints.server.exchange import Message
from entrypoints.server.limits import Limits, limits_of
from tests.entrypoints.small_server import LOOPS, QUICK, Receive, Send, exchange, reply, serving, telling

pytestmark = pytest.mark.anyio


@pytest.fixture(params=LOOPS)
def anyio_backend(request: pytest.FixtureRequest) -> object:
    return request.param


async def test_requests_of_one_connection_are_answered_in_their_order() -> None:
    sent = (
        b"GET /a%20b?c=d HTTP/1.1\r\n\r\n"
        b"POST /e HTTP/1.1\r\ncontent-length: 2\r\n\r\nhi"
        b"POST /f HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\r\nh\r\n1\r\no\r\n0\r\n\r\n"
        b"GET http://host/g HTTP/1.1\r\nconnection: close\r\n\r\n"
    )
    async with serving(telling) as port:
        answered = await exchange(port, sent)

    reported = [part for part in answered.replace(b";", b"\r\n").split(b"\r\n") if part.startswith(b"1.1")]
    assert [
        b"1.1 GET /a b c=d  whole",
        b"1.1 POST /e  hi whole",
        b"1.1 POST /f  ho whole",
        b"1.1 GET /g   whole",
    ] == reported


async def test_http_1_0_is_served_whole_and_streamed_and_kept_open_on_request() -> None:
    async def streaming(scope: Message, receive: Receive, send: Send) -> None:
        await reply(send, b"one", b"two")

    async with serving(telling) as port:
        closed = await exchange(port, b"GET /x HTTP/1.0\r\n\r\n")
        kept = await exchange(
            port, b"GET /x HTTP/1.0\r\nconnection: keep-alive\r\n\r\nPOST /y HTTP/1.0\r\ncontent-length: 1\r\n\r\nz"
        )
    async with serving(streaming) as port:
        streamed = await exchange(port, b"GET /x HTTP/1.0\r\n\r\n")

    assert b"connection: close" in closed
    assert closed.endswith(b"1.0 GET /x   whole;")
    assert b"connection: keep-alive" in kept.partition(b"\r\n\r\n")[0]
    assert kept.endswith(b"1.0 POST /y  z whole;")
    assert b"chunked" not in streamed
    assert streamed.endswith(b"\r\n\r\nonetwo")


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (b"GET / HTTP/2.0\r\n\r\n", b"version"),
        (b"GET / HTTP/7.3\r\n\r\n", b"version"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"version"),
        (b"GET /\r\n\r\n", b"version"),
        (b"\x16\x03\x01\x02\x00", b"malformed"),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"malformed"),
        (b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n", b"malformed"),
        (b"POST / HTTP/1.1\r\ncontent-length: 99999999999999999999999\r\n\r\n", b"body_too_large"),
        (b"GET / HTTP/1.1\r\nx: " + b"y" * 100_000, b"head_too_large"),
        (b"GET / HTTP/1.1\r\nx: " + b"y" * 100_000 + b"\r\n\r\n", b"head_too_large"),
    ],
)
async def test_what_is_no_request_is_refused_with_the_applications_message(sent: bytes, why: bytes) -> None:
    async with serving(telling) as port:
        answered = await exchange(port, sent, eof=True)

    assert answered.startswith(b"HTTP/1.1 400 ")
    assert answered.endswith(b"\r\n\r\n" + why)


@pytest.mark.parametrize(
    "sent",
    [
        b"POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\nhi",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\nzz\r\n",
    ],
    ids=["shorter-than-announced", "without-its-last-chunk", "broken-chunk-size"],
)
async def test_a_body_that_is_cut_short_is_no_whole_one_and_can_be_answered(sent: bytes) -> None:
    async with serving(telling) as port:
        answered = await exchange(port, sent, eof=True)

    assert answered.endswith(b"hi cut;")


async def test_a_head_that_does_not_come_is_not_waited_for() -> None:
    async with serving(telling, timeouts=QUICK) as port:
        silent, half = await asyncio.gather(exchange(port, b""), exchange(port, b"GET / HT"))

    assert b"" == silent
    assert half.endswith(b"\r\n\r\nslow")


async def test_a_body_is_only_requested_where_the_application_wants_it() -> None:
    async def reluctant(scope: Message, receive: Receive, send: Send) -> None:
        first = await receive()
        assert (b"", True) == (first["body"], first["more_body"])
        if scope["path"] == "/wanted":
            await telling(scope, receive, send)
        else:
            await reply(send, b"no", status=401)

    head = b"POST /%b HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 2\r\nconnection: close\r\n\r\n"
    async with serving(reluctant) as port:
        refused = await exchange(port, head % b"unwanted")
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head % b"wanted")
        assert b"HTTP/1.1 100 Continue\r\n\r\n" == await reader.readuntil(b"\r\n\r\n")
        writer.write(b"hi")
        answered = await reader.read()
        writer.close()

    assert refused.startswith(b"HTTP/1.1 401 ")
    assert answered.endswith(b"hi whole;")


async def test_a_caller_who_still_sends_what_nobody_reads_sees_the_answer() -> None:
    async def refusing(scope: Message, receive: Receive, send: Send) -> None:
        await reply(send, b"no", status=413)

    async with serving(refusing) as port:
        answered = await exchange(port, b"POST / HTTP/1.1\r\ncontent-length: 5000000\r\n\r\n" + b"x" * 5_000_000)

    assert answered.startswith(b"HTTP/1.1 413 ")


async def test_one_request_too_many_is_refused_at_once() -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(scope: Message, receive: Receive, send: Send) -> None:
        if REFUSED not in scope:
            begun.set()
            await go_on.wait()
        await reply(send, str(scope.get(REFUSED)).encode())

    async with serving(slow, Limits(requests=1, connections=10)) as port:
        first = asyncio.create_task(exchange(port, b"GET / HTTP/1.0\r\n\r\n"))
        await begun.wait()
        second = await exchange(port, b"GET / HTTP/1.0\r\n\r\n")
        go_on.set()

        assert second.endswith(b"busy")
        assert (await first).endswith(b"None")


async def test_silent_strangers_make_room_for_a_caller() -> None:
    async with serving(telling, Limits(requests=4, connections=8)) as port:
        strangers = [await asyncio.open_connection("127.0.0.1", port) for _ in range(50)]
        answered = await exchange(port, b"GET /x HTTP/1.0\r\n\r\n")
        for _, writer in strangers:
            writer.close()

    assert answered.endswith(b"1.0 GET /x   whole;")


def test_the_limits_leave_descriptors_for_the_books_and_for_those_who_wait() -> None:
    small, usual, large = limits_of(256, None, 1), limits_of(1024, None, 1), limits_of(1_000_000, 2**30, 4)

    for descriptors, limits in ((256, small), (1024, usual)):
        assert limits.requests * 2 + (limits.connections - limits.requests) <= descriptors - 48
    assert 456 == usual.requests
    assert 2**30 // 2 // 4 // 65536 == large.requests
