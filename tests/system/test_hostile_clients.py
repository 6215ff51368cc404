"""What strangers can do to a hub, and callers who speak HTTP in their own way: over real sockets, ASGI and WSGI.

None of it stops an honest caller from being served, costs anybody anything, or fills the log.
"""

import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.behaviour.error_shape import check_error
from tests.behaviour.raw_connection import RawLine
from tests.simulation.auditor import read
from tests.support.hub import HubProcess, Interface, running_hub
from tests.system.raw_client import ANTHROPIC, OPENAI, chat
from tests.system.scripted_answers import Script
from tests.system.scripted_provider import ScriptedProvider
from tests.system.users import Person, person

INTERFACES: tuple[Interface, ...] = ("asgi", "wsgi")
BODY_MEMORY = 3_000_000
TIMEOUT_S = 20
SLOW_BODIES = (300, pytest.param(1_000, marks=pytest.mark.soak))


@pytest.fixture(scope="module", params=INTERFACES)
def hub(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, provider: ScriptedProvider
) -> Iterator[HubProcess]:
    env = {"AIHUB_BODY_BYTES_MAX": "2000000", "AIHUB_BODY_MEMORY_BYTES": str(BODY_MEMORY)}
    with running_hub(tmp_path_factory.mktemp("strangers") / "data", request.param, env=env) as running:
        running.add_provider("openai-stub", provider.base_url)
        yield running
    assert "Traceback" not in running.log.read_text()


@pytest.fixture(scope="module")
def buyer(hub: HubProcess) -> Person:
    return person(hub, "buyer", 10**12)


def requested(name: str, stream: bool = False) -> bytes:
    return chat(Script(id=name, words=20, pace_ms=5), model="openai-stub/m", stream=stream)


def request(path: str, key: str | None, body: bytes, length: int | None = None, version: str = "1.1") -> bytes:
    """A request whose head may announce another length than its body has."""
    known = f"authorization: Bearer {key}\r\n" if key else ""
    head = f"POST {path} HTTP/{version}\r\nhost: hub\r\n{known}content-length: {len(body) if length is None else length}\r\n"
    return head.encode() + b"\r\n" + body


def opened(port: int, sent: bytes) -> socket.socket:
    line = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
    line.sendall(sent)
    return line


def answered(port: int, sent: bytes, eof: bool = False) -> bytes:
    """All that comes until the hub closes."""
    with closing(opened(port, sent)) as line:
        if eof:
            line.shutdown(socket.SHUT_WR)
        reported = b""
        while data := line.recv(65536):
            reported += data
        return reported


def is_served(hub: HubProcess, key: str, name: str) -> bool:
    """Whether an honest call is, and `/healthz` and `/readyz` are."""
    with closing(RawLine(hub.port)) as line:
        received = [line.ask(b"GET", path, [], None) for path in (b"/healthz", b"/readyz")]
        received.append(
            line.ask(b"POST", OPENAI.encode(), [(b"authorization", f"Bearer {key}".encode())], requested(name))
        )
    return [200, 200, 200] == [one.status for one in received if one is not None]


def resident_bytes(hub: HubProcess) -> int:
    """What the processes of the hub have in memory."""
    assert hub._process is not None
    parent = hub._process.pid
    pids = [parent, *map(int, Path(f"/proc/{parent}/task/{parent}/children").read_text().split())]
    return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids) * 4096


@pytest.mark.parametrize("stream", [False, True])
def test_http_1_0_is_answered(hub: HubProcess, buyer: Person, stream: bool) -> None:
    name = f"{hub.interface}-1.0-{stream}"
    reported = answered(hub.port, request(OPENAI, buyer.key, requested(name, stream), version="1.0"))
    read_too = answered(hub.port, f"GET /v1/models HTTP/1.0\r\nx-api-key: {buyer.key}\r\n\r\n".encode())

    assert reported.startswith(b"HTTP/1.1 200 ")
    assert b"chunked" not in reported
    assert (b"data: [DONE]" in reported) == stream
    assert read_too.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("path", [OPENAI, ANTHROPIC])
@pytest.mark.parametrize(("key", "code"), [(None, "missing_api_key"), ("no-such-key", "invalid_api_key")])
def test_the_key_is_looked_at_before_the_body_comes(hub: HubProcess, path: str, key: str | None, code: str) -> None:
    with closing(RawLine(hub.port)) as line:
        known = [(b"authorization", f"Bearer {key}".encode())] if key else []
        received = line.ask(b"POST", path.encode(), [*known, (b"content-length", b"1500000")], None)

    assert received is not None
    check_error(received, path, 401, code)


@pytest.mark.parametrize("length", ["2000001", "9" * 18, "9" * 40])
def test_an_absurd_length_is_refused_at_once(hub: HubProcess, buyer: Person, length: str) -> None:
    with closing(RawLine(hub.port)) as line:
        known = (b"authorization", f"Bearer {buyer.key}".encode())
        received = line.ask(b"POST", OPENAI.encode(), [known, (b"content-length", length.encode())], None)

    assert received is not None
    check_error(received, OPENAI, 413, "body_too_large")


@pytest.mark.parametrize("count", SLOW_BODIES)
def test_strangers_with_half_a_body_stop_nobody(hub: HubProcess, buyer: Person, count: int) -> None:
    with ExitStack() as strangers:
        for _ in range(count):
            strangers.enter_context(closing(opened(hub.port, request(OPENAI, None, b"{", length=10))))
        assert is_served(hub, buyer.key, f"{hub.interface}-half-{count}")


@pytest.mark.parametrize("count", SLOW_BODIES)
def test_callers_with_half_a_body_stop_nobody(hub: HubProcess, buyer: Person, count: int) -> None:
    with ExitStack() as callers:
        for _ in range(count):
            callers.enter_context(closing(opened(hub.port, request(OPENAI, buyer.key, b"{", length=10))))
        assert is_served(hub, buyer.key, f"{hub.interface}-half-known-{count}")


@pytest.mark.parametrize("end", ["short", "unterminated", "broken"])
def test_a_body_that_is_cut_short_asks_no_provider_and_costs_nothing(
    hub: HubProcess, buyer: Person, provider: ScriptedProvider, end: str
) -> None:
    name = f"{hub.interface}-{end}"
    body = requested(name)
    before = set(read(hub.data_dir).calls)
    if end == "short":
        sent = request(OPENAI, buyer.key, body, length=len(body) + 50)
    else:
        head = f"POST {OPENAI} HTTP/1.1\r\nhost: hub\r\nauthorization: Bearer {buyer.key}\r\ntransfer-encoding: chunked\r\n\r\n"
        sent = head.encode() + (b"zz\r\n" if end == "broken" else b"%x\r\n%b\r\n" % (len(body), body))

    reported = answered(hub.port, sent, eof=True)

    assert reported.startswith(b"HTTP/1.1 400 ")
    assert b'"bad_request"' in reported
    assert () == tuple(provider.seen(name))
    assert before == set(read(hub.data_dir).calls)


@pytest.mark.parametrize("stream", [False, True])
def test_a_caller_who_closes_its_sending_side_gets_the_whole_answer(
    hub: HubProcess, buyer: Person, stream: bool
) -> None:
    reported = answered(
        hub.port, request(OPENAI, buyer.key, requested(f"{hub.interface}-fin-{stream}", stream)), eof=True
    )

    final = reported[reported.index(b"HTTP/1.1 200 ") :]
    if stream:
        assert final.endswith(b"0\r\n\r\n")
        assert b"data: [DONE]" in final
    else:
        assert b'"finish_reason"' in final
    (newest, *_) = hub.calls()
    assert "completed" == newest["ending"]


@pytest.mark.parametrize(
    "sent", [b"GET / HTTP/3.0\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00", b"GET / HTTP/1.1\r\nx: " + b"y" * 200_000]
)
def test_what_is_no_request_is_answered_with_the_hubs_message(hub: HubProcess, sent: bytes) -> None:
    reported = answered(hub.port, sent, eof=True)

    status = int(reported.split(b" ")[1])
    assert status in (400, 431, 505)
    assert (b'"bad_request"' if status == 400 else b'"bad_http"') in reported


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="Linux tells what is resident")
def test_bodies_have_a_common_bound_and_their_memory_is_given_back(hub: HubProcess, buyer: Person) -> None:
    assert is_served(hub, buyer.key, f"{hub.interface}-memory")  # What is made once is made.
    before = resident_bytes(hub)
    with ExitStack() as callers:
        strangers = [opened(hub.port, request(OPENAI, None, b"x" * 30_000, length=1_900_000)) for _ in range(40)]
        for line in strangers:
            callers.enter_context(closing(line))
            assert line.recv(65536).startswith(b"HTTP/1.1 401 ")
        for _ in range(2):
            callers.enter_context(
                closing(opened(hub.port, request(OPENAI, buyer.key, b"x" * 1_400_000, length=1_900_000)))
            )
        refused = answered(hub.port, request(OPENAI, buyer.key, b"x" * 1_900_000))
    assert refused.startswith(b"HTTP/1.1 503 ")
    assert b'"hub_full"' in refused
    assert is_served(hub, buyer.key, f"{hub.interface}-memory-after")
    assert resident_bytes(hub) - before < BODY_MEMORY


def test_a_caller_who_resets_its_connection_leaves_no_trace(hub: HubProcess, buyer: Person) -> None:
    for sent in (b"", b"GET", request(OPENAI, buyer.key, b"{", length=10)):
        line = opened(hub.port, sent)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        line.close()

    assert is_served(hub, buyer.key, f"{hub.interface}-reset")


@pytest.mark.parametrize("interface", INTERFACES)
def test_a_hub_with_few_descriptors_answers_everyone(
    tmp_path: Path, provider: ScriptedProvider, interface: Interface
) -> None:
    with running_hub(tmp_path / "data", interface, descriptors=256) as hub:
        hub.add_provider("openai-stub", provider.base_url)
        buyer = person(hub, "buyer", 10**12)
        with ExitStack() as strangers:
            for number in range(1_000):
                sent = b"" if number % 2 else request(OPENAI, buyer.key, b"{", length=10)
                line = strangers.enter_context(socket.socket())
                line.settimeout(TIMEOUT_S)
                line.connect(("127.0.0.1", hub.port))
                line.sendall(sent)
            with closing(RawLine(hub.port)) as line_:
                health = [line_.ask(b"GET", path, [], None) for path in (b"/healthz", b"/readyz")]
                full = line_.ask(b"POST", OPENAI.encode(), [(b"x-api-key", buyer.key.encode())], requested("full"))
        assert is_served(hub, buyer.key, f"{interface}-few")

    assert [200, 200] == [one.status for one in health if one is not None]
    assert full is not None
    check_error(full, OPENAI, 503, "hub_full")
    assert "Traceback" not in hub.log.read_text()
