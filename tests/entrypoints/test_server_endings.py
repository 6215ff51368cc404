"""The server over real sockets: callers who leave or only close their sending side, and answers that break off."""

import asyncio
from contextlib import suppress

import pytest

from entrypoints.server.exchange import READ_AHEAD, Message
from entrypoints.server.listening import Listener
from entrypoints.server.supervisor import listening_socket
from tests.entrypoints.small_server import GET, LOOPS, QUICK, ROOMY, Receive, Send, body_of, exchange, reply, serving

pytestmark = pytest.mark.anyio


@pytest.fixture(params=LOOPS)
def anyio_backend(request: pytest.FixtureRequest) -> object:
    return request.param


async def test_a_caller_who_closes_its_sending_side_gets_all_of_a_stream() -> None:
    async def streaming(scope: Message, receive: Receive, send: Send) -> None:
        await body_of(receive)
        left: asyncio.Future[Message] = asyncio.ensure_future(receive())
        await asyncio.sleep(0.03)  # In which the server asks the caller's kernel whether it has left.
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for number in range(5):
            assert not left.done()
            await send({"type": "http.response.body", "body": b"%d" % number, "more_body": True})
            await asyncio.sleep(0.01)
        await send({"type": "http.response.body"})
        assert "http.disconnect" == (await left)["type"]

    async with serving(streaming, timeouts=QUICK) as port:
        answered = await exchange(port, GET, eof=True)

    interim, final, body = answered.split(b"\r\n\r\n", 2)
    assert b"HTTP/1.1 100 Continue" == interim
    assert final.startswith(b"HTTP/1.1 200 ")
    chunks = body.split(b"\r\n")
    assert b"01234" == b"".join(chunks[1::2])
    assert [1, 1, 1, 1, 1, 0] == [int(size, 16) for size in chunks[::2] if size]


LONG = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % READ_AHEAD + b"x" * READ_AHEAD


@pytest.mark.parametrize("sent", [GET, LONG], ids=["no-body", "a-body-that-fills-the-buffer"])
@pytest.mark.parametrize("begun", [False, True], ids=["before-the-answer", "within-the-answer"])
async def test_the_application_notices_a_caller_who_left_while_nothing_is_sent(begun: bool, sent: bytes) -> None:
    requested, left = asyncio.Event(), asyncio.Event()

    async def silent(scope: Message, receive: Receive, send: Send) -> None:
        await body_of(receive)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if begun:
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
        requested.set()
        assert "http.disconnect" == (await receive())["type"]
        left.set()

    async with serving(silent, timeouts=QUICK) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        await requested.wait()
        if begun:
            await reader.readuntil(b"x\r\n")
        writer.close()
        await left.wait()


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
async def test_an_answer_that_breaks_off_never_looks_whole(version: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async def failing(scope: Message, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x", "more_body": True})
        raise RuntimeError("it fails")

    whole = None
    async with serving(failing) as port:
        with suppress(ConnectionResetError):
            whole = await exchange(port, b"GET / HTTP/%b\r\n\r\n" % version)

    assert whole is None or (version == b"1.1" and not whole.endswith(b"0\r\n\r\n"))
    assert "a request failed" in caplog.text


async def test_running_calls_end_before_the_server_stops() -> None:
    begun = asyncio.Event()

    async def slow(scope: Message, receive: Receive, send: Send) -> None:
        begun.set()
        await asyncio.sleep(0.05)
        await reply(send, b"done")

    listener = Listener(slow, ROOMY)
    sock = listening_socket("127.0.0.1", 0)
    await listener.listen(sock)
    asking = asyncio.create_task(exchange(sock.getsockname()[1], GET))
    await begun.wait()
    await listener.stop()

    assert (await asking).endswith(b"done")
