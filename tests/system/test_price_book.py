"""The price book from end to end: sold at a margin, charged by the version quoted, and what it cost reported."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.behaviour.plain_calls import CHAT, aigne_video, ask, openai_body
from tests.support.hub import HubProcess, running_hub

BODY = openai_body("echo/echo-2026-11-01", "Hello, hello, hello", max_tokens=50)


def sold_by_the_book(hub: HubProcess, folder: Path, dollars: str) -> None:
    """What echoes costs so many dollars a million both ways, and is sold for a fifth more."""
    entry = {"model": "echo", "names": ["^echo"], "prices": {"input": dollars, "output": dollars}, "context": 9_000}
    path = folder / "prices.json"
    path.write_text(json.dumps({"echo": [entry]}))
    hub.cli("price", "sync", "--from", str(path), "--accept")
    hub.cli("rate", "bulk", "--margin", "20", "--credit-price", "1", "--model", "echo/echo")


def newest(hub: HubProcess) -> Any:
    return hub.cli("call", "list", "--limit", "1")[0]


def test_a_model_priced_by_the_book_costs_the_same_under_any_of_its_names(tmp_path: Path) -> None:
    with running_hub(tmp_path / "data") as hub:
        hub.cli("rate", "remove", "echo/echo")
        sold_by_the_book(hub, tmp_path, "10")

        received = ask(hub, CHAT, BODY)
        call = hub.cli("call", "show", newest(hub)["id"])

        assert received.status == 200
        tokens = sum(call["usage"].values())
        assert Decimal(call["cost_usd"]) == tokens * 10 / Decimal(1_000_000)
        assert Decimal(call["charge"]) == Decimal(call["cost_usd"]) * Decimal("1.2")
        assert [attempt["cost_usd"] for attempt in call["attempts"]] == [call["cost_usd"]]
        assert call["price_id"].startswith("echo/echo@")
        assert hub.cli("ledger", "verify")["ok"]


def test_a_call_that_names_a_quote_is_charged_at_its_price_whatever_was_set_since(tmp_path: Path) -> None:
    with running_hub(tmp_path / "data") as hub:
        hub.cli("rate", "remove", "echo/echo")
        sold_by_the_book(hub, tmp_path, "10")
        quoted = ask(hub, "/v1/quote", BODY).json()
        sold_by_the_book(hub, tmp_path, "1000")

        kept = ask(hub, CHAT, BODY, headers={"x-aihub-quote": quoted["quote"]})
        now = ask(hub, CHAT, BODY)

        assert hub.cli("rerate", "--model", "echo/echo", "--since", "1d")["calls"] == [], "what was quoted is kept"
        assert hub.cli("call", "list", "--limit", "2")[1]["rate_id"] == quoted["offers"][0]["rate_id"]
        assert Decimal(now.header("x-aihub-charge") or "") == 100 * Decimal(kept.header("x-aihub-charge") or "")
        assert hub.cli("ledger", "verify")["ok"]


def test_the_command_line_quotes_for_a_user(tmp_path: Path) -> None:
    request = tmp_path / "request.json"
    request.write_text(json.dumps(openai_body("echo", max_tokens=100)))
    video = tmp_path / "video.json"
    video.write_text(json.dumps(aigne_video("echo/video", seconds=3)))
    with running_hub(tmp_path / "data") as hub:
        hub.cli("user", "add", "poor")
        hub.cli("key", "create", "--user", "poor")

        owner = hub.cli("quote", str(request))
        poor = hub.cli("quote", str(request), "--user", "poor", exit_code=1)
        hub.cli("rate", "set", "echo/video", "--video-second", "0.5")
        made = hub.cli("quote", str(video), "--route", "/api/v2/video")

        assert (owner["affordable"], poor["affordable"]) == (True, False)
        assert owner["charge_max"] == poor["shortfall"]
        assert owner["offers"][0]["provider"] == "echo"
        assert made["charge_max"] == "1.5"


def test_past_calls_are_charged_again_under_a_corrected_rate_once(tmp_path: Path) -> None:
    with running_hub(tmp_path / "data") as hub:
        hub.cli("rate", "set", "echo/echo", "--input", "10", "--output", "20", "--context", "9000")
        charges = [Decimal(ask(hub, CHAT, openai_body("echo")).header("x-aihub-charge") or "") for _ in range(2)]
        before = hub.cli("credit", "balance", "owner")
        (wrong,) = hub.cli("rate", "list")
        halved = ("--input", "5", "--output", "10", "--context", "9000")
        hub.cli("rate", "set", "echo/echo", *halved, "--from", wrong["effective"])
        words = ("rerate", "--model", "echo/echo", "--since", "1d")

        shown = hub.cli(*words)
        unmoved = hub.cli("credit", "balance", "owner")
        done, again = hub.cli(*words, "--apply"), hub.cli(*words, "--apply")

        assert before["available"] == unmoved["available"], "a dry run moves nothing"
        assert (len(shown["calls"]), len(done["calls"]), len(again["calls"])) == (2, 2, 0)
        assert Decimal(done["moved"]) == Decimal(shown["moved"]) == -sum(charges) / 2
        after = hub.cli("credit", "balance", "owner")
        assert Decimal(after["available"]) - Decimal(before["available"]) == sum(charges) / 2
        assert hub.cli("ledger", "verify")["ok"]
        (adjustment,) = hub.cli("call", "show", done["calls"][0]["call"])["adjustments"]
        assert Decimal(adjustment["amount"]) < 0
