"""A stream that never began is an error; one that breaks says so and never looks complete (G19)."""

import pytest

from tests.behaviour import responses_answers
from tests.behaviour.answers import DONE, anthropic_stream, openai_stream, silent
from tests.behaviour.calls import CHAT, MESSAGES, RESPONSES, ask, body_for, events_of, responses_body
from tests.behaviour.error_shape import check_error, is_anthropic
from tests.behaviour.stub import Stub
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
    asked = responses_body(stream=True) if path == RESPONSES else body_for(path, f"{provider}/m", stream=True)
    stub.will(_breaking(announced, provider, "cut"))

    heard = ask(hub, path, asked)

    assert (502, 1) == (heard.status, len(stub.requests))


@ANNOUNCED
def test_an_answer_that_was_only_announced_can_still_come_from_somebody_else(
    hub: HubProcess, stub: Stub, path: str, provider: str, announced: list[bytes]
) -> None:
    asked = responses_body(stream=True) if path == RESPONSES else body_for(path, f"{provider}/m", stream=True)
    undisturbed = ask(hub, path, asked)
    stub.reset()
    stub.will(_breaking(announced, provider, "error event"))

    heard = ask(hub, path, asked)

    assert (200, 2) == (heard.status, len(stub.requests))
    assert len(events_of(undisturbed.body)) == len(events_of(heard.body)), "nothing of the announcement is left"


@pytest.mark.parametrize(
    ("path", "provider", "how"),
    [
        *((path, name, how) for path in (CHAT, MESSAGES) for name in ("oai", "ant") for how in BREAKS),
        (CHAT, "oai", "silent"),
    ],
)
def test_a_stream_that_breaks_ends_with_an_error_event_and_no_terminal_word(
    hub: HubProcess, stub: Stub, path: str, provider: str, how: str
) -> None:
    """G19: what is truncated never looks complete, and only what was delivered is charged."""
    events = anthropic_stream()[:4] if provider == "ant" else openai_stream()[:3]
    stub.will(_breaking(events, provider, how))

    heard = ask(hub, path, body_for(path, f"{provider}/m", stream=True))

    told = events_of(heard.body)
    assert 200 == heard.status
    assert DONE not in heard.body
    assert not [name for name, _ in told if name in ("message_stop", "message_delta")]
    name, last = told[-1]
    error = last["error"]
    assert ("error" if is_anthropic(path) else "") == name
    assert error["message"]
    if is_anthropic(path):
        assert "error" == last["type"]
    else:
        assert {"message", "type", "param", "code"} <= set(error)
        assert not [c for _, event in told[:-1] for c in event["choices"] if c["finish_reason"]]
    if how in ("cut", "silent"):
        call = hub.cli("call", "show", str(heard.header("x-request-id")))
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
