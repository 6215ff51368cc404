"""Chromium, driven by Playwright; each page collects what went wrong on it."""

import shutil
from typing import Any

import pytest

from tests.support.hub import HubProcess

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: make browser-test")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
WAIT_MS = 30_000
# What a browser reports of a page whose status is no success: that is what the test asked for.
EXPECTED = "Failed to load resource: the server responded with a status of 4"


class Watched:
    """A page of the browser whose faults are collected: errors of the console, of scripts and of the policy, and every
    request to another host.
    """

    def __init__(self, browser: Any, hub: HubProcess, width: int = 1280, scheme: str = "light", **more: Any) -> None:
        self.faults: list[str] = []
        self.hub = hub
        self.context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, **more)
        self.context.set_default_timeout(WAIT_MS)
        self.page = self.context.new_page()
        self.watch(self.page)

    def watch(self, page: Any) -> None:
        """Collect the faults of a page."""
        page.on("console", self._logged)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", self._requested)

    def _logged(self, line: Any) -> None:
        if line.type in ("error", "warning") and not line.text.startswith(EXPECTED):
            self.faults.append(line.text)

    def _requested(self, request: Any) -> None:
        if not request.url.startswith((self.hub.url, "data:", "blob:")):
            self.faults.append(f"a request to {request.url}")

    def open(self, path: str) -> Any:
        """The answer of a page of the dashboard, once it is shown."""
        answer = self.page.goto(self.hub.url + path)
        self.page.wait_for_load_state("load")
        return answer

    def sign_in(self, key: str) -> None:
        """Sign in by the form."""
        self.page.goto(f"{self.hub.url}/dashboard/sign-in")
        self.page.fill("#key", key)
        self.page.click("button.main")
        self.page.wait_for_url(f"{self.hub.url}/dashboard")

    def fits(self) -> bool:
        """Whether nothing is wider than the screen."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth <= innerWidth"))
