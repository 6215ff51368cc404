"""Both ends speak one dialect: the hub changes what it must and nothing else.

Upstream go the caller's own bytes with another model name and, for a stream of OpenAI's, the question for usage. Back
come the provider's own bytes, without the usage chunk that only the hub asked for.
"""

import json
from decimal import Decimal

import pytest

from tests.behaviour.conftest import People
from tests.behaviour.plain_calls import CHAT, MESSAGES, ask, body_for, openai_body, wallet
from tests.behaviour.stub import Stub
from tests.behaviour.stub_answers import (
    anthropic_stream,
    anthropic_whole,
    openai_chunk,
    openai_stream,
    openai_usage_chunk,
    openai_whole,
)
from tests.support.hub import HubProcess
from tests.support.provider import answering, streaming

SAME = pytest.mark.parametrize(("path", "provider"), [(CHAT, "oai"), (MESSAGES, "ant")])

# Odd on purpose: the order of the keys, the white space, escapes, numbers that a float would not keep, fields of no
# vendor, a key twice as deep as anybody looks.
ODD = (
    '{"zeta" : [1.0, 1e400, 0.1000000000000000055511151231257827, -0],\n'
    '  "messages":[{"content" :"Gr\\u00fc\\u00dfe \\ud83e\\udd89 \U0001f989","role":"user", "novel":{"b":1,"a":null}}],\t'
    '"temperature":1.00, "max_tokens" : 77,"model":"NAME", "top_p": 1E0, "vendor_knob":{"deep":[[[{}]]]},'
    '"metadata":{"user_id":"u"} , "alpha":"\\/"}'
)


@SAME
def test_a_request_changes_in_nothing_but_the_models_name(
    hub: HubProcess, stub: Stub, path: str, provider: str
) -> None:
    sent = ODD.replace("NAME", f"{provider}/m")

    assert 200 == ask(hub, path, sent.encode()).status

    at_provider = stub.only.body.decode()
    expected = json.loads(ODD.replace("NAME", "m"), parse_float=str, parse_int=str)
    assert expected == json.loads(at_provider, parse_float=str, parse_int=str)
    assert list(expected) == list(json.loads(at_provider)), "the keys keep their order"
    for value in ('[1.0, 1e400, 0.1000000000000000055511151231257827, -0]', '"Gr\\u00fc\\u00dfe \\ud83e\\udd89 \U0001f989"',
                  '{"b":1,"a":null}', '1.00', '1E0', '{"deep":[[[{}]]]}', '"\\/"'):  # fmt: skip
        assert value in at_provider, "each value goes byte for byte"


def test_a_stream_of_openais_asks_for_usage_and_keeps_the_other_options(hub: HubProcess, stub: Stub) -> None:
    for options, expected in (
        (None, {"include_usage": True}),
        ({"include_usage": False, "novel": [1]}, {"include_usage": True, "novel": [1]}),
        ({"include_usage": True}, {"include_usage": True}),
    ):
        stub.reset()
        body = openai_body(stream=True) if options is None else openai_body(stream=True, stream_options=options)

        assert 200 == ask(hub, CHAT, body).status

        assert expected == stub.only.json()["stream_options"]


@SAME
def test_a_whole_answer_comes_back_byte_for_byte(hub: HubProcess, stub: Stub, path: str, provider: str) -> None:
    said = openai_whole() if path == CHAT else anthropic_whole()
    stub.will(answering(200, said))

    received = ask(hub, path, body_for(path, f"{provider}/m"))

    assert (200, said) == (received.status, received.body)


@SAME
def test_a_streamed_answer_comes_back_byte_for_byte(hub: HubProcess, stub: Stub, path: str, provider: str) -> None:
    events = openai_stream(usage=False) if path == CHAT else anthropic_stream()
    events.insert(1, b": a comment\n\n")
    events.insert(2, b'id: 7\nretry: 10\nevent: novel\r\ndata: {"type":"novel",\r\ndata: "choices":[]}\r\n\r\n')
    stub.will(streaming(*events))

    received = ask(hub, path, body_for(path, f"{provider}/m", stream=True))

    assert b"".join(events) == received.body
    assert "text/event-stream; charset=utf-8" == received.header("content-type")
    assert "no-cache" == received.header("cache-control")


def test_the_usage_chunk_is_hidden_from_those_who_did_not_ask(hub: HubProcess, stub: Stub) -> None:
    with_usage, without = openai_stream(), openai_stream(usage=False)
    for options, expected in ((None, without), ({"include_usage": True}, with_usage)):
        stub.will(streaming(*with_usage))
        body = openai_body(stream=True) if options is None else openai_body(stream=True, stream_options=options)

        assert b"".join(expected) == ask(hub, CHAT, body).body


def test_a_chunk_that_has_usage_and_more_is_never_hidden(hub: HubProcess, stub: Stub) -> None:
    odd = openai_chunk({"content": "x"})[:-3] + b', "usage": {"prompt_tokens": 1, "completion_tokens": 1}}\n\n'
    events = [*openai_stream(usage=False)[:2], odd, openai_chunk({}, "stop"), openai_usage_chunk(), b"data: [DONE]\n\n"]
    stub.will(streaming(*events))

    body = ask(hub, CHAT, openai_body(stream=True)).body

    assert b"".join(event for event in events if event != openai_usage_chunk()) == body


@SAME
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_the_callers_headers_stay_here(hub: HubProcess, stub: Stub, path: str, provider: str, stream: bool) -> None:
    headers = {
        "cookie": "session=caller-cookie",
        "x-forwarded-for": "203.0.113.9",
        "user-agent": "caller-agent/1",
        "x-stainless-os": "caller-os",
        "openai-organization": "caller-org",
        "x-custom": "caller-custom",
        "referer": "https://caller.example",
        "accept-language": "caller-tongue",
        "anthropic-beta": "files-api-2025-04-14",
        "openai-beta": "assistants=v2",
    }

    assert 200 == ask(hub, path, body_for(path, f"{provider}/m", stream=stream), headers=headers).status

    sent = stub.only.headers
    assert [] == [name for name, value in sent.items() if "caller" in value or "203.0.113.9" in value]
    assert ("files-api-2025-04-14", "assistants=v2") == (sent["anthropic-beta"], sent["openai-beta"])
    credential = "x-api-key" if provider == "ant" else "authorization"
    own = {"host", "content-type", "accept", "accept-encoding", "user-agent", "content-length", credential}
    assert own | {"anthropic-beta", "openai-beta", "anthropic-version"} >= set(sent)


def test_a_caller_cannot_choose_the_providers_credential(hub: HubProcess, stub: Stub) -> None:
    for path, provider in ((CHAT, "oai"), (MESSAGES, "ant")):
        headers = {"x-api-key": "sk-callers-own-key-000", "anthropic-version": "1999-01-01", "host": "evil.example"}
        assert 200 == ask(hub, path, body_for(path, f"{provider}/m"), headers=headers).status

    for request in stub.requests:  # and `stub.check` holds each to its own credential
        assert "sk-callers-own-key-000" not in str(request.headers)
        assert "1999-01-01" != request.headers.get("anthropic-version")
        assert f"127.0.0.1:{stub.port}" == request.headers["host"]


@SAME
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_of_the_providers_headers_come_back_limits_and_no_cookies(
    hub: HubProcess, stub: Stub, path: str, provider: str, stream: bool
) -> None:
    headers = {
        "set-cookie": "__cf_bm=tracking; path=/",
        "server": "providers-own",
        "x-ratelimit-remaining-requests": "41",
        "openai-processing-ms": "12",
        "openai-organization": "the-hubs-account",
        "anthropic-ratelimit-tokens-remaining": "77",
        "x-request-id": "req_of_the_provider",
        "connection": "keep-alive",
        "access-control-allow-origin": "*",
    }
    if stream:
        stub.will(streaming(*(openai_stream() if path == CHAT else anthropic_stream()), headers=headers))
    else:
        stub.will(answering(200, openai_whole() if path == CHAT else anthropic_whole(), headers))

    received = ask(hub, path, body_for(path, f"{provider}/m", stream=stream))

    assert ("41", "12", "77") == tuple(
        received.header(name)
        for name in ("x-ratelimit-remaining-requests", "openai-processing-ms", "anthropic-ratelimit-tokens-remaining")
    )
    for name in ("set-cookie", "openai-organization", "access-control-allow-origin"):
        assert received.header(name) is None, name
    assert "providers-own" not in str(received.headers)
    assert "req_of_the_provider" not in str(received.headers)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("path", "provider"), [(CHAT, "oai"), (MESSAGES, "ant"), (CHAT, "ant"), (MESSAGES, "oai")])
def test_the_hub_reports_who_answered_and_what_it_cost(hub: HubProcess, path: str, provider: str, stream: bool) -> None:
    """(G17)"""
    before = wallet(hub)
    received = ask(hub, path, body_for(path, f"{provider}/m", stream=stream))

    call_id = str(received.header("x-request-id"))
    assert provider == received.header("x-aihub-provider")
    stages = [stage.split(";dur=") for stage in str(received.header("server-timing")).split(", ")]
    assert ["plan", "provider", *([] if stream else ["settle"]), "total"] == [name for name, _ in stages]
    assert all(float(duration) >= 0 for _, duration in stages)
    # 11 tokens at 1 and 7 at 2 credits a million.
    assert (None if stream else "0.000025") == received.header("x-aihub-charge")
    assert received.header("x-aihub-output-cap") is None
    assert received.header("request-id") == (call_id if path == MESSAGES else None)
    call = hub.cli("call", "show", call_id)
    assert (call_id, provider, "m") == (call["id"], call["provider"], call["provider_model"])
    assert ("completed", False, "0.000025") == (call["ending"], call["incomplete"], call["charge"])
    assert {"input_tokens": 11, "output_tokens": 7} == {name: n for name, n in call["usage"].items() if n}
    assert "0.000025" == _difference(before["available"], wallet(hub)["available"])


@pytest.mark.parametrize("provider", ["oai", "ant"])
def test_a_wallet_too_small_for_the_longest_answer_lowers_the_cap_and_reports_it(
    hub: HubProcess, stub: Stub, people: People, provider: str
) -> None:
    before = wallet(hub, people.small)
    body = json.dumps(openai_body(f"{provider}/m")).encode()

    received = ask(hub, CHAT, body, key=people.small)

    # Input is bound by the body's bytes and what providers add; the rest of the wallet is for output.
    nanos = int(before["available"].removeprefix("0.").ljust(9, "0"))
    cap = (nanos - (len(body) + 1_500) * 1_000) // 2_000
    assert (200, str(cap)) == (received.status, received.header("x-aihub-output-cap"))
    assert cap == stub.only.json()["max_tokens"]
    assert 256 <= cap < 4_096


def _difference(before: str, after: str) -> str:
    return format(Decimal(before) - Decimal(after), "f")
