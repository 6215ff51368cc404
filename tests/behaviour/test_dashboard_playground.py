"""The playground's calls under a session, usage over time, the one-time link and the switch, over real sockets."""

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from entrypoints.http.dashboard.action_pages import offered
from entrypoints.http.dashboard.navigation import ENTRIES
from entrypoints.http.dashboard.pages.playground import KIND_OF_OPERATION
from tests.behaviour.conftest import People
from tests.behaviour.dashboard import ROOT, Browser, post_form, sign_in, text_of
from tests.behaviour.plain_calls import CHAT, ask, openai_body
from tests.support.hub import HubProcess, running_hub

SECRET = "sk-shy-canary-0123456789abcdef"


@pytest.fixture
def owner(hub: HubProcess) -> Browser:
    return sign_in(hub, hub.key)


@pytest.fixture
def guest(hub: HubProcess, people: People) -> Browser:
    return sign_in(hub, people.guest)


def test_the_playground_calls_under_the_session_and_only_with_its_token(hub: HubProcess, guest: Browser) -> None:
    relayed = f"{ROOT}/relay{CHAT}"
    before = hub.cli("credit", "balance", "guest")["available"]
    for headers in (
        {"cookie": guest.cookie},
        {"cookie": guest.cookie, "x-csrf-token": "wrong"},
        {"x-csrf-token": guest.token},
        {**guest.headers, "origin": "https://evil.example.com"},
        {**guest.headers, "sec-fetch-site": "cross-site"},
    ):
        assert ask(hub, relayed, openai_body("echo"), key="", headers=headers).status in (400, 401)
    assert before == hub.cli("credit", "balance", "guest")["available"]

    answer = ask(hub, relayed, openai_body("echo", "Hello, tea"), key="", headers=guest.headers)
    charged = ask(hub, f"{ROOT}/relay/calls/{answer.header('x-request-id')}", key="", headers=guest.headers)
    call = hub.cli("call", "show", str(answer.header("x-request-id")))

    assert (200, "Hello, tea") == (answer.status, answer.json()["choices"][0]["message"]["content"])
    assert ("guest", call["charge"]) == (call["user"], charged.json()["charge"])
    assert call["charge"] == answer.header("x-aihub-charge")


@pytest.mark.parametrize(
    ("path", "body", "operation"),
    [
        ("/v1/images/generations", {"model": "echo/echo", "prompt": "a cup"}, "images"),
        ("/v1/embeddings", {"model": "echo/echo", "input": "a cup"}, "embeddings"),
        ("/v1/audio/speech", {"model": "echo/echo", "input": "a cup", "voice": "alloy"}, "speech"),
        ("/api/v2/video", {"input": {"prompt": "a cup", "modelOptions": {"model": "echo/echo"}}}, "video"),
    ],
)
def test_the_playground_makes_more_than_text(
    hub: HubProcess, guest: Browser, path: str, body: dict[str, Any], operation: str
) -> None:
    quoted = {"route": path, "request": body}
    quote = ask(hub, f"{ROOT}/relay/v1/quote", json.dumps(quoted).encode(), key="", headers=guest.headers).json()
    answer = ask(hub, f"{ROOT}/relay{path}", json.dumps(body).encode(), key="", headers=guest.headers)
    call = hub.cli("call", "show", str(answer.header("x-request-id")))
    page = guest.get(f"{ROOT}/calls/{call['id']}").body.decode()

    assert (200, "guest") == (answer.status, call["user"]), answer.body
    assert 0 < Decimal(call["charge"]) <= Decimal(quote["charge_max"])
    assert f"/dashboard/playground?model=echo/echo&amp;kind={KIND_OF_OPERATION[operation]}" in page
    assert 400 == ask(hub, f"{ROOT}/relay{path}", json.dumps(body).encode(), headers={"cookie": guest.cookie}).status


def test_the_limits_of_the_key_hold_in_the_playground(hub: HubProcess) -> None:
    name = f"pia-{hub.interface}"
    hub.cli("user", "add", name)
    hub.cli("credit", "grant", name, "1")
    browser = sign_in(hub, hub.cli("key", "create", "--user", name, "--model", "echo/*")["key"])

    for model, status in (("echo/echo", 200), ("oai/m", 403)):
        assert status == ask(hub, f"{ROOT}/relay{CHAT}", openai_body(model), key="", headers=browser.headers).status
    assert "oai/m" not in browser.get(f"{ROOT}/playground").body.decode()


def test_large_requests_of_the_playground_are_read(hub: HubProcess, guest: Browser) -> None:
    body = openai_body("echo", "x" * 200_000)
    assert 200 == ask(hub, f"{ROOT}/relay{CHAT}", body, key="", headers=guest.headers).status


def test_usage_equals_the_statistics(hub: HubProcess, guest: Browser, owner: Browser, people: People) -> None:
    ask(hub, CHAT, openai_body("echo", "to be summed"), key=people.guest)
    for browser, user in ((guest, ("--user", "guest")), (owner, ())):
        stats = hub.cli("stats", "show", "--since", "7d", "--by", "model", *user)
        page = text_of(browser.get(f"{ROOT}/usage?since=7d&every=day&by=model"))
        overview = text_of(browser.get(ROOT))

        assert all(row["figures"]["charge"] in page for row in stats["rows"])
        assert stats["total"]["charge"] in page
        assert stats["total"]["charge"] in overview
    assert 400 == guest.get(f"{ROOT}/usage?by=user").status
    assert 400 == owner.get(f"{ROOT}/usage?since=soon").status


def test_no_page_shows_a_key_or_a_secret(hub: HubProcess, owner: Browser, people: People) -> None:
    hub.cli("provider", "add", "shy", "--dialect", "openai", "--base-url", "https://shy.example.com/v1")
    hub.cli("credential", "add", "shy", secret=SECRET)
    master = (hub.data_dir / "master.key").read_text().strip()
    fingerprint = hub.cli("key", "list")[0].get("fingerprint", "none is shown")
    paths = [*(entry.path for entry in ENTRIES), *(f"{ROOT}/actions/{name}" for name in sorted(offered()))]
    for path in paths:
        page = owner.get(path)
        for secret in (SECRET, hub.key, people.guest, people.revoked, master, fingerprint):
            assert secret.encode() not in page.body, path
    kept = owner.post(f"{ROOT}/actions/credential-add", provider="nobody", secret=SECRET)
    assert (404, False) == (kept.status, SECRET.encode() in kept.body)
    assert b"ahk_wrong-key" not in post_form(hub, f"{ROOT}/sign-in", key="ahk_wrong-key").body


def test_the_link_of_the_first_start_signs_the_owner_in_once_on_any_worker(tmp_path: Path) -> None:
    with running_hub(tmp_path / "data", workers=2) as hub:
        link = re.findall(r"/dashboard/sign-in/\S+", hub.log.read_text())[0]
        secret = link.rpartition("/")[2]
        shown = ask(hub, link, key="")
        used, again = post_form(hub, link), [post_form(hub, link).status for _ in range(4)]
        cookie = str(used.header("set-cookie")).partition(";")[0]

        assert (200, 303, [401] * 4) == (shown.status, used.status, again)
        assert 200 == ask(hub, f"{ROOT}/users", key="", headers={"cookie": cookie}).status
        assert 401 == ask(hub, "/v1/models", key=secret).status
        session = next(key for key in hub.cli("key", "list") if key["name"] == "signed-in-by-link")
        hub.cli("key", "revoke", session["id"])
        assert 303 == ask(hub, f"{ROOT}/users", key="", headers={"cookie": cookie}).status


def test_the_dashboard_can_be_switched_off(tmp_path: Path) -> None:
    with running_hub(tmp_path / "data", env={"AIHUB_DASHBOARD": "off"}) as hub:
        for path in (ROOT, f"{ROOT}/sign-in", f"{ROOT}/calls"):
            assert 404 == ask(hub, path, key="").status
        assert f"{hub.url}{ROOT}" not in hub.log.read_text()
        assert not any(ROOT in route for route in ask(hub, "/").json()["routes"])
