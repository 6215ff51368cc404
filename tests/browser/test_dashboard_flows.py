"""What people do in the dashboard, in a real browser: the first run, live calls, the playground, bad input."""

import re
from pathlib import Path
from typing import Any

import pytest

from entrypoints.http.dashboard.action_pages import offered
from tests.behaviour.plain_calls import CHAT, ask, openai_body
from tests.browser.browser import Watched
from tests.browser.conftest import Staffed
from tests.support.hub import HubProcess, running_hub

GARBAGE = "\u2013 ? \u2013"
# They have no field that could be wrong.
WITHOUT_FIELDS = frozenset(name for name, action in offered().items() if not action.request.__struct_fields__)


def test_from_the_first_start_to_the_first_billed_call(browser: Any, tmp_path: Path) -> None:
    with running_hub(tmp_path / "data") as hub:
        seen = Watched(browser, hub)
        page = seen.page
        link = re.findall(r"http\S+/dashboard/sign-in/\S+", hub.log.read_text())[0]
        page.goto(link)
        page.click("button.main")
        page.wait_for_url(f"{hub.url}/dashboard")
        page.click("text=Create key")
        page.click("button:has-text('Create key')")
        key = page.inner_text("#new-key")
        page.click("nav.wide >> text=Overview")
        page.wait_for_selector("li.done:has-text('Make an API key')")

        ask(hub, CHAT, openai_body("echo/echo", "Hello"), key=key)
        page.click("#live table a >> nth=0")  # It appears without a reload.
        page.wait_for_selector("#call-id")
        assert page.inner_text("#call-id") == hub.calls()[0]["id"]
        assert hub.calls()[0]["charge"] in page.inner_text("main")
        assert hub.calls()[0]["billed"]

        page.click("text=Try again in the playground")
        page.fill("#prompt", "Hello from a browser")
        page.click("#send")
        page.click(".play-column a:has-text('credits')")
        page.wait_for_selector("#call-id")
        assert page.inner_text("#call-id") == hub.calls()[0]["id"]
        page.goto(link)
        page.click("button.main")
        assert "used already" in page.inner_text("main")
        assert [] == seen.faults


def test_new_calls_appear_by_themselves_until_the_page_is_paused(browser: Any, hub: HubProcess) -> None:
    seen = Watched(browser, hub)
    seen.sign_in(hub.key)
    seen.open("/dashboard/calls")
    answer = ask(hub, CHAT, openai_body("echo/echo", "Appear"))
    seen.page.wait_for_selector(f"a[href='/dashboard/calls/{answer.header('x-request-id')}']")
    seen.page.click("text=Pause")
    assert "Paused" in seen.page.inner_text("#calls")
    assert seen.page.query_selector("#calls[hx-trigger]") is None
    assert [] == seen.faults


@pytest.mark.parametrize("path", ["/dashboard/keys", "/dashboard/calls"])
def test_a_session_ends_in_the_browser_when_its_key_is_revoked(browser: Any, hub: HubProcess, path: str) -> None:
    made = hub.cli("key", "create", "--user", "gus")
    seen = Watched(browser, hub)
    seen.sign_in(made["key"])
    seen.open(path)
    hub.cli("key", "revoke", made["id"])
    if path == "/dashboard/keys":
        seen.page.click("nav.wide >> text=Help")
    seen.page.wait_for_url(re.compile(r"/dashboard/sign-in\?next="))  # A page of live calls leaves by itself.
    assert [] == seen.faults


@pytest.mark.parametrize("kind", ["text", "image", "embedding", "speech", "video"])
def test_the_playground_quotes_shows_and_charges(browser: Any, hub: HubProcess, kind: str) -> None:
    seen = Watched(browser, hub)
    page = seen.page
    seen.sign_in(hub.key)
    seen.open(f"/dashboard/playground?model=echo/echo&kind={kind}")
    page.fill("#prompt", "A **cup** of tea")
    page.click("#quote")
    page.wait_for_selector("#quoted:has-text('at most')")
    for language, words in (("curl", "curl"), ("Python", "import os"), ("Node", "await")):
        page.click(f"#languages >> text={language}")
        page.wait_for_selector(f"#sample:has-text('{words}')")
        assert "echo/echo" in page.inner_text("#sample")
    page.click("#send")
    page.wait_for_selector(".play-column a:has-text('credits')")
    call = hub.calls()[0]
    shown = {"text": "strong", "image": "img", "embedding": "pre", "speech": "audio", "video": "video"}[kind]

    assert page.query_selector(f".play-text {shown}") is not None
    assert f"{call['charge']} credits" == page.inner_text(".play-column a:has-text('credits')")
    assert call["id"] in page.get_attribute(".play-column a:has-text('credits')", "href")
    assert [] == seen.faults


def test_a_message_that_is_sent_twice_at_once_is_one_call(browser: Any, hub: HubProcess) -> None:
    seen = Watched(browser, hub)
    page = seen.page
    seen.sign_in(hub.key)
    seen.open("/dashboard/playground?model=echo/echo")
    before = len(hub.calls())
    page.fill("#prompt", "Only once")
    page.evaluate("const form = document.getElementById('playground'); form.requestSubmit(); form.requestSubmit();")
    page.wait_for_selector(".play-column a:has-text('credits')")
    page.wait_for_selector("#send:enabled")
    assert 1 == page.locator(".play-asked").count()
    assert before + 1 == len(hub.calls())
    assert [] == seen.faults


def test_models_are_compared_with_system_prompt_tools_and_a_file(browser: Any, hub: HubProcess) -> None:
    seen = Watched(browser, hub)
    page = seen.page
    seen.sign_in(hub.key)
    seen.open("/dashboard/playground?model=echo/echo")
    page.click("#add-model")
    page.fill("#model-1", "no/such")
    page.fill("#system", "Be brief.")
    page.click("text=More parameters")
    page.fill("#tools", "{")
    page.fill("#prompt", "Hello")
    page.click("#send")
    page.wait_for_selector("#problem:has-text('not JSON')")
    page.fill("#tools", "")
    page.fill("#more", '{"seed": 7}')
    page.set_input_files("#files", [{"name": "note.txt", "mimeType": "text/plain", "buffer": b"A note"}])
    page.click("#languages >> text=curl")
    page.wait_for_selector("#sample:has-text('\"seed\": 7')")
    assert "note.txt" in page.inner_text("#sample")
    page.set_input_files("#files", [])
    page.click("#send")
    page.wait_for_selector(".play-column >> nth=0 >> a:has-text('credits')")
    page.wait_for_selector(".play-column >> nth=1 >> .error")
    assert "no/such" in page.inner_text(".play-column >> nth=1")
    assert [] == seen.faults


@pytest.mark.parametrize("name", sorted(set(offered()) - WITHOUT_FIELDS))
def test_bad_input_of_every_form_is_reported_and_kept(browser: Any, staffed: Staffed, name: str) -> None:
    seen = Watched(browser, staffed.hub)
    seen.sign_in(staffed.keys["owner"])
    page = seen.page
    seen.open(f"/dashboard/actions/{name}")
    page.evaluate("document.querySelectorAll('main details').forEach((one) => { one.open = true; })")
    page.evaluate("document.querySelectorAll('main form').forEach((one) => { one.noValidate = true; })")
    inputs = page.query_selector_all("main form input:not([type=hidden]):not([type=checkbox]), main form textarea")
    if not inputs:
        pytest.skip("it has nothing to write in")
    for field in inputs:
        field.fill(GARBAGE)
    page.click("main form button")
    page.wait_for_load_state("load")
    reported = page.query_selector_all("main .error:visible, main [role=alert]:visible, main .empty:visible")
    assert reported, page.inner_text("main")
    assert [] == seen.faults
