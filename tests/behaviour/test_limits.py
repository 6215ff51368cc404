"""The official SDKs at a caller's limits: they see what is left, and do not try again where waiting does not help."""

import re
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from tests.behaviour.plain_calls import CHAT, MESSAGES, anthropic_body, ask, openai_body
from tests.behaviour.sdks import NOBODY
from tests.support.hub import HubProcess

_SENT: list[str] = []


def _counted(request: httpx2.Request) -> None:
    _SENT.append(request.url.path)


@pytest.fixture
def requests() -> Iterator[list[str]]:
    """What the SDKs have sent."""
    _SENT.clear()
    yield _SENT
    _SENT.clear()


def caller(hub: HubProcess, name: str) -> str:
    """A user of this test's own, with a key and credit."""
    name = f"{name}-{hub.interface}"
    hub.cli("user", "add", name)
    hub.cli("credit", "grant", name, "5")
    key: str = hub.cli("key", "create", "--user", name)["key"]
    return key


def clients(hub: HubProcess, key: str) -> tuple[openai.OpenAI, anthropic.Anthropic]:
    """Clients that try again as often as they do by themselves."""
    hooks: Any = {"request": [_counted]}
    return (
        openai.OpenAI(
            base_url=f"{hub.url}/v1",
            api_key=key,
            http_client=openai.DefaultHttpxClient(verify=NOBODY, event_hooks=hooks),
        ),
        anthropic.Anthropic(
            base_url=hub.url,
            api_key=key,
            http_client=anthropic.DefaultHttpxClient(verify=NOBODY, event_hooks=hooks),
        ),
    )


def answers(hub: HubProcess, key: str) -> list[Any]:
    """What both SDKs make of a call: the answer, or the error that they raise."""
    ours, theirs = clients(hub, key)
    results: list[Any] = []
    with ours, theirs:
        try:
            results.append(
                ours.chat.completions.create(model="echo", messages=[{"role": "user", "content": "Hi"}], max_tokens=9)
            )
        except openai.APIStatusError as error:
            results.append(error)
        try:
            results.append(
                theirs.messages.create(model="echo", messages=[{"role": "user", "content": "Hi"}], max_tokens=9)
            )
        except anthropic.APIStatusError as error:
            results.append(error)
    return results


def test_a_rate_that_needs_days_is_a_429_that_is_not_tried_again(hub: HubProcess, requests: list[str]) -> None:
    key = caller(hub, "rated")
    user = f"rated-{hub.interface}"
    hub.cli("limit", "set", "--measure", "requests", "--amount", "2", "--per", "30d", "--user", user)
    assert all(not isinstance(answer, Exception) for answer in answers(hub, key))
    requests.clear()

    ours, theirs = answers(hub, key)

    assert isinstance(ours, openai.RateLimitError)
    assert isinstance(theirs, anthropic.RateLimitError)
    assert requests == ["/v1/chat/completions", "/v1/messages"], "nothing is tried again"
    assert ours.response.headers["x-should-retry"] == "false"
    assert "retry-after" not in ours.response.headers
    assert ours.code == "rate_limited"


def test_a_budget_for_weeks_is_a_402_that_is_not_tried_again(hub: HubProcess, requests: list[str]) -> None:
    key = caller(hub, "budgeted")
    hub.cli("budget", "set", "--amount", "0", "--period", "quarter", "--user", f"budgeted-{hub.interface}")
    hub.cli("rate", "set", "echo/paid", "--input", "1", "--output", "2", "--context", "1000", "--max-output", "100")
    body = {"model": "echo/paid", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
    ours, theirs = clients(hub, key)
    with ours, theirs:
        with pytest.raises(openai.APIStatusError) as first:
            ours.post("/chat/completions", body=body, cast_to=object)
        with pytest.raises(anthropic.APIStatusError) as second:
            theirs.post("/v1/messages", body=body, cast_to=object)

    assert (first.value.status_code, second.value.status_code) == (402, 402)
    assert requests == ["/v1/chat/completions", "/v1/messages"], "nothing is tried again"
    assert {error.value.response.headers["x-should-retry"] for error in (first, second)} == {"false"}
    assert "left of the budget of this user for the quarter" in first.value.message


def test_answers_show_what_is_left_in_the_form_of_each_sdk(hub: HubProcess) -> None:
    key = caller(hub, "shown")
    user = f"shown-{hub.interface}"
    hub.cli("limit", "set", "--measure", "requests", "--amount", "100", "--per", "1m", "--user", user)
    hub.cli("limit", "set", "--measure", "tokens", "--amount", "1000000", "--per", "1m", "--user", user)

    first = ask(hub, CHAT, openai_body("echo"), key=key)
    second = ask(hub, MESSAGES, anthropic_body("echo"), key=key)
    free = ask(hub, CHAT, openai_body("echo"))

    assert first.header("x-ratelimit-limit-requests") == "100"
    assert first.header("x-ratelimit-remaining-requests") == "99"
    assert first.header("x-ratelimit-reset-requests") == "600ms"
    assert int(first.header("x-ratelimit-remaining-tokens") or 0) < 1_000_000
    assert second.header("anthropic-ratelimit-requests-limit") == "100"
    assert second.header("anthropic-ratelimit-requests-remaining") in ("98", "99")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", second.header("anthropic-ratelimit-tokens-reset") or "")
    assert not [name for name, _ in free.headers if "ratelimit" in name]


def test_a_rate_limit_that_ends_soon_reports_when(hub: HubProcess) -> None:
    key = caller(hub, "soon")
    hub.cli("limit", "set", "--measure", "requests", "--amount", "1", "--per", "50s", "--user", f"soon-{hub.interface}")
    ask(hub, CHAT, openai_body("echo"), key=key)

    refused = ask(hub, CHAT, openai_body("echo"), key=key)

    assert refused.status == 429
    assert 0 < int(refused.header("retry-after") or 0) <= 50
    assert 0 < int(refused.header("retry-after-ms") or 0) <= 50_000
    assert refused.header("x-should-retry") == "true"
    assert refused.json()["error"]["measure"] == "requests"
