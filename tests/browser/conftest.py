"""A browser for each module, and a hub with people of every role."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from tests.browser.browser import CHROMIUM, sync_api
from tests.support.hub import HubProcess, running_hub


class Staffed(msgspec.Struct, frozen=True):
    """A hub, and a key for each role."""

    hub: HubProcess
    keys: dict[str, str]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("no Chromium: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def staffed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staffed]:
    with running_hub(tmp_path_factory.mktemp("browser") / "data") as hub:
        keys = {"owner": hub.key}
        for name, role in (("ada", "admin"), ("gus", "guest")):
            hub.cli("user", "add", name, "--role", role)
            hub.cli("credit", "grant", name, "5")
            keys[role] = hub.cli("key", "create", "--user", name, "--purpose", "both")["key"]
        yield Staffed(hub, keys)


@pytest.fixture
def hub(staffed: Staffed) -> HubProcess:
    return staffed.hub
