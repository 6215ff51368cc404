"""Keys in the dashboard: made with their limits and budget at once, and shown with what they have spent."""

import re
from typing import Any

import pytest

from tests.behaviour.dashboard import ROOT, Browser, sign_in, tables_of, text_of
from tests.behaviour.plain_calls import CHAT, ask, openai_body
from tests.support.hub import HubProcess

NEW = f"{ROOT}/keys/new"


@pytest.fixture
def owner(hub: HubProcess) -> Browser:
    return sign_in(hub, hub.key)


def books(hub: HubProcess) -> list[Any]:
    return [hub.cli("key", "list"), hub.cli("limit", "list"), hub.cli("budget", "list")]


def test_a_key_is_made_with_its_limits_and_its_budget(hub: HubProcess, owner: Browser) -> None:
    name = f"kit-{hub.interface}"
    hub.cli("user", "add", name)
    hub.cli("credit", "grant", name, "5")
    page = owner.post(
        NEW, user=name, name="laptop", requests_per_minute="1", calls_at_once="4", budget="2.5", budget_period="week"
    )
    key = re.findall(r"ahk_[\w-]{20,}", page.body.decode())[0]
    first, second = (ask(hub, CHAT, openai_body("echo/echo", "Hello"), key=key) for _ in range(2))

    assert (200, 200, 429) == (page.status, first.status, second.status)
    (made,) = [one for one in hub.cli("key", "list") if one["user"] == name]
    of_key = f"key:{made['id']}"
    limits = {one["measure"]: one["amount"] for one in hub.cli("limit", "list") if one["subject"] == of_key}
    (budget,) = [one for one in hub.cli("budget", "list") if one["subject"] == of_key]
    (stats,) = hub.cli("stats", "show", "--by", "key", "--user", name)["rows"]
    (row,) = tables_of(owner.get(f"{ROOT}/keys?q={name}"))[0]
    assert ({"requests": 1, "concurrency": 4}, "2.5", "week") == (limits, budget["amount"], budget["period"])
    assert f"{stats['figures']['charge']} {budget['spent'][0]['spent']} of 2.5 a week" == row["Charge, 30 days"]
    assert first.header("x-aihub-charge") == budget["spent"][0]["spent"]
    assert key.encode() not in owner.get(f"{ROOT}/keys?q={name}").body


@pytest.mark.parametrize(
    ("fields", "status", "field"),
    [
        ({"user": "nobody"}, 404, None),
        ({"user": ""}, 400, "user"),
        ({"user": "owner", "expires_in": "soon"}, 400, "expires_in"),
        ({"user": "owner", "operations": "dance"}, 400, "operations"),
        ({"user": "owner", "models": "a b"}, 400, "models"),
        ({"user": "owner", "requests_per_minute": "some"}, 400, "requests_per_minute"),
        ({"user": "owner", "tokens_per_minute": "0"}, 400, "tokens_per_minute"),
        ({"user": "owner", "calls_at_once": "-1"}, 400, "calls_at_once"),
        ({"user": "owner", "budget": "much"}, 400, "budget"),
    ],
)
def test_nothing_is_made_where_a_field_is_wrong(
    hub: HubProcess, owner: Browser, fields: dict[str, str], status: int, field: str | None
) -> None:
    before = books(hub)
    page = owner.post(NEW, **fields)
    assert status == page.status, text_of(page)
    assert ([field] if field else []) == re.findall(r'class="error" id="field-(\w+)-error"', page.body.decode())
    assert before == books(hub)


def test_making_a_key_needs_the_token_of_the_session(hub: HubProcess, owner: Browser) -> None:
    before = books(hub)
    assert 403 == owner.post(NEW, token="wrong", user="owner").status
    assert before == books(hub)
