"""The call log over HTTP: filters and pages, exports, and users who see their own and nothing of others."""

import csv
import io
import json

import pytest

from tests.behaviour.conftest import People
from tests.behaviour.dashboard import ROOT, sign_in
from tests.behaviour.error_shape import check_error
from tests.behaviour.plain_calls import CHAT, Response, ask, openai_body
from tests.behaviour.stub import Stub
from tests.support.hub import HubProcess
from tests.support.provider import answering

CALLS, EXPORT, STATS = "/api/v1/calls", "/api/v1/calls/export", "/api/v1/stats"


def called(hub: HubProcess, key: str | None = None, model: str = "oai/m", **headers: str) -> str:
    answered = ask(hub, CHAT, openai_body(model), key=key, headers=headers)
    return str(answered.header("x-request-id"))


def ids(response: Response) -> list[str]:
    assert 200 == response.status, response.body
    return [call["id"] for call in response.json()["data"]]


def records(response: Response) -> list[dict[str, str]]:
    return [*csv.DictReader(io.StringIO(response.body.decode(), newline=""))]


def test_calls_are_filtered_and_paged(hub: HubProcess, stub: Stub) -> None:
    app, run = f"shop-{hub.interface}", f"run-{hub.interface}"
    headers = {"x-aigne-hub-client-did": app, "x-aihub-run": run}
    made = [called(hub, model=model, **headers) for model in ("oai/m", "left/duplicate", "oai/m")]
    failed = called(hub, model="oai/nothing", **headers)

    of_app = ids(ask(hub, f"{CALLS}?app={app}"))
    assert made[::-1] == [one for one in of_app if one != failed]
    assert made[2:0:-1] == ids(ask(hub, f"{CALLS}?app={app}&status=succeeded&limit=2"))
    assert made[:1] == ids(ask(hub, f"{CALLS}?app={app}&status=succeeded&limit=2&before={made[1]}"))
    assert [made[1]] == ids(ask(hub, f"{CALLS}?run={run}&provider=left"))
    assert [made[2], made[0]] == ids(ask(hub, f"{CALLS}?run={run}&model=m&operation=chat"))
    assert [made[1]] == ids(ask(hub, f"{CALLS}?search={made[1][5:]}"))
    assert [] == ids(ask(hub, f"{CALLS}?run={run}&slower_than=1d"))
    started = ask(hub, f"{CALLS}/{made[1]}").json()["started"]
    assert made[1:] == ids(ask(hub, f"{CALLS}?app={app}&status=succeeded&since={started}"))[::-1]
    assert made[:1] == ids(ask(hub, f"{CALLS}?app={app}&until={started}"))


def test_a_user_sees_their_own_calls_without_the_cost_and_no_others(
    hub: HubProcess, people: People, stub: Stub
) -> None:
    mine, theirs = called(hub, people.guest), called(hub)

    listed = ask(hub, f"{CALLS}?limit=1000", key=people.guest).json()["data"]
    shown = ask(hub, f"{CALLS}/{mine}", key=people.guest).json()
    other = check_error(ask(hub, f"{CALLS}/{theirs}", key=people.guest), CALLS, 404)
    missing = check_error(ask(hub, f"{CALLS}/call_none", key=people.guest), CALLS, 404)

    assert {"guest"} == {call["user"] for call in listed}
    assert mine == listed[0]["id"] == shown["id"]
    assert [None] * 4 == [shown[name] for name in ("cost_usd", "price_id", "credential_id", "process")]
    assert [(None, None, "")] == [(one["cost_usd"], one["credential_id"], one["message"]) for one in shown["attempts"]]
    assert {"hold", "capture"} <= {line["kind"] for line in shown["lines"]}
    assert other["message"].replace(theirs, "call_none") == missing["message"]
    for before in (theirs, "call_none"):
        check_error(ask(hub, f"{CALLS}?before={before}", key=people.guest), CALLS, 404)
    for name in ("owner", "nobody"):
        check_error(ask(hub, f"{CALLS}?user={name}", key=people.guest), CALLS, 404)
        check_error(ask(hub, f"{EXPORT}?user={name}", key=people.guest), EXPORT, 404)
    assert {"guest"} == {row["user"] for row in records(ask(hub, EXPORT, key=people.guest))}
    check_error(ask(hub, EXPORT, key=""), EXPORT, 401)


def test_a_user_does_not_see_what_a_provider_writes_about_the_credential(
    hub: HubProcess, people: People, stub: Stub
) -> None:
    words = "Incorrect API key provided: sk-tea-4711"
    stub.will(answering(401, f'{{"error": {{"message": "{words}"}}}}'.encode()))
    mine = called(hub, people.guest, "left/duplicate")
    (held,) = [one for one in hub.cli("credential", "list") if one["provider"] == "left"]
    hub.cli("credential", "activate", held["id"])
    pages = (f"{CALLS}/{mine}", CALLS, EXPORT, f"{ROOT}/calls/{mine}", f"{ROOT}/calls.csv", "/api/user/model-calls")

    for path in pages:
        operator, user = (
            sign_in(hub, key).get(path) if path.startswith(ROOT) else ask(hub, path, key=key)
            for key in (hub.key, people.guest)
        )
        assert (200, 200) == (operator.status, user.status), path
        assert mine.encode() in user.body, path
        assert b"rejected the hub" in user.body, path
        assert words.encode() not in user.body, path
        assert words.encode() in operator.body or path == "/api/user/model-calls", path


def test_a_user_sees_their_own_sums_without_the_cost(hub: HubProcess, people: People, stub: Stub) -> None:
    called(hub, people.guest)
    everything = ask(hub, f"{STATS}?by=user").json()
    mine = ask(hub, f"{STATS}?by=user&compare=true", key=people.guest).json()

    (guest,) = [row["figures"] for row in everything["rows"] if row["user"] == "guest"]
    assert [("guest", {**guest, "cost": None, "cost_unknown": None})] == [
        (row["user"], row["figures"]) for row in mine["rows"]
    ]
    assert mine["total"] == mine["rows"][0]["figures"]
    check_error(ask(hub, f"{STATS}?user=owner", key=people.guest), STATS, 404)
    check_error(ask(hub, f"{STATS}?by=credential", key=people.guest), STATS, 400)


def test_an_export_has_every_call_in_csv_and_in_json_lines(hub: HubProcess, stub: Stub) -> None:
    app = f"export-{hub.interface}"
    made = [called(hub, **{"x-aigne-hub-client-did": app}) for _ in range(3)]

    as_csv = ask(hub, f"{EXPORT}?app={app}")
    as_lines = ask(hub, f"{EXPORT}?app={app}&format=jsonl")
    rows, lines = records(as_csv), [json.loads(line) for line in as_lines.body.splitlines()]

    assert made == [row["id"] for row in rows] == [line["id"] for line in lines]
    assert [line["charge"] for line in lines] == [row["charge"] for row in rows]
    assert ("text/csv; charset=utf-8", 'attachment; filename="calls.csv"') == (
        as_csv.header("content-type"),
        as_csv.header("content-disposition"),
    )
    assert "application/x-ndjson" == as_lines.header("content-type")
    assert lines[::-1] == ask(hub, f"{CALLS}?app={app}").json()["data"]
    assert as_csv.body.decode().splitlines()[0] == ask(hub, f"{EXPORT}?app=none").body.decode().strip()


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=done", "status"),
        ("since=yesterday", "since"),
        ("since=2026-01-02&until=2026-01-01", "until"),
        ("slower_than=fast", "slower_than"),
        ("limit=10001", "limit"),
        (f"search={'x' * 201}", "search"),
        ("colour=red", "colour"),
    ],
)
def test_a_bad_filter_is_a_400_that_names_the_field(hub: HubProcess, query: str, field: str) -> None:
    assert field == check_error(ask(hub, f"{CALLS}?{query}"), CALLS, 400)["param"]
