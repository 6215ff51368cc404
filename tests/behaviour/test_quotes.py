"""Quotes: what a call would be charged, asked before it is made; and the price that a quote keeps."""

from decimal import Decimal
from typing import Any

import pytest

from tests.behaviour.conftest import People
from tests.behaviour.plain_calls import CHAT, EMBEDDINGS, MESSAGES, RESPONSES, anthropic_body, ask, openai_body
from tests.behaviour.stub import Stub
from tests.support.hub import HubProcess

QUOTE = "/v1/quote"


@pytest.mark.usefixtures("nothing_moves")
@pytest.mark.parametrize(("route", "body"), [
    (CHAT,       openai_body("oai/m", max_tokens=100)),
    (MESSAGES,   {**anthropic_body("ant/m"), "max_tokens": 100, "system": "Be brief."}),
    (RESPONSES,  {"model": "rsp/m", "input": "Hello", "max_output_tokens": 100}),
    (EMBEDDINGS, {"model": "oai/m", "input": "Hello", "encoding_format": "float"}),
])  # fmt: skip
def test_a_quote_reports_the_most_and_the_likely_charge_and_spends_nothing(
    hub: HubProcess, route: str, body: dict[str, Any]
) -> None:
    reported = ask(hub, QUOTE, body).json()
    named = ask(hub, QUOTE, {"route": route, "request": body}).json()

    assert reported["affordable"] is True
    assert 0 < Decimal(reported["charge_expected"]) <= Decimal(reported["charge_max"])
    assert reported["quote"].startswith("quote_")
    assert [offer["model"] for offer in reported["offers"]] == ["m"]
    assert (named["charge_max"], named["charge_expected"]) == (reported["charge_max"], reported["charge_expected"])


def test_a_call_is_charged_no_more_than_its_quote(hub: HubProcess, stub: Stub) -> None:
    body = openai_body("oai/m", max_tokens=100)
    reported = ask(hub, QUOTE, body).json()

    received = ask(hub, CHAT, body, headers={"x-aihub-quote": reported["quote"]})

    assert received.status == 200
    assert Decimal(received.header("x-aihub-charge") or "") <= Decimal(reported["charge_max"])


@pytest.mark.usefixtures("nothing_moves")
def test_a_wallet_that_is_too_small_is_reported_and_not_refused(hub: HubProcess, people: People) -> None:
    poor = ask(hub, QUOTE, openai_body("oai/m", max_tokens=100), key=people.poor).json()
    small = ask(hub, QUOTE, openai_body("oai/m"), key=people.small).json()

    assert (poor["affordable"], poor["shortfall"]) == (False, poor["charge_max"])
    assert small["affordable"] is True
    assert 256 <= small["output_cap"] < 4_096, "the cap that the hub would send"


@pytest.mark.usefixtures("nothing_moves")
@pytest.mark.parametrize(("body", "status", "code"), [
    (b"{",                                               400, "bad_request"),
    ({"model": "oai/m"},                                 400, "bad_request"),
    ({"route": "/v1/nowhere", "request": {}},            400, "bad_request"),
    ({"route": 7, "request": {}},                        400, "bad_request"),
    (openai_body("nobody/knows"),                        404, "model_not_found"),
    (openai_body("oai/unsold"),                          404, "model_not_found"),
])  # fmt: skip
def test_what_would_be_refused_is_refused_as_the_call_would_be(
    hub: HubProcess, people: People, body: Any, status: int, code: str
) -> None:
    received = ask(hub, QUOTE, body)
    stranger = ask(hub, QUOTE, body, key="ahk_stranger")

    assert (received.status, received.json()["error"]["code"]) == (status, code)
    assert stranger.status == 401, "a stranger learns nothing"


@pytest.mark.usefixtures("nothing_moves")
def test_a_quote_serves_the_key_and_the_model_that_it_was_given_for(hub: HubProcess, people: People) -> None:
    mine = ask(hub, QUOTE, openai_body("oai/m")).json()["quote"]
    for quote, model, key in (
        (mine, "oai/m", people.guest),
        (mine, "ant/m", None),
        (mine[:-4] + "AAAA", "oai/m", None),
        ("quote_nonsense", "oai/m", None),
        ("", "oai/m", None),
        ("\xe9", "oai/m", None),
    ):
        received = ask(hub, CHAT, openai_body(model), key=key, headers={"x-aihub-quote": quote})

        assert (received.status, received.json()["error"]["param"]) == (400, "x-aihub-quote")
    assert ask(hub, CHAT, openai_body("oai/m"), key="ahk_x", headers={"x-aihub-quote": "quote_nonsense"}).status == 401
