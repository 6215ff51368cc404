"""The dashboard over real sockets: sessions, forms, headers, and what each role sees."""

import re

import pytest

from entrypoints.actions.action import every_action
from entrypoints.http.dashboard.action_pages import offered, path_of
from entrypoints.http.dashboard.navigation import ENTRIES
from tests.behaviour.conftest import People
from tests.behaviour.dashboard import ROOT, Browser, post_form, sign_in, text_of
from tests.behaviour.plain_calls import CHAT, ask, openai_body
from tests.support.hub import HubProcess

HOSTILE = "<script>alert(1)</script>\"'><b>"
OWN = {
    "/dashboard",
    "/dashboard/usage",
    "/dashboard/calls",
    "/dashboard/keys",
    "/dashboard/help",
    "/dashboard/playground",
}


@pytest.fixture
def owner(hub: HubProcess) -> Browser:
    return sign_in(hub, hub.key)


@pytest.fixture
def guest(hub: HubProcess, people: People) -> Browser:
    return sign_in(hub, people.guest)


def key_of(hub: HubProcess, name: str, **more: str) -> tuple[str, str]:
    """The text and id of a new key for a new user."""
    hub.cli("user", "add", name, *(part for word, value in more.items() for part in (f"--{word}", value)))
    made = hub.cli("key", "create", "--user", name)
    return made["key"], made["id"]


def test_a_wrong_key_does_not_sign_in_and_the_page_names_what_is_wrong(hub: HubProcess, people: People) -> None:
    for key, status, words in (
        ("", 400, "Enter an API key"),
        ("ahk_wrong", 401, "is unknown"),
        (people.revoked, 401, "not valid: revoked"),
    ):
        answer = post_form(hub, f"{ROOT}/sign-in", key=key)

        assert (status, None) == (answer.status, answer.header("set-cookie"))
        assert words in text_of(answer)
        assert not key or key.encode() not in answer.body


def test_the_cookie_is_closed_to_scripts_and_to_other_sites(hub: HubProcess) -> None:
    plain = str(post_form(hub, f"{ROOT}/sign-in", key=hub.key).header("set-cookie"))
    tls = post_form(hub, f"{ROOT}/sign-in", {"x-forwarded-proto": "https"}, key=hub.key)

    assert {"HttpOnly", "SameSite=Strict", "Path=/dashboard"} <= set(plain.split("; "))
    assert "Secure" not in plain
    assert "Secure" in str(tls.header("set-cookie"))
    assert hub.key not in plain


def test_signing_in_leads_to_the_wanted_page_and_to_no_other_host(hub: HubProcess) -> None:
    sent = ask(hub, f"{ROOT}/calls?state=errors", key="")
    assert (303, "/dashboard/sign-in?next=%2Fdashboard%2Fcalls%3Fstate%3Derrors") == (
        sent.status,
        sent.header("location"),
    )
    for wanted, found in (
        ("/dashboard/calls?state=errors", "/dashboard/calls?state=errors"),
        ("https://evil.example.com/", ROOT),
        ("//evil.example.com", ROOT),
        ("/dashboard/\r\nset-cookie: a=b", ROOT),
        ("/dashboard/../v1", "/dashboard/../v1"),
    ):
        answer = post_form(hub, f"{ROOT}/sign-in", key=hub.key, next=wanted)
        assert found == answer.header("location")


def test_attempts_from_another_site_are_refused(hub: HubProcess) -> None:
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example.com"}):
        assert 400 == post_form(hub, f"{ROOT}/sign-in", headers, key=hub.key).status


def test_after_ten_failures_an_address_must_wait_and_another_need_not(hub: HubProcess) -> None:
    here = {"x-forwarded-for": "203.0.113.9"}
    seen = [post_form(hub, f"{ROOT}/sign-in", here, key=f"ahk_{n}").status for n in range(11)]

    assert [401] * 10 + [429] == seen
    assert 429 == post_form(hub, f"{ROOT}/sign-in", here, key=hub.key).status
    assert 303 == post_form(hub, f"{ROOT}/sign-in", {"x-forwarded-for": "203.0.113.10"}, key=hub.key).status


def test_no_page_is_shown_without_a_session_and_a_changed_cookie_is_none(hub: HubProcess, owner: Browser) -> None:
    changed = Browser(hub, owner.cookie[:-6] + "AAAAA=", owner.token)
    for path in [entry.path for entry in ENTRIES]:
        for answer in (ask(hub, path), ask(hub, path, key=""), changed.get(path)):
            assert 303 == answer.status, path
            assert str(answer.header("location")).startswith("/dashboard/sign-in")


def test_the_session_ends_with_its_key(hub: HubProcess) -> None:
    name = f"rita-{hub.interface}"
    key, key_id = key_of(hub, name)
    browser = sign_in(hub, key)
    assert 200 == browser.get(ROOT).status

    for off, on in (
        (("key", "disable", key_id), ("key", "enable", key_id)),
        (("user", "disable", name), ("user", "enable", name)),
    ):
        hub.cli(*off)
        assert 303 == browser.get(ROOT).status
        hub.cli(*on)
        assert 200 == browser.get(ROOT).status
    hub.cli("key", "revoke", key_id)
    assert 303 == browser.get(ROOT).status


def test_signing_out_needs_the_token_and_removes_the_cookie(owner: Browser) -> None:
    kept, ended = owner.post(f"{ROOT}/sign-out", token="wrong"), owner.post(f"{ROOT}/sign-out")

    assert (303, None) == (kept.status, kept.header("set-cookie"))
    assert "aihub_session=;" in str(ended.header("set-cookie"))


def test_the_cookie_opens_no_route_of_the_api(hub: HubProcess, owner: Browser) -> None:
    for path in ("/api/v1/users", "/v1/models", "/api/user/credit/balance"):
        assert 401 == owner.get(path).status
    assert 401 == ask(hub, CHAT, openai_body("echo"), key="", headers={"cookie": owner.cookie}).status


def test_every_page_has_the_strict_headers_and_no_inline_code(hub: HubProcess, owner: Browser) -> None:
    for path in [*(entry.path for entry in ENTRIES), f"{ROOT}/sign-in", path_of("key create"), f"{ROOT}/users/owner"]:
        page = owner.get(path)
        markup = page.body.decode()

        assert 200 == page.status, path
        assert "default-src 'none'" in str(page.header("content-security-policy"))
        assert "unsafe" not in str(page.header("content-security-policy"))
        assert ("nosniff", "no-store") == (page.header("x-content-type-options"), page.header("cache-control"))
        assert len(page.body) < 100_000
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:|<script(?![^>]*\ssrc=)", markup), path
        assert not re.search(r"""(?:src|action|hx-get|<link[^>]*href)=["'](?!/)""", markup), path


def test_a_guest_sees_their_own_and_nothing_of_others(hub: HubProcess, guest: Browser, owner: Browser) -> None:
    ask(hub, CHAT, openai_body("echo", "of the owner"))
    call = hub.cli("call", "list", "--user", "owner", "--limit", "1")[0]

    for entry in ENTRIES:
        page = guest.get(entry.path)
        assert (200 if entry.path in OWN else 403) == page.status, entry.path
        assert call["id"].encode() not in page.body
        assert b"provider-secret" not in page.body
    assert 404 == guest.get(f"{ROOT}/calls/{call['id']}").status
    assert 200 == owner.get(f"{ROOT}/calls/{call['id']}").status
    assert call["id"].encode() not in guest.get(f"{ROOT}/calls?user=owner").body
    menu = guest.get(ROOT).body.decode()
    assert not any(f'href="{entry.path}"' in menu for entry in ENTRIES if entry.path not in OWN)


@pytest.mark.parametrize("name", sorted(offered()))
def test_a_guest_carries_out_no_action_and_an_owner_gets_its_form(guest: Browser, owner: Browser, name: str) -> None:
    assert 403 == guest.get(f"{ROOT}/actions/{name}").status
    assert 403 == guest.post(f"{ROOT}/actions/{name}").status
    if name == "webhook-show":  # It is carried out at once, and there is none yet.
        owner.hub.cli("webhook", "set", "--url", "https://ops.example.com/hooks")
    page = owner.get(f"{ROOT}/actions/{name}")
    assert 200 == page.status
    for field in every_action()[offered()[name].name].request.__struct_encode_fields__:
        assert f'name="{field}"' in page.body.decode()
    if name == "webhook-show":
        owner.hub.cli("webhook", "remove")


def test_a_key_that_only_calls_models_manages_nothing(hub: HubProcess) -> None:
    key, _ = key_of(hub, f"mona-{hub.interface}", role="admin")
    assert 403 == sign_in(hub, key).get(f"{ROOT}/users").status


def test_a_form_without_the_token_changes_nothing(hub: HubProcess, owner: Browser) -> None:
    before = hub.cli("user", "list")
    for token in ("", "wrong"):
        assert 403 == owner.post(f"{ROOT}/actions/user-add", token=token, name="intruder").status
    assert 303 == post_form(hub, f"{ROOT}/actions/user-add", name="intruder", token=owner.token).status
    assert before == hub.cli("user", "list")


def test_an_operator_sets_up_a_user_by_forms_alone(hub: HubProcess, owner: Browser) -> None:
    name = f"nina-{hub.interface}"
    added = owner.post(f"{ROOT}/actions/user-add", name=name, role="guest", email="nina@example.com")
    granted = owner.post(f"{ROOT}/actions/credit-grant", user=name, amount="2.000000001", expires_in="30d")
    made = owner.post(f"{ROOT}/actions/key-create", user=name, models="echo/*\noai/m", purpose="models")
    key = re.findall(r"ahk_[\w-]{20,}", made.body.decode())[0]

    assert (303, "/dashboard/users?done=user-add") == (added.status, added.header("location"))
    assert (303, 200) == (granted.status, made.status)
    assert "2.000000001" == hub.cli("credit", "balance", name)["available"]
    assert 200 == ask(hub, CHAT, openai_body("echo"), key=key).status
    assert 403 == ask(hub, CHAT, openai_body("ant/m"), key=key).status
    assert key.encode() not in owner.get(f"{ROOT}/keys?q={name}").body
    entry = text_of(owner.get(f"{ROOT}/audit?q={name}"))
    assert "dashboard:owner" in entry
    cleared = owner.post(f"{ROOT}/actions/user-change", name=name, role="admin", email="", **{"before-email": "1"})
    user = hub.cli("user", "show", name)
    assert (303, "admin", None) == (cleared.status, user["role"], user["email"])


@pytest.mark.parametrize(
    ("action", "fields", "status", "field"),
    [
        ("user-add", {"name": ""}, 400, "name"),
        ("user-add", {"name": "bo", "role": "king"}, 400, "role"),
        ("user-add", {"name": "bo", "email": "nowhere"}, 400, "email"),
        ("user-add", {"name": "guest"}, 409, None),
        ("credit-grant", {"user": "guest", "amount": "much"}, 400, "amount"),
        ("credit-grant", {"user": "guest", "amount": "1", "expires_in": "soon"}, 400, "expires_in"),
        ("key-create", {"user": "nobody"}, 404, None),
        ("key-create", {"user": "guest", "operations": "dance"}, 400, "operations"),
        ("rate-set", {"model": "echo/echo", "input": "1", "output": "1", "variants": "{"}, 400, "variants"),
        ("rate-bulk", {"margin": "1", "credit_price": "0"}, 400, "credit_price"),
        ("alias-set", {"name": "a", "targets": ""}, 400, "targets"),
        ("key-revoke", {"id": "key_none"}, 404, None),
    ],
)
def test_bad_input_comes_back_with_its_error_at_the_field(
    hub: HubProcess, owner: Browser, action: str, fields: dict[str, str], status: int, field: str | None
) -> None:
    before = hub.cli("user", "list"), hub.cli("key", "list"), hub.cli("credit", "balance", "guest")
    page = owner.post(f"{ROOT}/actions/{action}", **fields)

    markup = page.body.decode()
    assert status == page.status, markup
    assert ([field] if field else []) == re.findall(r'class="error" id="field-(\w+)-error"', markup)
    assert field or 'role="alert"' in markup
    for name, value in fields.items():
        chosen = name == "role"  # What is no option of a list cannot be shown in it.
        assert chosen or not value or value in text_of(page) or f'value="{value}"' in markup, name
    assert before == (hub.cli("user", "list"), hub.cli("key", "list"), hub.cli("credit", "balance", "guest"))


def test_hostile_names_are_shown_as_text(hub: HubProcess, owner: Browser) -> None:
    name = f"{HOSTILE}{hub.interface}"
    hub.cli("user", "add", name)
    hub.cli("key", "create", "--user", name, "--name", HOSTILE)
    ask(hub, CHAT, openai_body(f"echo/{HOSTILE}"))
    for path in (
        "/users",
        "/keys",
        "/calls",
        "/audit",
        f"/calls?model={HOSTILE.replace(' ', '')}",
        "/help?model=%3Cscript%3E",
    ):
        markup = owner.get(ROOT + path.replace("<", "%3C").replace(">", "%3E").replace('"', "%22")).body.decode()
        assert "<script>alert" not in markup
        assert "<script>" not in markup.replace("<script src=", "")
    shown = owner.get(f"{ROOT}/users")
    assert name in text_of(shown).replace("&#39;", "'")


def test_figures_equal_those_of_the_command_line(hub: HubProcess, owner: Browser, people: People) -> None:
    ask(hub, CHAT, openai_body("echo", "A few words to charge for"), key=people.guest)
    wallet, calls = hub.cli("credit", "balance", "guest"), hub.cli("call", "list", "--user", "guest")
    user, listed = text_of(owner.get(f"{ROOT}/users/guest")), text_of(owner.get(f"{ROOT}/calls?user=guest"))
    own = text_of(sign_in(hub, people.guest).get(ROOT))

    for figure in ("available", "held", "posted"):
        assert wallet[figure] in user
    assert wallet["available"] in own
    for call in calls[:10]:
        assert call["charge"] in listed
    one = owner.get(f"{ROOT}/calls/{calls[0]['id']}").body.decode()
    for figure in ("charge", "hold", "started"):
        assert calls[0][figure] in one
    for rate in hub.cli("rate", "list")[:3]:
        page = text_of(owner.get(f"{ROOT}/models?q={rate['model']}"))
        assert all(rate[unit] in page for unit in ("input", "output") if rate.get(unit))


def test_static_files_are_kept_by_caches_and_unknown_ones_are_not_found(hub: HubProcess, owner: Browser) -> None:
    markup = owner.get(ROOT).body.decode()
    files = re.findall(r'(?:src|href)="(/dashboard/static/[^"]+)"', markup)
    assert files
    for path in files:
        assert "immutable" in str(ask(hub, path, key="").header("cache-control"))
    for path in (
        f"{ROOT}/static/0000/app.css",
        f"{ROOT}/static/0000/vendored.json",
        f"{ROOT}/static/x/..%2f..%2fpage.py",
    ):
        assert 404 == ask(hub, path, key="").status
