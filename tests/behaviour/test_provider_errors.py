"""What callers receive when a provider fails, by the contract of `test_errors.py`, and what it costs them: nothing.

    the provider                       the caller of its own dialect      the caller of another dialect
    rejects the request (4xx)          the provider's body, unchanged     the same status, its sentence translated
    is overloaded or broken (429, 5xx) the same, after the retries        the same, translated
    rejects the hub's credential       502, or the answer of the next credential, in both
    is silent                          504, in both
    answers nonsense, or a redirect    502, in both

The first byte decides: before it another attempt is made, after it the stream ends with an error event and never with
a terminal word that the provider did not say.
"""

import pytest

from tests.behaviour.conftest import RATE
from tests.behaviour.error_shape import check_error, is_anthropic
from tests.behaviour.plain_calls import CHAT, MESSAGES, ask, body_for
from tests.behaviour.stub import Stub, credential_of
from tests.behaviour.stub_answers import (
    anthropic_whole,
    failing,
    openai_whole,
    polite,
    silent,
)
from tests.support.hub import HubProcess
from tests.support.provider import Handler, Received, Reply, answering

OPENAI_ERROR = b'{ "error": {"message": "Unsupported: grue", "type": "invalid_request_error", "x": 1, "code": "grue"} }'
ANTHROPIC_ERROR = (
    b'{ "type":"error", "error":{"type":"invalid_request_error","message":"Unsupported: grue"}, "request_id":"r1" }'
)
ERRORS = {"oai": OPENAI_ERROR, "ant": ANTHROPIC_ERROR}
SAME = pytest.mark.parametrize(("path", "provider"), [(CHAT, "oai"), (MESSAGES, "ant")])
CROSS = pytest.mark.parametrize(("path", "provider"), [(CHAT, "ant"), (MESSAGES, "oai")])
ALL = pytest.mark.parametrize(
    ("path", "provider"), [(CHAT, "oai"), (MESSAGES, "ant"), (CHAT, "ant"), (MESSAGES, "oai")]
)
STREAM = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


@pytest.mark.usefixtures("free")
@SAME
@STREAM
@pytest.mark.parametrize("status", [400, 404, 413, 422])
def test_a_rejected_request_comes_back_with_the_providers_own_message(
    hub: HubProcess, stub: Stub, path: str, provider: str, stream: bool, status: int
) -> None:
    stub.will(failing(status, ERRORS[provider]))

    received = ask(hub, path, body_for(path, f"{provider}/m", stream=stream))

    assert (status, ERRORS[provider]) == (received.status, received.body)
    assert "application/json" == received.header("content-type")
    assert provider == received.header("x-aihub-provider")
    assert 1 == len(stub.requests), "a rejected request is the caller's own and is not tried again"


@pytest.mark.usefixtures("free")
@CROSS
@STREAM
@pytest.mark.parametrize("status", [400, 404, 422])
def test_a_rejected_request_is_translated_for_another_dialect(
    hub: HubProcess, stub: Stub, path: str, provider: str, stream: bool, status: int
) -> None:
    stub.will(failing(status, ERRORS[provider]))

    received = ask(hub, path, body_for(path, f"{provider}/m", stream=stream))

    assert (status, "Unsupported: grue") == (received.status, received.json()["error"]["message"])
    error = received.json()["error"]
    assert "invalid_request_error" == error["type"]
    assert received.header("x-request-id") == (
        received.json()["request_id"] if is_anthropic(path) else error["request_id"]
    )


@pytest.mark.usefixtures("free")
@ALL
@pytest.mark.parametrize("status", [429, 500, 502, 503, 529])
def test_a_provider_that_stays_down_is_reported_with_its_status_after_one_more_attempt(
    hub: HubProcess, stub: Stub, path: str, provider: str, status: int
) -> None:
    stub.always(failing(status, ERRORS[provider], retry_after="0"))

    received = ask(hub, path, body_for(path, f"{provider}/m"))

    assert status == received.status
    assert 2 == len(stub.requests)
    if is_anthropic(path) == (provider == "ant"):
        assert ERRORS[provider] == received.body
    else:
        assert "Unsupported: grue" in received.json()["error"]["message"]


@SAME
@STREAM
@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
def test_a_passing_failure_is_never_received_of(
    hub: HubProcess, stub: Stub, path: str, provider: str, stream: bool, status: int
) -> None:
    stub.will(failing(status, retry_after="0"))

    received = ask(hub, path, body_for(path, f"{provider}/m", stream=stream))

    assert (200, 2) == (received.status, len(stub.requests))


@pytest.mark.usefixtures("free")
@ALL
def test_a_provider_that_asks_for_a_long_pause_is_not_waited_for(
    hub: HubProcess, stub: Stub, path: str, provider: str
) -> None:
    stub.always(failing(429, retry_after="77"))

    received = ask(hub, path, body_for(path, f"{provider}/m"))

    assert (429, "77") == (received.status, received.header("retry-after"))
    assert 2 == len({credential_of(request) for request in stub.requests}), "only other credentials are tried"


@pytest.mark.usefixtures("free")
def test_a_silent_provider_is_given_up(hub: HubProcess, stub: Stub) -> None:
    stub.always(silent)

    error = check_error(ask(hub, CHAT, body_for(CHAT, "oai/m")), CHAT, 504, "timed_out")

    assert "oai" in error["message"]
    assert "5000 ms" in error["message"]


async def _cut_off(request: Received, reply: Reply) -> None:
    whole = openai_whole() if request.path.endswith("completions") else anthropic_whole()
    await reply.start(200, {"content-type": "application/json", "content-length": str(len(whole))})
    await reply.write(whole[: len(whole) // 2])
    await reply.cut()


async def _not_http(request: Received, reply: Reply) -> None:
    await reply.wire(b"\x16\x03\x01 this is no HTTP at all\r\n\r\n")
    await reply.cut()


DECODE_ERRORS: list[tuple[str, Handler]] = [
    ("no json", answering(200, b"Good morning!")),
    ("a web page", answering(200, b"<html><body>Hello</body></html>", {"content-type": "text/html"})),
    ("a list", answering(200, b"[]")),
    ("an empty object", answering(200, b"{}")),
    ("nothing", answering(200, b"")),
    ("deep", answering(200, b"[" * 20_000 + b"]" * 20_000)),
    ("unasked compression", answering(200, b"\x1f\x8b\x08", {"content-encoding": "gzip"})),
    ("a redirect", answering(302, b"", {"location": "http://127.0.0.1:1/elsewhere"})),
    ("cut off", _cut_off),
    ("not http", _not_http),
]


@pytest.mark.usefixtures("free")
@pytest.mark.parametrize("nonsense", [handler for _, handler in DECODE_ERRORS], ids=[name for name, _ in DECODE_ERRORS])
@ALL
def test_a_provider_that_answers_nonsense_is_a_bad_gateway(
    hub: HubProcess, stub: Stub, path: str, provider: str, nonsense: Handler
) -> None:
    stub.always(nonsense)

    error = check_error(ask(hub, path, body_for(path, f"{provider}/m")), path, 502)

    assert provider in error["message"]
    assert "127.0.0.1" not in error["message"], "where a provider is, is the operator's matter"


@pytest.mark.parametrize("status", [401, 403])
def test_a_credential_that_the_provider_rejects_is_put_out_of_use(hub: HubProcess, stub: Stub, status: int) -> None:
    name = f"rejects{status}"
    _provider(hub, stub, name, "sk-reject-first-0001", "sk-reject-second-02")
    stub.will(failing(status, b'{"error":{"message":"Incorrect API key provided"}}'))

    received = ask(hub, CHAT, body_for(CHAT, f"{name}/m"))

    assert (200, 2) == (received.status, len(stub.requests))
    first, second = map(credential_of, stub.requests)
    assert first != second
    states = {row["id"]: row for row in hub.cli("credential", "list") if row["provider"] == name}
    attempts = hub.cli("call", "show", str(received.header("x-request-id")))["attempts"]
    assert [status, 200] == [attempt["status"] for attempt in attempts]
    rejected, accepted = (attempt["credential_id"] for attempt in attempts)
    assert (False, True) == (states[rejected]["active"], states[accepted]["active"])
    assert "Incorrect API key provided" in states[rejected]["error"]
    for _ in range(3):
        ask(hub, CHAT, body_for(CHAT, f"{name}/m"))
    assert {second} == {credential_of(request) for request in stub.requests[2:]}


@pytest.mark.usefixtures("free")
@pytest.mark.parametrize("path", [CHAT, MESSAGES])
def test_without_any_credential_left_the_caller_receives_that_the_hub_has_none(
    hub: HubProcess, stub: Stub, path: str
) -> None:
    name = f"lonely-{'a' if is_anthropic(path) else 'o'}"
    _provider(hub, stub, name, "sk-reject-lonely-01")
    stub.will(failing(401, b'{"error":{"message":"Incorrect API key provided: sk-reject-lonely-01"}}'))

    first = check_error(ask(hub, path, body_for(path, f"{name}/m")), path, 502)
    second = check_error(ask(hub, path, body_for(path, f"{name}/m")), path, 503, "no_credential")

    assert "credential" in first["message"]
    assert "credential_rejected" == first["code"], "the provider's own code is that of a caller whose key is wrong"
    assert f"aihub credential add {name}" in second["message"]
    assert 1 == len(stub.requests)


def test_the_operator_receives_of_a_rejected_credential_and_can_have_it_used_again(hub: HubProcess, stub: Stub) -> None:
    name = "repaired"
    _provider(hub, stub, name, "sk-reject-mended-01")
    stub.will(failing(403, b'{"error":{"message":"The account is not in good standing"}}'))
    check_error(ask(hub, CHAT, body_for(CHAT, f"{name}/m")), CHAT, 502, "credential_rejected")
    (held,) = [row for row in hub.cli("credential", "list") if row["provider"] == name]
    assert (
        f"{name} rejected credential {held['id']}, which is put out of use until it is activated: The account is"
        in hub.log.read_text()
    )

    hub.cli("credential", "activate", held["id"])

    assert 200 == ask(hub, CHAT, body_for(CHAT, f"{name}/m")).status
    (again,) = [row for row in hub.cli("credential", "list") if row["provider"] == name]
    assert (True, None) == (again["active"], again["error"])


def _provider(hub: HubProcess, stub: Stub, name: str, *secrets: str) -> None:
    """A provider of this hub alone."""
    stub.knows(name, *secrets)
    hub.script(
        ["provider", "add", name, "--dialect", "openai", "--base-url", stub.url(name)],
        ["rate", "set", f"{name}/m", *RATE],
        *([f"secret={secret}", "credential", "add", name] for secret in secrets),
    )


def test_polite_answers_are_valid(hub: HubProcess, stub: Stub) -> None:
    """The control: the same stub, unscripted, is answered with 200 in every combination."""
    stub.always(polite)
    for path, provider in ((CHAT, "oai"), (MESSAGES, "ant"), (CHAT, "ant"), (MESSAGES, "oai")):
        for stream in (False, True):
            assert 200 == ask(hub, path, body_for(path, f"{provider}/m", stream=stream)).status
