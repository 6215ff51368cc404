"""One number everywhere: for any filter the lists, files, statistics and AIGNE's routes agree to the nanocredit.

The books hold a month of calls, some of which were charged again under a corrected rate. `AIHUB_TEST_MONTH_CALLS` makes
it larger.
"""

import csv
import io
import json
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.behaviour.plain_calls import ask
from tests.support.hub import HubProcess
from tests.support.month import fill_month

CALLS = int(os.environ.get("AIHUB_TEST_MONTH_CALLS", "3000"))
DAY_S = 86_400
PAGE_MAX, AIGNE_PAGE = 1_000, 100
# So many calls at most are read page by page, at a hundred a page.
PAGED_MAX = 500
RATE = ("--context", "128000", "--max-output", "4096")
USERS = ("ann", "bob")


class Month(msgspec.Struct, frozen=True, kw_only=True):
    """A hub with a month of calls, its users' keys and ids, and the second after the last call."""

    hub: HubProcess
    keys: dict[str, str]
    ids: dict[str, str]
    end_s: int


class Sum(msgspec.Struct, frozen=True, kw_only=True):
    """What some calls come to."""

    calls: int
    credits: Decimal


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Month]:
    hub = HubProcess(tmp_path_factory.mktemp("month") / "data")
    hub.cli("provider", "add", "acme", "--dialect", "openai", "--base-url", "http://127.0.0.1:9/v1")
    for model, price in (("large", "5"), ("small", "0.7")):
        hub.cli("rate", "set", f"acme/{model}", "--input", price, "--output", "3", *RATE)
    made = {}
    for user in USERS:
        hub.cli("user", "add", user)
        hub.cli("credit", "grant", user, "1000000")
        made[user] = [hub.cli("key", "create", "--user", user) for _ in range(2)]
    end_s = int(time.time()) - DAY_S
    fill_month(hub.data_dir / "aikit.db", CALLS, end_s * 1000)
    corrected = datetime.fromtimestamp(end_s - 10 * DAY_S, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    hub.cli("rate", "set", "acme/small", "--input", "0.9", "--output", "2", *RATE, "--from", corrected)
    assert hub.cli("rerate", "--model", "acme/small", "--since", corrected, "--apply")["calls"]
    hub.start()
    try:
        ids = {user["name"]: user["id"] for user in hub.cli("user", "list")}
        yield Month(hub=hub, keys={user: keys[0]["key"] for user, keys in made.items()}, ids=ids, end_s=end_s)
    finally:
        hub.stop()


def moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def got(month: Month, path: str, query: dict[str, Any], key: str | None = None) -> Any:
    answered = ask(month.hub, f"{path}?{urlencode(query)}", key=key)
    assert 200 == answered.status, answered.body
    body = answered.body.decode()
    if "csv" in str(answered.header("content-type")):
        return [*csv.DictReader(io.StringIO(body, newline=""))]
    if "ndjson" in str(answered.header("content-type")):
        return [json.loads(line) for line in body.splitlines()]
    return json.loads(body, parse_float=Decimal)


def summed(rows: list[dict[str, Any]], *fields: str) -> Sum:
    return Sum(calls=len(rows), credits=sum((Decimal(row[name]) for row in rows for name in fields), Decimal(0)))


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """A filter; `first_s` and `last_s` are seconds before the end of the month, in either order."""

    first_s: int
    last_s: int
    user: str | None
    model: str | None
    app: str | None
    ending: str | None

    def span(self, end_s: int) -> tuple[int, int]:
        """The first second, and the one after the last."""
        return end_s - max(self.first_s, self.last_s) - 1, end_s - min(self.first_s, self.last_s)


SECONDS = st.integers(0, 30 * DAY_S)
FILTERS = st.builds(
    Filter,
    first_s=SECONDS,
    last_s=SECONDS,
    user=st.sampled_from((None, *USERS)),
    model=st.sampled_from((None, "large", "small")),
    app=st.sampled_from((None, None, "shop", "nightly")),
    ending=st.sampled_from((None, None, "completed", "client_disconnected", "timed_out")),
)


def test_every_way_to_read_the_calls_agrees_for_any_filter(month: Month) -> None:
    totals: list[Sum] = []

    @settings(max_examples=25, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
    @given(FILTERS)
    def agree(wanted: Filter) -> None:
        totals.append(everywhere(month, wanted))

    agree()

    assert any(one.calls > 100 for one in totals)
    assert any(one.credits > 0 for one in totals)


def everywhere(month: Month, wanted: Filter) -> Sum:
    """The sum of the calls of a filter, after every way to read it was compared."""
    first_s, end_s = wanted.span(month.end_s)
    named = {name: value for name in ("user", "model", "app") if (value := getattr(wanted, name)) is not None}
    hubs = {**named, "since": moment(first_s), "until": moment(end_s)}
    by_ending = {} if wanted.ending is None else {"status": wanted.ending}

    lines = got(month, "/api/v1/calls/export", {**hubs, **by_ending, "format": "jsonl"})
    expected = summed(lines, "charge", "adjusted")
    assert expected == summed(got(month, "/api/v1/calls/export", {**hubs, **by_ending}), "charge", "adjusted")
    assert expected == summed(paged(month, {**hubs, **by_ending}), "charge", "adjusted")
    stats = {**hubs, **({} if wanted.ending is None else {"ending": wanted.ending})}
    figures = got(month, "/api/v1/stats", stats)["total"]
    assert expected == Sum(calls=figures["calls"], credits=Decimal(figures["charge"])), wanted
    tokens = sum(sum(count for unit, count in (line["usage"] or {}).items() if "token" in unit) for line in lines)
    assert tokens == figures["input_tokens"] + figures["output_tokens"]
    by = got(month, "/api/v1/stats", {**stats, "by": "model", "every": "whole"})["rows"]
    assert expected.credits == sum((Decimal(row["figures"]["charge"]) for row in by), Decimal(0))
    if wanted.ending is None:
        aignes(month, wanted, expected)
    return expected


def paged(month: Month, query: dict[str, Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    page = got(month, "/api/v1/calls", {**query, "limit": PAGE_MAX})["data"]
    while page:
        rows += page
        page = got(month, "/api/v1/calls", {**query, "limit": PAGE_MAX, "before": page[-1]["id"]})["data"]
    return rows


def aignes(month: Month, wanted: Filter, expected: Sum) -> None:
    """AIGNE's file, list and statistics of the same calls; its end is the last second of the time.

    Its filter of models finds a part of any name, so it has calls as well that no provider answered: they cost nothing.
    """
    first_s, end_s = wanted.span(month.end_s)
    time_of = {"startTime": first_s, "endTime": end_s - 1}
    own = month.keys[wanted.user] if wanted.user is not None else None
    query: dict[str, Any] = {**time_of, **({"allUsers": "true"} if own is None else {})}
    query |= {} if wanted.model is None else {"model": wanted.model}
    query |= {} if wanted.app is None else {"appDid": wanted.app}

    file = summed(got(month, "/api/user/model-calls/export", query, own), "Credits")
    assert expected.credits == file.credits
    assert wanted.model is not None or expected.calls == file.calls
    expected = file
    page = got(month, "/api/user/model-calls", {**query, "pageSize": AIGNE_PAGE}, own)
    assert expected.calls == page["count"]
    if expected.calls <= PAGED_MAX:
        rows = page["list"]
        while len(page["list"]) == AIGNE_PAGE:
            cursor = page["paging"]["nextCursor"]
            page = got(month, "/api/user/model-calls", {**query, "pageSize": AIGNE_PAGE, "cursor": cursor}, own)
            rows += page["list"]
        assert expected == summed(rows, "credits")
    if wanted.model is None and wanted.app is None:
        path = "/api/user/admin/user-stats" if own is None else "/api/user/usage-stats"
        stats = got(month, path, {**time_of, "timezoneOffset": -330}, own)
        assert expected == Sum(calls=stats["summary"]["totalCalls"], credits=Decimal(stats["summary"]["totalCredits"]))
        assert expected == Sum(
            calls=sum(day["totalCalls"] for day in stats["dailyStats"]),
            credits=sum((Decimal(day["totalCredits"]) for day in stats["dailyStats"]), Decimal(0)),
        )
        projects = got(month, "/api/usage/projects", query, own)["projects"]
        assert expected.credits == sum((Decimal(one["totalCredits"]) for one in projects), Decimal(0))
    if own is not None and wanted.model is None and wanted.app is None and expected.calls <= PAGED_MAX:
        taken = transactions(month, {"start": first_s, "end": end_s - 1}, own)
        assert expected.credits == sum((Decimal(row["credit_amount"]) for row in taken), Decimal(0)) / 10**9


def transactions(month: Month, query: dict[str, Any], key: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    number = 1
    while True:
        page = got(month, "/api/user/credit/transactions", {**query, "page": number, "pageSize": AIGNE_PAGE}, key)
        rows += page["list"]
        if len(rows) >= page["count"] or not page["list"]:
            return rows
        number += 1


def test_the_month_agrees_with_balances_metrics_and_the_ledger(month: Month) -> None:
    hub = month.hub
    stats = hub.cli("stats", "show", "--since", moment(month.end_s - 31 * DAY_S), "--by", "user")
    spent = {row["user"]: Decimal(row["figures"]["charge"]) for row in stats["rows"]}

    for user in USERS:
        assert Decimal(1_000_000) - spent[user] == Decimal(hub.balance(user)["available"])
        quota = got(month, "/api/usage/quota", {}, month.keys[user])
        assert (spent[user], Decimal(1_000_000)) == (Decimal(quota["used"]), Decimal(quota["total"]))
    assert CALLS == stats["total"]["calls"]
    measured = sum(
        Decimal(line.rpartition(" ")[2])
        for line in ask(hub, "/metrics").body.decode().splitlines()
        if line.startswith(("aihub_charge_nanocredits_total{", "aihub_adjustment_nanocredits{"))
    )
    assert sum(spent.values()) * 10**9 == measured
    assert hub.cli("ledger", "verify")["ok"]
    assert hub.cli("stats", "verify")["ok"]
