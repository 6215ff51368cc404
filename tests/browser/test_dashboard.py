"""Every page in a real browser (`make browser-test`): skipped where there is no Chromium or no Playwright."""

import os
from pathlib import Path
from typing import Any

import pytest

from entrypoints.http.dashboard.action_pages import path_of
from entrypoints.http.dashboard.navigation import ENTRIES
from tests.behaviour.plain_calls import CHAT, ask, openai_body
from tests.browser.browser import Watched
from tests.browser.conftest import Staffed
from tests.support.hub import HubProcess

WIDTHS = (360, 1280, 2560)
AXE = Path(os.environ.get("AIHUB_TEST_AXE", ".venv/axe/axe.min.js"))
OWN = (
    "/dashboard",
    "/dashboard/playground",
    "/dashboard/calls",
    "/dashboard/usage",
    "/dashboard/keys",
    "/dashboard/help",
)
PATHS = [
    *(entry.path for entry in ENTRIES),
    "/dashboard/users/owner",
    "/dashboard/keys/new",
    "/dashboard/providers/new",
    "/dashboard/providers/new?vendor=mistral",
    "/dashboard/providers/new?vendor=other",
    "/dashboard/models/margin?margin=20&credit_price=1",
    "/dashboard/routing?model=echo/echo",
    "/dashboard/calls?state=errors",
    "/dashboard/usage?every=hour&by=user",
    path_of("user change", name="owner"),
    path_of("user disable", name="owner"),
    path_of("rate show", model="echo/echo"),
]


@pytest.fixture(scope="module", autouse=True)
def called(staffed: Staffed) -> str:
    """The id of a call that ended."""
    return str(ask(staffed.hub, CHAT, openai_body("echo/echo", "Hello")).header("x-request-id"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_fits_and_reports_no_fault(
    browser: Any, hub: HubProcess, called: str, width: int, scheme: str
) -> None:
    seen = Watched(browser, hub, width, scheme)
    seen.sign_in(hub.key)
    for path in (*PATHS, f"/dashboard/calls/{called}"):
        assert seen.open(path).ok, path
        assert seen.fits(), f"{path} is wider than the screen"
    assert [] == seen.faults


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed: make browser-test")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Any, hub: HubProcess, called: str, scheme: str) -> None:
    seen = Watched(browser, hub, scheme=scheme)
    found = []
    for path in ("/dashboard/sign-in", *PATHS, f"/dashboard/calls/{called}"):
        if path == PATHS[0]:
            seen.sign_in(hub.key)
        seen.open(path)
        seen.page.evaluate(AXE.read_text())
        violations = seen.page.evaluate("axe.run().then((result) => result.violations)")
        found += [
            f"{path}: {one['id']}: {one['nodes'][0]['html'][:200]}"
            for one in violations
            if one["impact"] in ("serious", "critical")
        ]
    assert [] == found


@pytest.mark.parametrize("role", ["owner", "admin", "guest"])
def test_every_role_sees_the_pages_of_its_menu_and_no_others(browser: Any, staffed: Staffed, role: str) -> None:
    seen = Watched(browser, staffed.hub)
    seen.sign_in(staffed.keys[role])
    menu = seen.page.eval_on_selector_all("nav.wide a", "links => links.map((link) => link.getAttribute('href'))")

    assert menu == [entry.path for entry in ENTRIES if role != "guest" or entry.path in OWN]
    for entry in ENTRIES:
        answer = seen.open(entry.path)
        assert (200 if entry.path in menu else 403) == answer.status, entry.path
        assert seen.page.inner_text("h1")
    assert [] == seen.faults


def test_pages_are_read_and_forms_are_sent_without_javascript(browser: Any, hub: HubProcess) -> None:
    seen = Watched(browser, hub, java_script_enabled=False)
    seen.sign_in(hub.key)
    for path in PATHS:
        assert seen.open(path).ok, path
        assert seen.page.inner_text("h1"), path
    seen.open("/dashboard/calls")
    seen.page.fill("#model", "no-such-model")
    seen.page.click("text=Filter")
    assert "No call matches" in seen.page.inner_text("main")
    seen.open("/dashboard/keys/new?user=gus")
    seen.page.click("button.main")
    assert "Copy the key now" in seen.page.inner_text("main")


def test_the_theme_is_switched_and_kept(browser: Any, hub: HubProcess) -> None:
    seen = Watched(browser, hub, scheme="light")
    seen.sign_in(hub.key)
    before = seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
    seen.page.click("#theme")
    after = seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
    seen.open("/dashboard/help")

    assert before != after
    assert after == seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert [] == seen.faults


def test_the_keyboard_reaches_the_content_and_shows_where_it_is(browser: Any, hub: HubProcess) -> None:
    seen = Watched(browser, hub)
    seen.sign_in(hub.key)
    seen.open("/dashboard/keys")
    seen.page.keyboard.press("Tab")
    assert "Skip to the content" == seen.page.evaluate("document.activeElement.textContent")
    seen.page.keyboard.press("Enter")
    seen.page.keyboard.press("Tab")
    focused = seen.page.evaluate("document.activeElement.textContent")
    outline = seen.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert ("Create key", "solid") == (focused, outline)
