"""The command line: every command does what it says, in text and in JSON."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from entrypoints.cli import main
from tests.entrypoints.cli_in_process import CANARY, Said


def test_users(say: Said, tell: Any, refused: Said) -> None:
    assert "alice (guest)" in say("user", "add", "alice")
    added = tell("user", "add", "bob", "--role", "admin")

    listed = tell("user", "list")

    assert (added["name"], added["role"], added["granted"]) == ("bob", "admin", "0")
    assert [(user["name"], user["role"]) for user in listed] == [
        ("alice", "guest"), ("bob", "admin"), ("owner", "owner")
    ]  # fmt: skip
    assert "NAME" in say("user", "list")
    assert "a user 'alice' already" in refused("user", "add", "alice")
    assert "no user name" in refused("user", "add", " ")
    assert "--role" in refused("user", "add", "eve", "--role", "queen", code=2)


def test_new_users_get_starter_credit_where_that_is_on(tell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEW_USER_CREDIT_GRANT_ENABLED", "true")
    monkeypatch.setenv("NEW_USER_CREDIT_GRANT_AMOUNT", "2.5")
    monkeypatch.setenv("CREDIT_EXPIRATION_DAYS", "30")

    assert tell("user", "add", "alice")["granted"] == "2.5"

    (grant,) = tell("credit", "balance", "alice")["grants"]
    assert (grant["amount"], grant["source"], grant["state"]) == ("2.5", "starter", "active")
    assert grant["expires"] > grant["created"]


def test_keys_are_shown_once_and_revoked(
    say: Said, tell: Any, refused: Said, capsys: pytest.CaptureFixture[str]
) -> None:
    made = tell("key", "create", "--user", "owner", "--name", "laptop")

    assert made["key"].startswith("ahk_")
    assert len(made["key"]) == 4 + 43
    assert made["prefix"] == made["key"][:12]
    assert 0 == main(["key", "create", "--user", "owner"])
    key, note = capsys.readouterr()
    assert (key[:4], key.count("\n")) == ("ahk_", 1), "the key alone, so that a script can take it"
    assert "not shown again" in note
    listed = tell("key", "list")
    assert [(key["user"], key["name"], key["revoked"]) for key in listed] == [
        ("owner", "laptop", None),
        ("owner", "", None),
    ]
    assert made["key"] not in json.dumps(listed) + say("key", "list")
    say("key", "revoke", made["id"])
    say("key", "revoke", made["id"])
    assert tell("key", "list")[0]["revoked"] is not None
    assert "aihub key list" in refused("key", "revoke", "key_nobody")
    assert "aihub user add eve" in refused("key", "create", "--user", "eve")


def test_credit(say: Said, tell: Any, refused: Said) -> None:
    say("user", "add", "alice")
    say("credit", "grant", "alice", "5")
    granted = tell("credit", "grant", "alice", "0.000000001", "--expires-in", "30d", "--priority", "7")

    balance = tell("credit", "balance", "alice")

    assert (granted["amount"], granted["priority"]) == ("0.000000001", 7)
    assert {name: balance[name] for name in ("user", "posted", "held", "available")} == {
        "user": "alice", "posted": "5.000000001", "held": "0", "available": "5.000000001",
    }  # fmt: skip
    assert [grant["amount"] for grant in balance["grants"]] == ["5", "0.000000001"]
    assert "5.000000001" in say("credit", "balance", "alice")
    assert tell("credit", "balance", "owner")["available"] == "5"
    for wrong in ("-1", "1e3", "1.0000000001", "five", "9" * 30):
        refused("credit", "grant", "alice", wrong, code=2)
    assert "more than nothing" in refused("credit", "grant", "alice", "0")
    assert "30d" in refused("credit", "grant", "alice", "5", "--expires-in", "soon", code=2)
    assert "aihub user list" in refused("credit", "balance", "eve")


def test_credit_is_changed_by_hand(say: Said, tell: Any, refused: Said) -> None:
    say("user", "add", "alice")
    say("user", "add", "bob")
    grant_id = tell("credit", "grant", "alice", "5", "--expires-in", "30d")["id"]

    adjusted = tell("credit", "adjust", "alice", "-1.5", "--reason", "granted twice")
    moved = tell("credit", "transfer", "alice", "bob", "2", "--reason", "a gift")
    voided = tell("grant", "void", grant_id, "--reason", "the payment was returned")

    assert adjusted["available"] == "3.5"
    assert (moved["sender"]["available"], moved["receiver"]["available"]) == ("1.5", "2")
    assert moved["receiver"]["grants"][0]["expires"] == voided["expires"]
    assert (voided["user"], voided["state"], voided["available"]) == ("alice", "voided", "0")
    assert tell("grant", "show", grant_id) == voided
    assert tell("credit", "adjust", "bob", "1", "--reason", "sorry", "--expires-in", "1d")["available"] == "3"
    proved = tell("ledger", "verify")
    assert (proved["ok"], proved["withdrawn"]) == (True, "3")
    assert "bob has 3 credits available" in refused("credit", "adjust", "bob", "-4", "--reason", "too much")
    assert "--reason" in refused("credit", "adjust", "bob", "-4", code=2)
    assert "printable characters" in refused("grant", "void", grant_id, "--reason", " ")
    assert "added can expire" in refused("credit", "adjust", "bob", "-1", "--reason", "no", "--expires-in", "1d")
    assert "more than nothing" in refused("credit", "transfer", "bob", "alice", "0", "--reason", "no")
    assert "aihub user add eve" in refused("credit", "transfer", "bob", "eve", "1", "--reason", "no")
    assert "aihub credit balance" in refused("grant", "show", "grant_nobody")


def test_credit_of_a_team(say: Said, tell: Any, refused: Said) -> None:
    say("user", "add", "alice")
    say("team", "add", "red")
    assert "aihub team wallet red" in refused("credit", "adjust", "team:red", "1", "--reason", "a gift")
    say("team", "wallet", "red", "on")
    grant_id = tell("credit", "grant", "team:red", "2")["id"]

    assert tell("grant", "show", grant_id)["user"] == "team:red"
    assert tell("grant", "void", grant_id, "--reason", "granted twice")["user"] == "team:red"


def test_providers(say: Said, tell: Any, refused: Said) -> None:
    say("user", "add", "ann")
    assert tell("provider", "list")[0]["base_url"] == "echo://local"
    assert tell("provider", "add", "openai")["base_url"] == "https://api.openai.com/v1"
    added = tell("provider", "add", "local", "--dialect", "openai", "--base-url", "http://127.0.0.1:11434/v1/")
    assert (added["dialect"], added["base_url"]) == ("openai", "http://127.0.0.1:11434/v1")
    say("provider", "add", "parrot", "--dialect", "echo")

    assert [row["name"] for row in tell("provider", "list")] == ["echo", "openai", "local", "parrot"]
    assert "local" in say("provider", "list")
    say("provider", "remove", "local")
    assert "aihub provider list" in refused("provider", "remove", "local")
    assert "provider parrot is there already" in say("provider", "add", "parrot", "--dialect", "echo")
    assert "changed provider openai" in say("provider", "add", "openai", "--base-url", "https://eu.api.openai.com/v1")
    assert "--dialect" in refused("provider", "add", "unknown")
    assert "--base-url" in refused("provider", "add", "unknown", "--dialect", "anthropic")
    assert "one of openai" in refused("provider", "add", "unknown", "--dialect", "gibberish")
    assert "metadata" in refused("provider", "add", "x", "--dialect", "openai", "--base-url", "http://169.254.169.254")
    assert "no provider name" in refused("provider", "add", "a/b")


def test_credentials_from_the_environment(say: Said, tell: Any, refused: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_SECRET", CANARY)
    say("provider", "add", "openai")
    added = tell("credential", "add", "openai", "--from-env", "MY_SECRET", "--name", "team", "--weight", "50")

    (listed,) = tell("credential", "list")

    assert listed == added
    assert (listed["provider"], listed["name"], listed["weight"], listed["active"]) == ("openai", "team", 50, True)
    assert listed["secret"] == "sk-c…mnop"
    assert CANARY not in say("credential", "list")
    assert "there is no variable of that name" in refused("credential", "add", "openai", "--from-env", "NOT_SET")
    assert f"{added['id']} holds it already" in refused("credential", "add", "openai", "--from-env", "MY_SECRET")
    assert "see `aihub provider list`" in refused("credential", "add", "nobody", "--from-env", "NOT_SET")
    assert "--weight" in refused("credential", "add", "openai", "--from-env", "MY_SECRET", "--weight", "0")
    monkeypatch.setenv("MY_SECRET", "two words")
    assert "two words" not in refused("credential", "add", "openai", "--from-env", "MY_SECRET")
    assert "is used again" in say("credential", "activate", added["id"])
    assert "aihub credential list" in refused("credential", "activate", "cred_nobody")
    say("credential", "remove", added["id"])
    assert tell("credential", "list") == []
    assert "aihub credential list" in refused("credential", "remove", added["id"])


def test_rates(say: Said, tell: Any, refused: Said) -> None:
    say("provider", "add", "openai")
    put = tell(
        "rate", "set", "openai/org/model", "--input", "0.25", "--output", "2", "--cache-read", "0.025",
        "--cache-write", "0.3", "--context", "400000", "--max-output", "128000",
    )  # fmt: skip

    listed = {rate["model"]: rate for rate in tell("rate", "list")}

    assert listed["openai/org/model"] == put
    assert (put["input"], put["output"], put["cache_read"], put["cache_write"]) == ("0.25", "2", "0.025", "0.3")
    assert (put["context"], put["max_output"], put["reasoning"]) == (400000, 128000, None)
    assert (listed["echo/echo"]["input"], listed["echo/echo"]["output"]) == ("1", "2")
    say("rate", "set", "openai/org/model", "--input", "0", "--output", "0")
    assert {rate["model"]: rate["input"] for rate in tell("rate", "list")}["openai/org/model"] == "0"
    say("rate", "remove", "openai/org/model")
    assert [rate["model"] for rate in tell("rate", "list")] == ["echo/echo"]
    assert "aihub rate list" in refused("rate", "remove", "openai/org/model")
    assert "PROVIDER/MODEL" in refused("rate", "set", "gpt", "--input", "1", "--output", "1")
    assert "aihub provider add nobody" in refused("rate", "set", "nobody/m", "--input", "1", "--output", "1")
    assert "--output" in refused("rate", "set", "openai/m", "--input", "1")
    assert "--image" in refused("rate", "set", "openai/m")
    assert "--context" in refused("rate", "set", "openai/m", "--input", "1", "--output", "1", "--context", "0")


def test_a_rate_by_the_piece(say: Said, tell: Any, refused: Said) -> None:
    say("provider", "add", "openai")
    pieces = ("--image", "0.04", "--second", "0.0001", "--video-second", "0.1", "--request", "0", "--character", "15")

    put = tell("rate", "set", "openai/m", *pieces)

    assert put == next(rate for rate in tell("rate", "list") if rate["model"] == "openai/m")
    assert (put["image"], put["second"], put["request"], put["character"]) == ("0.04", "0.0001", "0", "15")
    assert put["video_second"] == "0.1"
    assert (put["input"], put["output"]) == ("0", "0")
    assert "0.04 for each image" in say("rate", "set", "openai/m", "--image", "0.04")
    assert "10 for one piece" in refused("rate", "set", "openai/m", "--image", "10.1")


def test_rates_are_reported_with_what_they_are_sold_by(
    say: Said, tell: Any, refused: Said, data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    say("provider", "add", "openai")
    say("rate", "set", "openai/dall-e", "--image", "0.04")
    say("rate", "set", "openai/gpt-5-mini", "--input", "1", "--output", "2", "--from", "2026-01-02")
    say("rate", "set", "openai/gpt-5-mini", "--input", "3", "--output", "4")
    say("rate", "bulk", "--margin", "0", "--credit-price", "1", "--model", "openai/gpt-4o")

    assert main(["rate", "list"]) == 0
    listed, units = capsys.readouterr()
    heads, *rows = listed.splitlines()
    images = next(row for row in rows if row.startswith("openai/dall-e"))
    assert "in credits, for a million tokens" in units
    assert "IMAGE" in heads
    assert "TOOL USE" not in heads
    assert images.split()[1] == "0.04", "what is sold by the image is not told to be free by the token"
    assert main(["rate", "show", "openai/gpt-5-mini"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [row.split()[0][:10] for row in shown[3:4]] == ["2026-01-02"]
    assert [row.split()[1:3] for row in shown[3:]] == [["1", "2"], ["3", "4"]]
    assert main(["rate", "show", "openai/gpt-4o-2024-08-06"]) == 0
    tiers = capsys.readouterr().out
    assert tiers.startswith("openai/gpt-4o\n")
    assert {"priority", "fast", "batch"} <= set(tiers.split())
    assert [each["input"] for each in tell("rate", "show", "openai/gpt-5-mini")] == ["1", "3"]
    say("rate", "remove", "openai/dall-e")
    main(["rate", "show", "openai/dall-e"])
    assert "sold no more" in capsys.readouterr().out
    reported = refused("rate", "show", "openai/gpt-5-mni")
    assert "known here: echo/echo, openai/gpt-4o, openai/gpt-5-mini; see `aihub rate list`" in reported
    assert "it knows anthropic, azure" in refused("price", "list", "--provider", "nobody")


def test_a_rate_by_size_and_quality(say: Said, tell: Any, refused: Said, capsys: pytest.CaptureFixture[str]) -> None:
    say("provider", "add", "openai")
    images = ("--image", "0.04", "--image-at", "1024x1536/hd=0.12", "--image-at", "/hd=0.08")

    put = tell("rate", "set", "openai/m", *images, "--video-second-at", "1792x1024=0.5")

    assert put == next(rate for rate in tell("rate", "list") if rate["model"] == "openai/m")
    assert [
        {"size": "1024x1536", "quality": "hd", "image": "0.12"},
        {"size": None, "quality": "hd", "image": "0.08"},
        {"size": "1024p", "quality": None, "video_second": "0.5"},
    ] == put["variants"]
    assert "0.04 for each image, 0.12 for each image at 1024x1536 hd" in say("rate", "set", "openai/m", *images)
    assert main(["rate", "list"]) == 0
    assert "0.08 for each image at hd" in capsys.readouterr().out
    assert "0.5 for each video second at 1024p" in say("rate", "set", "openai/m", "--video-second-at", "1024p=0.5")
    assert "1024x1536/high=0.25" in refused("rate", "set", "openai/m", "--image-at", "0.12", code=2)
    assert "one price for each" in refused("rate", "set", "openai/m", "--image-at", "a=1", "--image-at", "a=2")
    assert "such as 1024x1536" in refused("rate", "set", "openai/m", "--image-at", "HD=1")
    assert "10 for one piece" in refused("rate", "set", "openai/m", "--image-at", "a=10.1")


def test_books(say: Said, tell: Any, refused: Said, data_dir: Path, tmp_path: Path) -> None:
    say("user", "add", "ann")
    proved = tell("ledger", "verify")
    assert (proved["ok"], proved["issued"], proved["available"], proved["held"]) == (True, "5", "5", "0")
    assert "add up" in say("ledger", "verify")
    assert tell("call", "list") == []
    assert "no calls" in say("call", "list", "--user", "owner", "--limit", "3")
    assert "aihub call list" in refused("call", "show", "call_nothing")
    assert "--limit" in refused("call", "list", "--limit", "0", code=2)
    assert tell("sweep") == {"lost": 0, "given_back": "0", "expired": 0, "breakage": "0", "calls": []}
    copy = tmp_path / "copy.db"
    say("backup", str(copy))
    assert copy.stat().st_mode & 0o077 == 0
    assert "there already" in refused("backup", str(copy))
    refused("backup", str(tmp_path / "nowhere" / "copy.db"))


def test_verify_ends_with_1_and_names_the_first_difference(
    say: Said, data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    say("user", "add", "ann")
    with closing(sqlite3.connect(data_dir / "aikit.db")) as books:
        table = next(
            name
            for (name,) in books.execute("select name from sqlite_master where type = 'table'")
            if "available_nanos" in {row[1] for row in books.execute(f"pragma table_info({name})")}
        )
        books.execute(f"update {table} set available_nanos = available_nanos - 1")
        books.commit()

    assert main(["ledger", "verify"]) == 1
    assert "4999999999" in capsys.readouterr().err
    assert main(["ledger", "verify", "--json"]) == 1
    reported = json.loads(capsys.readouterr().out)
    assert (reported["ok"], reported["booked"], reported["derived"]) == (False, "4999999999", "5000000000")
