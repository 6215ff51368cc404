"""The pictures that the documentation shows, made again from a hub with a month of calls.

python -m tests.browser.screenshots docs/images
"""

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.behaviour.plain_calls import CHAT, ask, openai_body
from tests.browser.browser import CHROMIUM, Watched, sync_api
from tests.support.hub import HubProcess
from tests.support.month import fill_month

CALLS = 20_000


def main(folder: Path) -> None:
    """Write the pictures into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as directory, sync_api.sync_playwright() as playwright:
        hub = HubProcess(Path(directory) / "data")
        hub.start()
        try:
            _fill(hub)
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            _draw(browser, hub, folder)
            browser.close()
        finally:
            hub.stop()


def _fill(hub: HubProcess) -> None:
    hub.cli("provider", "add", "openai")
    hub.cli("provider", "add", "anthropic")
    hub.cli("rate", "bulk", "--margin", "20", "--credit-price", "1")
    for name in ("alice", "bruno", "chen"):
        hub.cli("user", "add", name)
        hub.cli("credit", "grant", name, "10000")
        hub.cli("key", "create", "--user", name, "--name", f"{name}-laptop")
    hub.cli("credit", "grant", "owner", "2500")
    hub.stop()
    fill_month(hub.data_dir / "aikit.db", CALLS, int(time.time() * 1000) - 5_000)
    hub.start()
    ask(hub, CHAT, openai_body("echo/echo", "Hello"))


def _draw(browser: Any, hub: HubProcess, folder: Path) -> None:
    seen = Watched(browser, hub)
    seen.page.set_viewport_size({"width": 1280, "height": 720})
    seen.sign_in(hub.key)
    seen.open("/dashboard")
    seen.page.screenshot(path=folder / "overview.png")
    seen.open("/dashboard/playground?model=echo/echo")
    seen.page.click("#add-model")
    seen.page.fill("#model-1", "echo/echo")
    seen.page.fill("#prompt", "Name **three** teas:\n\n1. Assam\n2. Sencha\n3. Oolong")
    seen.page.click("#send")
    seen.page.wait_for_selector(".play-column >> nth=1 >> a:has-text('credits')")
    seen.page.screenshot(path=folder / "playground.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
