"""A stream that never began is an error; one that breaks says so and never looks complete (G19)."""

import pytest

from tests.behaviour import responses_answers
from tests.behaviour.error_shape import check_error, is_anthropic
from tests.behaviour.plain_calls import CHAT, MESSAGES, RESPONSES, ask, body_for, events_of, responses_body
from tests.behaviour.stub import Stub
from tests.behaviour.stub_answers import DONE, anthropic_stream, openai_stream, silent
from tests.behaviour.test_provider_errors import ALL
from tests.support.hub import HubProcess
from tests.support.provider import Handler, Received, Reply, answering, streaming

BREAKS = ("cut", "ended early", "error event")


@pytest.mark.usefixtures("free")
@pytest.mark.parametrize(
    "nonsense",
    [
        streaming(),
        streaming(b": only a comment\n\n"),
        streaming(b"data: {nope}\n\n"),
        streaming(b"", cut=True),
        answering(200, b"<html>", {"content-type": "text/html"}),
    ],
    ids=["empty", "comments", "no json", "cut at once", "a web page"],
)
@ALL
def test_a_stream_that_never_began_is_an_error_and_no_stream(
    hub: HubProcess, stub: Stub, path: str, provider: str, nonsense: Handler
) -> None:
    stub.always(nonsense)

    check_error(ask(hub, path, body_for(path, f"{provider}/m", stream=True)), path, 502)


ANNOUNCED = pytest.mark.parametrize(("path", "provider", "announced"), [
    (CHAT,      "oai", openai_stream()[:1]),
    (CHAT,      "ant", anthropic_stream()[:3]),
    (MESSAGES,  "ant", anthropic_stream()[:3]),
    (MESSAGES,  "oai", openai_stream()[:1]),
    (RESPONSES, "rsp", responses_answers.stream()[:4]),
])  # fmt: skip


@pytest.mark.usefixtures("free")
@ANNOUNCED
def test_an_answer_that_was_announced_and_cut_is_not_bought_again_from_the_same_provider(
    hub: HubProcess, stub: Stub, path: str, provider: str, announced: list[bytes]
) -> None:
    """Under whichever of its credentials: it had the request, and may have been at work."""
    requested = responses_body(stream=True) if path == RESPONSES else body_for(path, f"{provider}/m", stream=True)
    stub.will(_breaking(announced, provider, "cut"))

    received = ask(hub, path, requested)

    assert (502, 1) == (received.status, len(stub.requests))


@ANNOUNCED
def test_an_answer_that_was_only_announced_can_still_come_from_another_provider(
    hub: HubProcess, stub: Stub, path: str, provider: str, announced: list[bytes]
) -> None:
    requested = responses_body(stream=True) if path == RESPONSES else body_for(path, f"{provider}/m", stream=True)
    shielded = ask(hub, path, requested)
    stub.reset()
    stub.will(_breaking(announced, provider, "error event"))

    received = ask(hub, path, requested)

    assert (200, 2) == (received.status, len(stub.requests))
    assert len(events_of(shielded.body)) == len(events_of(received.body)), "nothing of the announcement is left"


@pytest.mark.parametrize(
    ("path", "provider", "how"),
    [
        *((path, name, how) for path in (CHAT, MESSAGES) for name in ("oai", "ant") for how in BREAKS),
        (CHAT, "oai", "silent"),
    ],
)
def test_a_stream_that_breaks_ends_with_an_error_event_and_no_terminal_event(
    hub: HubProcess, stub: Stub, path: str, provider: str, how: str
) -> None:
    """G19: what is truncated never looks complete, and only what was delivered is charged."""
    events = anthropic_stream()[:4] if provider == "ant" else openai_stream()[:3]
    stub.will(_breaking(events, provider, how))

    received = ask(hub, path, body_for(path, f"{provider}/m", stream=True))

    reported = events_of(received.body)
    assert 200 == received.status
    assert DONE not in received.body
    assert not [name for name, _ in reported if name in ("message_stop", "message_delta")]
    name, last = reported[-1]
    error = last["error"]
    assert ("error" if is_anthropic(path) else "") == name
    assert error["message"]
    if is_anthropic(path):
        assert "error" == last["type"]
    else:
        assert {"message", "type", "param", "code"} <= set(error)
        assert not [c for _, event in reported[:-1] for c in event["choices"] if c["finish_reason"]]
    if how in ("cut", "silent"):
        call = hub.cli("call", "show", str(received.header("x-request-id")))
        assert (True, "timed_out" if how == "silent" else "provider_failed") == (call["incomplete"], call["ending"])


def _breaking(events: list[bytes], provider: str, how: str) -> Handler:
    trouble = b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'

    async def handler(request: Received, reply: Reply) -> None:
        await reply.start(200, {"content-type": "text/event-stream"})
        for event in events:
            await reply.write(event)
        match how:
            case "cut":
                await reply.cut()
            case "silent":
                await silent(request, reply)
            case "error event":
                await reply.write((b"event: error\n" if provider == "ant" else b"") + b"data: " + trouble + b"\n\n")

    return handler
