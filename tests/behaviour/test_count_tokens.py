"""Counting the tokens of a request: a provider's own count word for word, else an estimate that says what it is."""

from typing import Any

import pytest

from tests.behaviour.conftest import People
from tests.behaviour.error_shape import check_error
from tests.behaviour.plain_calls import ask, wallet
from tests.behaviour.sdks import anthropic_sdk
from tests.behaviour.stub import Stub
from tests.support.hub import HubProcess
from tests.support.provider import Received, Reply

COUNT = "/v1/messages/count_tokens"
REPORTED = b'{ "input_tokens" : 2095, "future_field": [1.50] }'


def body(model: str = "ant/m", **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": "Hello"}], **more}


async def counting(request: Received, reply: Reply) -> None:
    await reply.send(200, {"content-type": "application/json"}, REPORTED)


@pytest.mark.usefixtures("free")
def test_a_provider_that_counts_is_called_and_answers_as_it_pleases(hub: HubProcess, stub: Stub) -> None:
    stub.will(counting)
    received = ask(hub, COUNT, body(thinking={"type": "adaptive"}), headers={"anthropic-beta": "x-1"})

    assert (200, REPORTED, "ant") == (received.status, received.body, received.header("x-aihub-provider"))
    assert "/ant/v1/messages/count_tokens" == stub.only.path
    assert {**body("m"), "thinking": {"type": "adaptive"}} == stub.only.json()
    assert "x-1" == stub.only.headers["anthropic-beta"]


@pytest.mark.usefixtures("free")
@pytest.mark.parametrize("model", ["oai/m", "echo"])
def test_for_others_the_hub_estimates_and_reports_it(hub: HubProcess, stub: Stub, model: str) -> None:
    short, long = (ask(hub, COUNT, body(model, system=text)).json() for text in ("Be brief.", "Be brief. " * 100))

    assert (True, True) == (short["estimated"], long["estimated"])
    assert 5 < short["input_tokens"] < 250 < long["input_tokens"] < 300
    assert [] == stub.requests


@pytest.mark.usefixtures("free")
def test_anthropics_own_sdk_counts(hub: HubProcess, stub: Stub) -> None:
    stub.will(counting)
    with anthropic_sdk(hub) as client:
        for model, tokens in (("ant/m", 2095), ("oai/m", 5)):
            counted = client.messages.count_tokens(model=model, messages=[{"role": "user", "content": "Hello"}])
            assert tokens == counted.input_tokens


def test_who_has_no_credit_reaches_no_provider(hub: HubProcess, stub: Stub, people: People) -> None:
    for model in ("ant/m", "oai/m"):
        check_error(ask(hub, COUNT, body(model), key=people.poor), COUNT, 402)
    assert [] == stub.requests


@pytest.mark.usefixtures("nothing_moves")
@pytest.mark.parametrize(
    ("requested", "status", "param"),
    [
        ({"model": "ant/m"}, 400, "messages"),
        ({"model": "ant/m", "messages": []}, 400, "messages"),
        ({"messages": [{"role": "user", "content": "Hi"}]}, 400, "model"),
        (body("nobody/m"), 404, None),
        (b"no", 400, None),
        (b"[]", 400, None),
    ],
)
def test_a_bad_request_is_explained(hub: HubProcess, requested: Any, status: int, param: str | None) -> None:
    error = check_error(ask(hub, COUNT, requested), COUNT, status)

    assert param is None or error["param"] == param


@pytest.mark.usefixtures("free")
def test_a_provider_that_fails_is_reported_of(hub: HubProcess, stub: Stub) -> None:
    async def failing(request: Received, reply: Reply) -> None:
        await reply.send(529, {"content-type": "application/json"},
                         b'{"type":"error","error":{"type":"overloaded_error","message":"busy"}}')  # fmt: skip

    async def nonsense(request: Received, reply: Reply) -> None:
        await reply.send(200, {"content-type": "application/json"}, b'{"input_tokens":-1}')

    before = wallet(hub)
    for handler, status in ((failing, 529), (nonsense, 502)):
        stub.always(handler)
        assert status == ask(hub, COUNT, body()).status
    assert before == wallet(hub)
