"""The call log as a whole: page by page, and as a file that other programs read."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.behaviour.plain_calls import CHAT, ask, openai_body
from tests.entrypoints.command import process
from tests.support.hub import HubProcess, running_hub

ODD_KEY = 'a "quoted", key; =1+1'


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[HubProcess, list[str]]]:
    """A hub that runs, and the ids of seven calls, oldest first: the fourth is a guest's."""
    with running_hub(tmp_path_factory.mktemp("log") / "data") as hub:
        for user in ("owner", "guest"):
            if user != "owner":
                hub.cli("user", "add", user)
            hub.cli("credit", "grant", user, "10")
        guest = hub.cli("key", "create", "--user", "guest")["key"]
        ids = []
        for number in range(7):
            key = guest if number == 3 else hub.key
            named = {"idempotency-key": ODD_KEY} if number == 5 else {}
            received = ask(hub, CHAT, openai_body("echo", max_tokens=5), key=key, headers=named)
            assert received.status == 200
            ids.append(str(received.header("x-request-id")))
        yield hub, ids


def test_every_call_is_reached_page_by_page(made: tuple[HubProcess, list[str]]) -> None:
    hub, ids = made
    listed: list[str] = []
    page = hub.cli("call", "list", "--limit", "3")
    while page:
        listed += [call["id"] for call in page]
        page = hub.cli("call", "list", "--limit", "3", "--before", listed[-1])

    assert ids[::-1] == listed
    of_owner = hub.cli("call", "list", "--user", "owner", "--before", ids[4])
    assert [ids[2], ids[1], ids[0]] == [call["id"] for call in of_owner]
    unknown = process(hub.data_dir, "call", "list", "--before", "call_none")
    assert "there is no call 'call_none'" in unknown.stderr


def test_an_export_as_csv_is_read_again_exactly(made: tuple[HubProcess, list[str]]) -> None:
    hub, ids = made
    reported = process(hub.data_dir, "call", "export")
    rows = list(csv.DictReader(io.StringIO(reported.stdout, newline="")))

    assert (0, "7 calls\n") == (reported.returncode, reported.stderr)
    assert ids == [row["id"] for row in rows]
    assert ODD_KEY == rows[5]["idempotency_key"]
    for row in rows:
        shown = hub.cli("call", "show", row["id"])
        assert (shown["charge"], shown["user"], shown["ending"]) == (row["charge"], row["user"], "completed")
        assert shown["usage"]["input_tokens"] == int(row["input_tokens"])
        assert shown["attempts"] == json.loads(row["attempts"])
        assert ("0", "false") == (row["adjusted"], row["stream"])


def test_an_export_as_json_lines_has_every_field_of_a_call(made: tuple[HubProcess, list[str]]) -> None:
    hub, ids = made
    reported = process(hub.data_dir, "call", "export", "--json")
    calls: list[Any] = [json.loads(line) for line in reported.stdout.splitlines()]

    assert ids == [call["id"] for call in calls]
    shown = hub.cli("call", "show", ids[5])
    assert ["hold", "capture"] == [line["kind"] for line in shown["lines"]][:2]
    assert calls[5] == {name: value for name, value in shown.items() if name not in ("adjustments", "lines")}


def test_an_export_may_be_of_one_user_or_of_a_span(made: tuple[HubProcess, list[str]]) -> None:
    hub, ids = made

    def exported(*words: str) -> list[str]:
        reported = process(hub.data_dir, "call", "export", "--json", *words)
        return [json.loads(line)["id"] for line in reported.stdout.splitlines()]

    assert [ids[3]] == exported("--user", "guest")
    started = hub.cli("call", "show", ids[4])["started"]
    assert ids[4:] == exported("--since", started)
    assert ids[:4] == exported("--until", started)
    assert "there is no user 'nobody'" in process(hub.data_dir, "call", "export", "--user", "nobody").stderr
    empty = process(hub.data_dir, "call", "export", "--until", "2020-01-01")
    assert (1, "0 calls\n") == (len(empty.stdout.splitlines()), empty.stderr)
