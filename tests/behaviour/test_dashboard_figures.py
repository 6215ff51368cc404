"""Every figure of the pages equals that of the command line for the same filter, to the nanocredit."""

import csv
import re
from io import StringIO
from typing import Any

import pytest

from tests.behaviour.conftest import People
from tests.behaviour.dashboard import ROOT, Browser, sign_in, tables_of, text_of
from tests.behaviour.plain_calls import CHAT, Response, ask, openai_body
from tests.support.hub import HubProcess

SUBJECTS = ("model", "provider", "operation", "ending", "app", "run", "key", "user", "team")


@pytest.fixture
def owner(hub: HubProcess, people: People) -> Browser:
    """The owner's browser, after calls of two users, one of which fails."""
    for key, model, app in (
        (hub.key, "echo/echo", "shop"),
        (people.guest, "echo/echo", "desk"),
        (hub.key, "no/such", "shop"),
    ):
        ask(hub, CHAT, openai_body(model, "How much is it?"), key=key, headers={"x-title": app})
    return sign_in(hub, hub.key)


def records(answer: Response) -> list[dict[str, str]]:
    """The rows of a CSV file, by its head."""
    assert 200 == answer.status, answer.body
    assert "text/csv; charset=utf-8" == answer.header("content-type")
    assert "attachment" in str(answer.header("content-disposition"))
    return [*csv.DictReader(StringIO(answer.body.decode(), newline=""))]


def plain(shown: str) -> str:
    """A whole number without the spaces between its thousands, and a time without its unit."""
    return re.sub(r"\s", "", shown.removesuffix(" ms"))


def written(value: Any) -> str:
    """A value of the command line's JSON as CSV has it."""
    if value is None:
        return ""
    if isinstance(value, str) and value.startswith("@"):
        return f"'{value}"  # A spreadsheet would take it for a formula.
    return str(value).lower() if isinstance(value, bool) else str(value)


@pytest.mark.parametrize("by", SUBJECTS)
def test_usage_by_subject(hub: HubProcess, owner: Browser, by: str) -> None:
    stats = hub.cli("stats", "show", "--since", "7d", "--by", by)
    file = records(owner.get(f"{ROOT}/usage.csv?since=7d&by={by}"))
    table = tables_of(owner.get(f"{ROOT}/usage?since=7d&by={by}"))[0]

    expected = {row[by]: row["figures"] for row in stats["rows"]}
    assert expected
    assert {written(name): figures for name, figures in expected.items()}.keys() == {row[by] for row in file}
    for row in file:
        figures = expected[row[by].removeprefix("'")]
        assert {name: written(value) for name, value in figures.items()} == {name: row[name] for name in figures}
    assert sorted(one["charge"] for one in expected.values()) == sorted(row["Charge"] for row in table)
    assert sorted(one["cost"] for one in expected.values()) == sorted(row["Cost (USD)"] for row in table)
    for column, figure in (("Calls", "calls"), ("Tokens in", "input_tokens"), ("Tokens out", "output_tokens")):
        shown = sorted(int(plain(row[column])) for row in table)
        assert sorted(one[figure] for one in expected.values()) == shown, column


@pytest.mark.parametrize("every", ["hour", "day", "month"])
def test_usage_by_period(hub: HubProcess, owner: Browser, every: str) -> None:
    stats = hub.cli("stats", "show", "--since", "7d", "--every", every, "--user", "guest")
    file = records(owner.get(f"{ROOT}/usage.csv?since=7d&every={every}&user=guest&table=period"))
    page = owner.get(f"{ROOT}/usage?since=7d&every={every}&user=guest")

    assert [row["since"] for row in stats["rows"]] == [row["since"] for row in file]
    for row, line in zip(stats["rows"], file, strict=True):
        assert {name: written(value) for name, value in row["figures"].items()} == {
            name: line[name] for name in row["figures"]
        }
    charges = [row["figures"]["charge"] for row in reversed(stats["rows"]) if row["figures"]["calls"]]
    assert charges == [row["Charge"] for row in tables_of(page)[1]]
    assert stats["total"]["charge"] in text_of(page)


def test_calls_and_their_file_under_every_filter(hub: HubProcess, owner: Browser) -> None:
    calls = hub.calls()
    of_images = {call["id"] for call in hub.cli("call", "list", "--operation", "images")}
    for query, wanted in (
        ("", calls),
        ("user=guest", [call for call in calls if call["user"] == "guest"]),
        ("app=desk", [call for call in calls if call["app"] == "desk"]),
        ("model=echo", [call for call in calls if "echo" in f"{call['model']} {call['provider']}"]),
        ("state=completed", [call for call in calls if call["ending"] == "completed"]),
        (f"key={calls[0]['key_id']}", [call for call in calls if call["key_id"] == calls[0]["key_id"]]),
        (f"since={calls[-1]['started']}", calls),
        (f"until={calls[-1]['started']}", []),
        ("run=none", [call for call in calls if call["run_id"] == "none"]),
        ("operation=images", [call for call in calls if call["id"] in of_images]),
    ):
        file = records(owner.get(f"{ROOT}/calls.csv?{query}"))
        assert [call["id"] for call in wanted] == [row["id"] for row in file], query
        for call, row in zip(wanted, file, strict=True):
            scalars = {name: value for name, value in call.items() if name not in ("usage", "attempts")}
            assert {name: written(value) for name, value in scalars.items()} == {name: row[name] for name in scalars}
            assert all(str(count) == row[unit] for unit, count in (call["usage"] or {}).items())
        tables = tables_of(owner.get(f"{ROOT}/calls?{query}"))
        assert [call["charge"] for call in wanted[:50]] == [row["Charge"] for row in (tables or [[]])[0]], query


def test_a_call_has_the_lines_of_the_journal(hub: HubProcess, owner: Browser) -> None:
    call = hub.cli("call", "show", hub.calls()[-1]["id"])
    tables = tables_of(owner.get(f"{ROOT}/calls/{call['id']}"))
    (ledger,) = [rows for rows in tables if rows and {"Line", "From", "To"} <= {*rows[0]}]

    assert call["lines"]
    expected = [(line["kind"], line["from_account"], line["to_account"], line["amount"]) for line in call["lines"]]
    assert expected == [(row["Line"], row["From"], row["To"], row["Credits"]) for row in ledger[: len(expected)]]


def test_older_calls_follow_without_a_gap(hub: HubProcess, owner: Browser) -> None:
    for number in range(55):
        ask(hub, CHAT, openai_body("echo/echo", f"number {number}"), key=hub.key)
    calls = hub.calls()
    first = owner.get(f"{ROOT}/calls?user=owner")
    last = [call for call in calls if call["user"] == "owner"][49]
    older = owner.get(f"{ROOT}/calls?user=owner&before={last['id']}")

    assert f"before={last['id']}" in first.body.decode()
    shown = [row["Charge"] for page in (first, older) for row in tables_of(page)[0]]
    assert [call["charge"] for call in calls if call["user"] == "owner"][:100] == shown


def test_a_file_has_no_formula_and_shows_a_guest_no_cost(hub: HubProcess, people: People) -> None:
    ask(hub, CHAT, openai_body("echo/echo"), key=people.guest, headers={"x-title": "=1+1"})
    rows = records(sign_in(hub, people.guest).get(f"{ROOT}/calls.csv?user=owner"))

    assert {"guest"} == {row["user"] for row in rows}
    assert "'=1+1" == rows[0]["app"]
    assert not {"cost_usd", "price_id", "credential_id"} & {*rows[0]}
    usage = records(sign_in(hub, people.guest).get(f"{ROOT}/usage.csv?by=app"))
    assert "'=1+1" in {row["app"] for row in usage}
    assert "cost" not in usage[0]


@pytest.mark.parametrize(("path", "status"), [("usage.csv?since=soon", 400), ("calls.csv?since=soon", 400)])
def test_a_file_of_a_wrong_time_is_refused_with_the_field(owner: Browser, path: str, status: int) -> None:
    answer = owner.get(f"{ROOT}/{path}")
    assert status == answer.status
    assert "since" in text_of(answer)


def test_the_preview_of_a_margin_shows_every_change_and_makes_none(hub: HubProcess, owner: Browser) -> None:
    hub.cli("provider", "add", "mistral")
    before = hub.cli("rate", "list"), hub.cli("call", "list")
    terms = ("--margin", "12.5", "--credit-price", "0.01", "--provider", "mistral")
    query = "margin=12.5&credit_price=0.01&provider=mistral"
    (planned,) = hub.cli("rate", "bulk", *terms, "--dry-run")
    page, file = owner.get(f"{ROOT}/models/margin?{query}"), owner.get(f"{ROOT}/models/margin.csv?{query}")

    assert planned["sold"]
    assert [{name: written(value) for name, value in one.items()} for one in planned["changes"]] == records(file)
    shown = [row["After"] for row in tables_of(page)[0]]
    assert [one["after"] for one in planned["changes"]][:100] == shown
    assert before == (hub.cli("rate", "list"), hub.cli("call", "list"))

    done = owner.post(f"{ROOT}/actions/rate-bulk", margin="12.5", credit_price="0.01", provider="mistral")
    assert 303 == done.status
    rates = {rate["model"]: rate for rate in hub.cli("rate", "list")}
    for one in planned["changes"]:
        if not one["requests"]:
            assert one["after"] == rates[one["model"]][one["unit"]]
    again = owner.get(f"{ROOT}/models/margin?{query}")
    assert "Nothing would change" in text_of(again)
    hub.cli("provider", "remove", "mistral")


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ("margin=much&credit_price=1", 400, "margin"),
        ("margin=20&credit_price=0", 400, "credit_price"),
        ("margin=&credit_price=", 400, "margin"),
        ("margin=20&credit_price=1&model=nameless", 400, "model"),
        ("margin=20&credit_price=1&provider=nobody", 404, None),
    ],
)
def test_wrong_terms_come_back_at_their_field(owner: Browser, query: str, status: int, field: str | None) -> None:
    page = owner.get(f"{ROOT}/models/margin?{query}")
    assert status == page.status
    assert ([field] if field else []) == re.findall(r'id="field-(\w+)-error"', page.body.decode())
    assert status == owner.get(f"{ROOT}/models/margin.csv?{query}").status
