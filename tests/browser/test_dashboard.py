"""The dashboard in a real browser (`make browser-test`): skipped where there is no Chromium or no Playwright."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from entrypoints.http.dashboard.action_pages import path_of
from entrypoints.http.dashboard.navigation import ENTRIES
from tests.support.hub import HubProcess, running_hub

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: make browser-test")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium")

WIDTHS = (360, 1280, 2560)
AXE = Path(os.environ.get("AIHUB_TEST_AXE", ".venv/axe/axe.min.js"))
PATHS = [
    *(entry.path for entry in ENTRIES),
    path_of("key create"),
    path_of("user change", name="owner"),
    "/dashboard/users/owner",
]


class Watched:
    """A page of the browser whose faults are collected."""

    def __init__(self, browser: Any, hub: HubProcess, width: int = 1280, scheme: str = "light") -> None:
        self.faults: list[str] = []
        self.context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.page = self.context.new_page()
        self.hub = hub
        self.page.on(
            "console", lambda line: self.faults.append(line.text) if line.type in ("error", "warning") else None
        )
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", self._requested)

    def _requested(self, request: Any) -> None:
        if not request.url.startswith((self.hub.url, "data:")):
            self.faults.append(f"a request to {request.url}")

    def sign_in(self, key: str) -> None:
        self.page.goto(f"{self.hub.url}/dashboard/sign-in")
        self.page.fill("#key", key)
        self.page.click("button.main")
        self.page.wait_for_url(f"{self.hub.url}/dashboard")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    with running_hub(tmp_path_factory.mktemp("browser") / "data") as hub:
        hub.cli("user", "add", "alice")
        hub.cli("credit", "grant", "alice", "5")
        yield hub


def test_from_the_first_start_to_the_first_billed_call(browser: Any, hub: HubProcess) -> None:
    seen = Watched(browser, hub)
    page = seen.page
    link = re.findall(r"http\S+/dashboard/sign-in/\S+", hub.log.read_text())[0]
    page.goto(link)
    page.click("button.main")
    page.wait_for_url(f"{hub.url}/dashboard")
    page.click("text=Open playground")
    page.fill("#prompt", "Hello from a browser")
    page.click("#send")
    page.click(".play-column a:has-text('credits')")
    page.wait_for_selector("text=Charge")

    assert page.inner_text("#call-id") == hub.calls()[0]["id"]
    assert hub.calls()[0]["charge"] in page.inner_text("main")
    page.goto(link)
    page.click("button.main")
    assert "used already" in page.inner_text("main")
    assert [] == [fault for fault in seen.faults if "401" not in fault]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_fits_and_reports_no_fault(browser: Any, hub: HubProcess, width: int, scheme: str) -> None:
    seen = Watched(browser, hub, width, scheme)
    seen.sign_in(hub.key)
    for path in PATHS:
        assert seen.page.goto(hub.url + path).ok, path
        seen.page.wait_for_load_state("load")
        assert seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
            f"{path} is wider than the screen"
        )
    assert [] == seen.faults


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed: make browser-test")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Any, hub: HubProcess, scheme: str) -> None:
    seen = Watched(browser, hub, scheme=scheme)
    seen.sign_in(hub.key)
    found = []
    for path in PATHS:
        seen.page.goto(hub.url + path)
        seen.page.evaluate(AXE.read_text())
        violations = seen.page.evaluate("axe.run().then((result) => result.violations)")
        found += [
            f"{path}: {one['id']}: {one['nodes'][0]['html'][:200]}"
            for one in violations
            if one["impact"] in ("serious", "critical")
        ]
    assert [] == found


def test_a_session_ends_in_the_browser_when_its_key_is_revoked(browser: Any, hub: HubProcess) -> None:
    made = hub.cli("key", "create", "--user", "alice")
    seen = Watched(browser, hub)
    seen.sign_in(made["key"])
    hub.cli("key", "revoke", made["id"])
    seen.page.goto(f"{hub.url}/dashboard/keys")

    assert "/dashboard/sign-in" in seen.page.url
