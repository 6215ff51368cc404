"""A month of 100,000 calls in a real browser: every page fits, is small, and shows the books' own figures."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.browser import Watched
from tests.support.hub import HubProcess
from tests.support.month import fill_month

CALLS = 100_000
BYTES_MAX = 100_000
PATHS = (
    "",
    "/calls",
    "/calls?state=errors&app=shop",
    "/usage",
    "/usage?since=7d&every=hour&by=user",
    "/usage?since=365d&every=month&by=key",
    "/keys",
    "/users",
    "/users/alice",
    "/providers",
    "/models",
    "/models/margin?margin=25&credit_price=1",
    "/limits",
    "/audit",
)


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    hub = HubProcess(tmp_path_factory.mktemp("month") / "data")
    hub.start()
    try:
        for name in ("openai", "anthropic"):
            hub.cli("provider", "add", name)
        hub.cli("rate", "bulk", "--margin", "20", "--credit-price", "1")
        for name in ("owner", "alice", "bruno", "chen"):
            if name != "owner":
                hub.cli("user", "add", name)
                hub.cli("key", "create", "--user", name, "--name", f"{name}-laptop")
            hub.cli("credit", "grant", name, "1000000")
        hub.stop()
        fill_month(Path(hub.data_dir) / "aikit.db", CALLS, int(time.time() * 1000) - 5_000)
        hub.start()
        yield hub
    finally:
        hub.stop()


def test_the_books_of_the_month_add_up(month: HubProcess) -> None:
    assert month.cli("ledger", "verify")["ok"]
    verified = month.cli("stats", "verify")
    assert (True, CALLS) == (verified["ok"], verified["calls"])


@pytest.mark.parametrize("width", [360, 1280])
def test_every_page_of_a_busy_month_fits_and_is_small(browser: Any, month: HubProcess, width: int) -> None:
    seen = Watched(browser, month, width)
    seen.sign_in(month.key)
    for path in PATHS:
        answer = seen.open(f"/dashboard{path}")
        assert answer.ok, path
        assert len(answer.body()) < BYTES_MAX, path
        assert seen.fits(), path
    assert [] == seen.faults


def test_the_figures_of_the_month_are_those_of_the_books(browser: Any, month: HubProcess) -> None:
    seen = Watched(browser, month)
    seen.sign_in(month.key)
    stats = month.cli("stats", "show", "--since", "365d", "--every", "month", "--by", "model")
    seen.open("/dashboard/usage?since=365d&every=month")
    shown = seen.page.inner_text("main")

    assert stats["total"]["charge"] in shown
    assert f"{CALLS:,}".replace(",", "\u202f") in shown
    assert seen.page.query_selector("#chart canvas") is not None
    with seen.page.expect_download() as download:
        seen.page.click("text=CSV >> nth=0")
    lines = Path(download.value.path()).read_text().splitlines()
    assert len({row["model"] for row in stats["rows"]}) + 1 == len(lines)
    assert [] == seen.faults
