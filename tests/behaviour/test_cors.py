"""Pages in browsers: AIHUB_CORS_ORIGINS names two origins, which are let in on every answer and error, and no others."""

import pytest

from tests.behaviour.conftest import BODY_BYTES_MAX
from tests.behaviour.plain_calls import CHAT, MESSAGES, anthropic_body, ask, openai_body
from tests.behaviour.stub import Stub
from tests.support.hub import HubProcess

PAGE, DESKTOP, STRANGE = "https://app.example.com", "app://notes.md", "https://evil.example.com"


def preflight(origin: str, headers: str = "authorization,content-type,x-stainless-os") -> dict[str, str]:
    return {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": headers,
    }


@pytest.mark.usefixtures("nothing_moves")
@pytest.mark.parametrize("path", [CHAT, MESSAGES, "/v1/models", "/v1/chat/completions/", "/v1/files", "/"])
@pytest.mark.parametrize("origin", [PAGE, DESKTOP])
def test_a_preflight_is_answered_without_a_key(hub: HubProcess, path: str, origin: str) -> None:
    received = ask(hub, path, key="", method="OPTIONS", headers=preflight(origin))

    assert (204, b"") == (received.status, received.body)
    assert origin == received.header("access-control-allow-origin")
    assert "POST" in str(received.header("access-control-allow-methods"))
    assert "authorization,content-type,x-stainless-os" == received.header("access-control-allow-headers")
    assert int(str(received.header("access-control-max-age"))) > 0
    assert "Origin" in str(received.header("vary"))
    assert None is received.header("access-control-allow-credentials")


def test_a_preflight_may_ask_for_a_private_network(hub: HubProcess) -> None:
    requested = {**preflight(PAGE), "access-control-request-private-network": "true"}

    assert "true" == ask(hub, CHAT, method="OPTIONS", headers=requested).header("access-control-allow-private-network")
    assert None is ask(hub, CHAT, method="OPTIONS", headers=preflight(PAGE)).header(
        "access-control-allow-private-network"
    )


def test_requested_headers_are_returned_only_if_they_are_names_of_headers(hub: HubProcess) -> None:
    received = ask(hub, CHAT, method="OPTIONS", headers=preflight(PAGE, '"a": {b}'))

    assert "authorization" in str(received.header("access-control-allow-headers"))
    assert "{b}" not in str(received.header("access-control-allow-headers"))


def test_another_page_is_allowed_nothing(hub: HubProcess, stub: Stub) -> None:
    requested = ask(hub, CHAT, key="", method="OPTIONS", headers=preflight(STRANGE))
    made = ask(hub, CHAT, openai_body(), headers={"origin": STRANGE})
    plain = ask(hub, CHAT, openai_body())

    for received in (requested, made, plain):
        assert None is received.header("access-control-allow-origin")
        assert "Origin" in str(received.header("vary")), "no cache may give one page what another got"


def test_every_answer_and_error_is_readable_for_the_page(hub: HubProcess, stub: Stub) -> None:
    page = {"origin": PAGE}
    received = {
        200: ask(hub, CHAT, openai_body(), headers=page),
        401: ask(hub, CHAT, openai_body(), key="", headers=page),
        404: ask(hub, "/v1/nope", headers=page),
        405: ask(hub, CHAT, method="DELETE", headers=page),
        400: ask(hub, CHAT, b"{", headers=page),
        413: ask(hub, CHAT, b"x" * (BODY_BYTES_MAX + 1), headers=page),
    }
    streams = [
        ask(hub, CHAT, openai_body(stream=True), headers=page),
        ask(hub, MESSAGES, anthropic_body(stream=True), headers=page),
    ]

    assert list(received) == [answer.status for answer in received.values()]
    for answer in (*received.values(), *streams):
        assert PAGE == answer.header("access-control-allow-origin")
        exposed = str(answer.header("access-control-expose-headers")).split(", ")
        assert {"x-request-id", "x-aihub-charge", "x-aihub-provider", "retry-after"} <= set(exposed)
        ours = {name for name, _ in answer.headers if name.startswith(("x-aihub-", "x-request-id", "idempotent"))}
        assert ours <= set(exposed)


def test_the_index_still_varies_by_what_is_accepted(hub: HubProcess) -> None:
    vary = str(ask(hub, "/", headers={"accept": "text/html", "origin": PAGE}).header("vary")).lower()

    assert {"accept", "origin"} == {one.strip() for one in vary.split(",")}
