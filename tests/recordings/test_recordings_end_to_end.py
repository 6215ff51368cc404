"""Recorded traffic of real providers, replayed over real sockets through a real hub, to callers of both dialects.

What the recording says is what the caller must receive, and what the call log must count: text, tool calls, finish
reason, usage. Streams come cut at random, byte by byte, with CRLF line ends, and with comments between the events.
Skipped where the recordings are not (AIHUB_RECORDINGS, else `../shared/recordings` beside the repository).
"""

import json
import random
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from tests.behaviour.plain_calls import CHAT, MESSAGES, Response, ask
from tests.behaviour.stub import Stub
from tests.recordings.left_out import without
from tests.recordings.naive import (
    Said,
    anthropic_said,
    as_anthropic_stream,
    as_openai_stream,
    openai_said,
)
from tests.recordings.seen import checking, files, label, recorded
from tests.support.hub import HubProcess, running_hub
from tests.support.provider import Handler, Received, Reply

# Who speaks OpenAI's chat completions, and who Anthropic's messages; Cohere's chat has tests of its own.
FILES = [
    *(file for file in files() if file.removesuffix("-stream").endswith("-chat") and "cohere" not in file),
    *(file for file in files() if file.startswith("anthropic-messages")),
]
PATHS = {"openai": CHAT, "anthropic": MESSAGES}
OTHER = {"openai": "anthropic", "anthropic": "openai"}
ONE_BYTE_MAX = 12_000


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """One recorded exchange: whose dialect, what was asked, and what came back."""

    label: str
    dialect: str
    request: dict[str, Any]
    status: int
    content_type: str
    body: bytes

    @property
    def streamed(self) -> bool:
        return "event-stream" in self.content_type

    @property
    def breaks(self) -> bytes | None:
        """What came before the error that ended the stream, where one did."""
        before, error, _ = self.body.partition(b'event: error\ndata: {"error"')
        return before if error else None

    def said(self) -> Said:
        return said(self.dialect, self.body, self.streamed)


def said(dialect: str, body: bytes, streamed: bool) -> Said:
    return (openai_said if dialect == "openai" else anthropic_said)(body, streamed)


def exchanges(file: str) -> list[Exchange]:
    """The exchanges of a file, in its order."""
    found = []
    for number, exchange in enumerate(recorded(file)):
        found.append(
            Exchange(
                label=label(file, number),
                dialect="anthropic" if file.startswith("anthropic") else "openai",
                request=exchange["request"],
                status=exchange["response"]["status"],
                content_type=exchange["response"]["content_type"],
                body=exchange["response"]["text"].encode(),
            )
        )
    return found


@pytest.fixture(scope="module")
def stub() -> Iterator[Stub]:
    made = Stub()
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def hub(stub: Stub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """A hub that meters and does not bill, with one provider for each dialect."""
    env = {"AIHUB_MAX_RETRIES": "0"}
    with running_hub(tmp_path_factory.mktemp("recordings") / "data", billed=False, env=env) as running:
        for dialect in PATHS:
            running.cli("provider", "add", f"rec-{dialect}", "--dialect", dialect, "--base-url", stub.url(dialect))
        yield running


def pieces(body: bytes, how: str, chance: random.Random) -> list[bytes]:
    """A body as the pieces that it is sent in."""
    if how == "crlf":
        body = body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    elif how == "comments":
        body = b": hello\n\n" + body.rstrip(b"\n").replace(b"\n\n", b"\n\n: a comment\n\n:\n") + b"\n\n"
    if how == "bytes":
        at = ONE_BYTE_MAX // 2  # long ones are cut so at both ends, where everything happens
        middle = [body[at:-at]] if len(body) > ONE_BYTE_MAX else []
        ends = (body[:at], body[-at:]) if middle else (body, b"")
        return [*(ends[0][n : n + 1] for n in range(len(ends[0]))), *middle,
                *(ends[1][n : n + 1] for n in range(len(ends[1])))]  # fmt: skip
    if how == "random":
        cuts = sorted(chance.choices(range(len(body) + 1), k=max(2, len(body) // 40)))
        return [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    return [body]


def replaying(exchange: Exchange, body: bytes, how: str = "whole", streamed: bool | None = None) -> Handler:
    """Answer with the recording."""
    cut = pieces(body, how, random.Random(exchange.label))
    content_type = "text/event-stream" if streamed else exchange.content_type

    async def handler(request: Received, reply: Reply) -> None:
        await reply.start(exchange.status, {"content-type": content_type, "content-length": str(sum(map(len, cut)))})
        for piece in cut:
            await reply.write(piece)

    return handler


def generic(dialect: str, model: str, stream: bool) -> dict[str, Any]:
    """Some request in that dialect."""
    requested = {"model": model, "max_tokens": 4096, "messages": [{"role": "user", "content": "Hi"}], "stream": stream}
    return {**requested, "stream_options": {"include_usage": True}} if dialect == "openai" and stream else requested


@pytest.mark.parametrize("file", FILES)
def test_the_providers_own_callers_receive_what_was_recorded(hub: HubProcess, stub: Stub, file: str) -> None:
    expected: dict[str, tuple[str, dict[str, int]]] = {}
    for exchange in exchanges(file):
        with checking(exchange.label):
            for how in ("whole", "random", "bytes", "crlf", "comments") if exchange.streamed else ("whole", "random"):
                stub.always(replaying(exchange, exchange.body, how))
                request = {**exchange.request, "model": f"rec-{exchange.dialect}/{exchange.request['model']}"}
                received = ask(hub, PATHS[exchange.dialect], request)

                assert exchange.status == received.status, (exchange.label, received.body[:500])
                if exchange.breaks is not None:
                    _check_broken(exchange, received, how)
                    continue
                sent = b"".join(pieces(exchange.body, how, random.Random(exchange.label)))
                assert sent.rstrip(b"\r\n") == received.body.rstrip(b"\r\n"), (exchange.label, how)
                if exchange.status == 200:
                    expected[str(received.header("x-request-id"))] = exchange.label, exchange.said().usage
    _check_usage(hub, expected)


def _check_broken(exchange: Exchange, received: Response, how: str) -> None:
    """What came before the error is there as it was, the error in the hub's words, and no end."""
    error = json.loads(exchange.body.split(b"data: ")[-1])["error"]
    if how == "whole":
        assert received.body.startswith(exchange.breaks or b"-")
    assert error["message"] == json.loads(received.body.split(b"data: ")[-1])["error"]["message"], exchange.label
    assert b"[DONE]" not in received.body


@pytest.mark.parametrize("file", FILES)
def test_callers_of_the_other_dialect_receive_the_same_in_their_own(hub: HubProcess, stub: Stub, file: str) -> None:
    expected: dict[str, tuple[str, dict[str, int]]] = {}
    for exchange in exchanges(file):
        with checking(exchange.label):
            expected |= _received_in_the_other_dialect(hub, stub, exchange)
    _check_usage(hub, expected)


def _received_in_the_other_dialect(
    hub: HubProcess, stub: Stub, exchange: Exchange
) -> dict[str, tuple[str, dict[str, int]]]:
    expected: dict[str, tuple[str, dict[str, int]]] = {}
    other = OTHER[exchange.dialect]
    for how in ("whole", "bytes", "crlf") if exchange.streamed else ("whole", "as a stream"):
        streamed = exchange.streamed or how == "as a stream"
        if how == "as a stream" and exchange.status != 200:
            continue
        stream_of = as_openai_stream if exchange.dialect == "openai" else as_anthropic_stream
        body = stream_of(exchange.body) if how == "as a stream" else exchange.body
        stub.always(replaying(exchange, body, "random" if how == "as a stream" else how, streamed))
        received = ask(hub, PATHS[other], generic(other, f"rec-{exchange.dialect}/m", streamed))

        assert exchange.status == received.status, (exchange.label, received.body[:500])
        if exchange.status != 200:
            assert json.loads(exchange.body)["error"]["message"] in received.json()["error"]["message"]
            continue
        if exchange.breaks is not None:
            assert json.loads(exchange.body.split(b"data: ")[-1])["error"]["message"].encode() in received.body
            assert b"message_stop" not in received.body
            continue
        reported = exchange.said()
        assert _as_received(reported, exchange.dialect) == _received(received, other, streamed), (exchange.label, how)
        expected[str(received.header("x-request-id"))] = exchange.label, reported.usage
    return expected


@pytest.mark.parametrize("file", FILES)
def test_recorded_requests_keep_their_content_or_are_refused_by_name(hub: HubProcess, stub: Stub, file: str) -> None:
    """The requests themselves, sent to a model of the other dialect."""
    for exchange in exchanges(file):
        with checking(exchange.label):
            stub.reset()
            other = OTHER[exchange.dialect]
            received = ask(hub, PATHS[exchange.dialect], {**exchange.request, "model": f"rec-{other}/m"})

            if received.status != 200:
                error = received.json()["error"]
                assert (400, "unsupported_parameter") == (received.status, error["code"]), (exchange.label, error)
                assert [] == stub.requests
                continue
            sent = stub.only.json()
            dropped = received.header("x-aihub-dropped")
            requested = without(exchange.request, dropped.split(", ") if dropped else ())
            words = sorted(word for word in _words(requested) if word)
            assert [] == [word for word in words if word not in set(_words(sent))], exchange.label
            assert _names(requested) == _names(sent), exchange.label
            assert bool(exchange.request.get("stream")) == bool(sent.get("stream"))


def _words(request: dict[str, Any]) -> Iterator[str]:
    """The text that people, tools and models said, in either dialect."""
    contents = [message.get("content") for message in request["messages"]] + [request.get("system")]
    while contents:
        content = contents.pop()
        if isinstance(content, str):
            yield content.strip()
        elif isinstance(content, list):
            for block in content:
                if block.get("type") == "text":
                    yield block["text"].strip()
                contents.append(block.get("content"))


def _names(request: dict[str, Any]) -> list[str]:
    """The names of the tools."""
    return [tool.get("function", tool)["name"] for tool in request.get("tools") or ()]


def _received(received: Response, dialect: str, streamed: bool) -> Said:
    if streamed:
        assert (b"[DONE]" if dialect == "openai" else b"message_stop") in received.body
    return said(dialect, received.body, streamed)


def _as_received(reported: Said, dialect: str) -> Said:
    """What the other dialect can say of it.

    Anthropic says `tool_use` also where OpenAI says `stop` after a tool call that was demanded.
    """
    usage = dict(reported.usage)
    if dialect == "openai":
        finish = "tool_calls" if reported.tools and reported.finish == "stop" else reported.finish
        return msgspec.structs.replace(reported, usage=usage, finish=finish)
    written = usage.pop("cache_write_1h_tokens", 0)
    if written:
        usage["cache_write_tokens"] = usage.get("cache_write_tokens", 0) + written
    return msgspec.structs.replace(reported, usage=usage)


def _check_usage(hub: HubProcess, expected: dict[str, tuple[str, dict[str, int]]]) -> None:
    """The call log counts what the provider reported, and says that the provider reported it."""
    logged = {call["id"]: call for call in hub.calls()}
    for call_id, (name, usage) in expected.items():
        call = logged[call_id]
        with checking(name):
            assert usage == {unit: count for unit, count in call["usage"].items() if count}, call
            assert ("completed", False) == (call["ending"], call["incomplete"])
            assert call["usage_source"] in ("provider", "exact"), call["usage_source"]
