"""Recorded traffic of the Responses API, replayed over real sockets through a real hub.

Its own callers receive it byte for byte, callers of the other dialects in theirs; and its callers receive what was recorded of
the others in the words of the Responses API. The call log counts what the provider reported.
"""

import json
import random
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from tests.behaviour.plain_calls import CHAT, MESSAGES, RESPONSES, Response, ask
from tests.behaviour.stub import Stub
from tests.recordings import test_recordings_end_to_end as others
from tests.recordings.naive import Said, anthropic_said, openai_said
from tests.recordings.responses_meaning import read_naively
from tests.recordings.seen import checking, files, label, recorded
from tests.support.hub import HubProcess, running_hub

FILES = [file for file in files() if "-responses" in file]
PATHS = {"openai": CHAT, "anthropic": MESSAGES}


Usages = dict[str, tuple[str, dict[str, int]]]


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
        for name, dialect in (("rsp", "openai-responses"), ("openai", "openai"), ("anthropic", "anthropic")):
            running.cli("provider", "add", f"rec-{name}", "--dialect", dialect, "--base-url", stub.url(name))
        yield running


def exchanges(file: str) -> list[others.Exchange]:
    return [
        others.Exchange(
            label=label(file, number),
            dialect="rsp",
            request=exchange["request"],
            status=exchange["response"]["status"],
            content_type=exchange["response"]["content_type"],
            body=exchange["response"]["text"].encode(),
        )
        for number, exchange in enumerate(recorded(file))
    ]


def said(body: bytes, streamed: bool) -> Said:
    """A response, in words that have no dialect."""
    naive = read_naively(body, streamed)
    counted = naive["usage"] or {"input": 0, "output": 0, "cached": 0, "written": 0, "reasoning": 0, "uses": 0}
    usage = {
        "input_tokens": counted["input"] - counted["cached"] - counted["written"],
        "cache_read_tokens": counted["cached"],
        "cache_write_tokens": counted["written"],
        "output_tokens": counted["output"] - counted["reasoning"],
        "reasoning_tokens": counted["reasoning"],
        "tool_uses": counted["uses"],
    }
    return Said(
        text=naive["text"] + naive["refusal"],
        tools=tuple((name, json.dumps(json.loads(text or "{}"), sort_keys=True)) for _, name, text in naive["calls"]),
        finish=naive["finish"][0] if naive["finish"] else None,
        usage={unit: count for unit, count in usage.items() if count},
        thinking=naive["thinking"],
    )


@pytest.mark.parametrize("file", FILES)
def test_its_own_callers_receive_what_was_recorded(hub: HubProcess, stub: Stub, file: str) -> None:
    expected: Usages = {}
    for exchange in exchanges(file):
        with checking(exchange.label):
            for how in ("whole", "random", "bytes", "crlf", "comments") if exchange.streamed else ("whole", "random"):
                stub.reset()
                stub.always(others.replaying(exchange, exchange.body, how))
                request = {**exchange.request, "model": f"rec-rsp/{exchange.request['model']}"}
                received = ask(hub, RESPONSES, request)

                assert exchange.status == received.status, received.body[:500]
                sent = b"".join(others.pieces(exchange.body, how, random.Random(exchange.label)))
                assert _until_its_end(sent) == _until_its_end(received.body), how
                assert exchange.request == stub.only.json()
                if exchange.status == 200:
                    expected |= _usage(exchange, received)
    others._check_usage(hub, expected)


def _until_its_end(body: bytes) -> bytes:
    """A stream to the last brace of its last event: OpenRouter's [DONE] after it may come too late to be received."""
    return body[: body.rfind(b"}")]


def _usage(exchange: others.Exchange, received: Response) -> Usages:
    """What the call log must hold; what counts nothing of what it says is estimated."""
    usage = said(exchange.body, exchange.streamed).usage
    return {str(received.header("x-request-id")): (exchange.label, usage)} if usage else {}


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("other", ["openai", "anthropic"])
def test_callers_of_other_dialects_receive_the_same_in_their_own(
    hub: HubProcess, stub: Stub, file: str, other: str
) -> None:
    expected: Usages = {}
    for exchange in exchanges(file):
        with checking(exchange.label):
            for how in ("whole", "bytes", "crlf") if exchange.streamed else ("whole",):
                stub.always(others.replaying(exchange, exchange.body, how))
                received = ask(hub, PATHS[other], others.generic(other, "rec-rsp/gpt-5", exchange.streamed))

                assert exchange.status == received.status, received.body[:500]
                if exchange.status != 200:
                    assert json.loads(exchange.body)["error"]["message"] in received.json()["error"]["message"]
                    continue
                reported = said(exchange.body, exchange.streamed)
                if reported.finish is None:
                    continue  # Reported in the background: it says nothing yet.
                reading = openai_said if other == "openai" else anthropic_said
                in_theirs = others._as_received(reported, "openai") if other == "anthropic" else reported
                assert in_theirs == reading(received.body, exchange.streamed), how
                expected |= _usage(exchange, received)
    others._check_usage(hub, expected)


@pytest.mark.parametrize("file", others.FILES)
def test_its_callers_receive_what_was_recorded_of_others(hub: HubProcess, stub: Stub, file: str) -> None:
    expected: Usages = {}
    for exchange in others.exchanges(file):
        with checking(exchange.label):
            for how in ("whole", "bytes") if exchange.streamed else ("whole",):
                stub.always(others.replaying(exchange, exchange.body, how))
                requested: dict[str, Any] = {"input": "Hi", "stream": exchange.streamed}
                received = ask(hub, RESPONSES, {"model": f"rec-{exchange.dialect}/m", **requested})

                assert exchange.status == received.status, received.body[:500]
                if exchange.status != 200:
                    assert json.loads(exchange.body)["error"]["message"] in received.json()["error"]["message"]
                    continue
                if exchange.breaks is not None:
                    assert b"response.failed" in received.body
                    assert b"response.completed" not in received.body
                    continue
                reported = exchange.said()
                assert _as_a_response(reported) == said(received.body, exchange.streamed), how
                expected[str(received.header("x-request-id"))] = exchange.label, reported.usage
    others._check_usage(hub, expected)


def _as_a_response(reported: Said) -> Said:
    """A response has no word for the end of tool calls, nor for what a cache keeps for an hour, nor for sound."""
    usage = dict(reported.usage)
    for unit, into in (
        ("cache_write_1h_tokens", "cache_write_tokens"),
        ("input_audio_tokens", "input_tokens"),
        ("output_audio_tokens", "output_tokens"),
    ):
        if count := usage.pop(unit, 0):
            usage[into] = usage.get(into, 0) + count
    finish = "tool_calls" if reported.tools and reported.finish == "stop" else reported.finish
    if reported.finish == "tool_calls" and not reported.tools:
        finish = "stop"
    return msgspec.structs.replace(reported, finish=finish, usage=usage)
