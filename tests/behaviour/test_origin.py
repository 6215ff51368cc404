"""Where a request comes from is in the call log, whatever server took it, and reaches no provider."""

import pytest

from tests.behaviour.plain_calls import CHAT, MESSAGES, anthropic_body, ask, openai_body
from tests.behaviour.stub import Stub
from tests.support.hub import HubProcess

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
HEADERS = {
    "X-Aigne-Hub-Client-Did": "did:abt:z8ia1",
    "X-Aihub-Run": "nightly-7",
    "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01",
    "User-Agent": "claude-cli/2.0.1 (external, cli)",
}
FIELDS = ("app", "run_id", "trace_id", "client")


def logged(hub: HubProcess, call_id: str | None) -> dict[str, object]:
    shown: dict[str, object] = hub.cli("call", "show", call_id or "")
    return shown


def test_the_origin_of_a_request_is_in_the_call_log(hub: HubProcess, stub: Stub) -> None:
    response = ask(hub, CHAT, openai_body(), headers=HEADERS)

    assert 200 == response.status
    shown = logged(hub, response.header("x-request-id"))
    assert ["did:abt:z8ia1", "nightly-7", TRACE, "claude-cli/2.0.1"] == [shown[name] for name in FIELDS]
    assert str(shown["wallet_id"]).startswith("user_")
    sent = {name.lower() for name in stub.only.headers}
    assert not sent & {"x-aigne-hub-client-did", "x-aihub-run", "traceparent"}


@pytest.mark.parametrize("name", ["session_id", "session-id", "x-claude-code-session-id"])
def test_the_session_of_an_agent_is_its_run(hub: HubProcess, name: str) -> None:
    """WSGI servers drop names with an underscore, which they could not tell from a hyphen."""
    response = ask(hub, CHAT, openai_body(), headers={name: "0198a2c4-8b1f"})

    is_dropped = hub.interface == "wsgi" and "_" in name
    expected = None if is_dropped else "0198a2c4-8b1f"
    assert expected == logged(hub, response.header("x-request-id"))["run_id"]


def test_the_session_of_claude_code_in_a_body_is_its_run(hub: HubProcess) -> None:
    body = {**anthropic_body(), "metadata": {"user_id": "user_a_account_b_session_0198a2c4-8b1f"}}

    response = ask(hub, MESSAGES, body)

    assert "0198a2c4-8b1f" == logged(hub, response.header("request-id"))["run_id"]


def test_a_request_without_headers_has_no_origin(hub: HubProcess) -> None:
    response = ask(hub, CHAT, openai_body(), headers={"traceparent": "none", "X-Aihub-Run": "two words"})

    shown = logged(hub, response.header("x-request-id"))
    assert [None] * 4 == [shown[name] for name in FIELDS]
