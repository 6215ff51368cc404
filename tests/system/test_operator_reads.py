"""What an operator reads of a hub that runs, as text: calls, quotes and routes."""

import json
from pathlib import Path

from tests.behaviour.plain_calls import CHAT, ask, openai_body
from tests.entrypoints.command import process
from tests.support.hub import running_hub


def test_calls_quotes_and_routes_are_reported_in_what_there_is_to_say(tmp_path: Path) -> None:
    request = tmp_path / "request.json"
    request.write_text(json.dumps(openai_body("echo", max_tokens=100)))
    with running_hub(tmp_path / "data", billed=False) as hub:
        made = ask(hub, CHAT, openai_body("echo"))
        assert made.status == 200
        words = (["call", "list"], ["call", "show", str(made.header("x-request-id"))],
                 ["quote", str(request)], ["route", "explain", "echo"])  # fmt: skip
        listed, shown, quoted, explained = hub.script(*words)
        prompt = tmp_path / "prompt.json"
        prompt.write_text('{"model": "echo", "prompt": "Hello", "max_tokens": 5}')
        unreported = process(tmp_path / "data", "quote", str(prompt))
        reported = process(tmp_path / "data", "quote", "-", "--route", "/v1/completions", stdin=prompt.read_text())
        wrong = process(tmp_path / "data", "quote", str(prompt), "--route", "/v1/nothing")

    assert "completed" in listed
    assert "a call without a charge was made with billing off" in listed
    usage = next(line for line in shown.splitlines() if line.startswith("usage  "))
    assert "input tokens" in usage
    assert " 0" not in usage, "what was not used has no word"
    assert "0 credits, as billing was off" in shown
    assert "ATTEMPT  PROVIDER" in shown
    assert "idempotency" not in shown, "what there is not has no line"
    assert "at most     0.0" in quoted, "a quote tells the price also where this environment charges nothing"
    assert "billing is off in this environment" in quoted
    assert "billing off" in explained
    assert "has no recognisable form; name it by --route with one of /api/v2/video, /v1/audio" in unreported.stderr
    assert reported.stdout.startswith("at most     0.00")
    assert "nothing is quoted for '/v1/nothing'; write one of" in wrong.stderr


def test_with_billing_off_what_the_price_book_knows_is_listed_too(tmp_path: Path) -> None:
    with running_hub(tmp_path / "data", billed=False) as hub:
        hub.cli("provider", "add", "openai")

        models = {model["id"]: model for model in ask(hub, "/v1/models").json()["data"]}
        one = ask(hub, "/v1/models/openai/gpt-4o-2024-08-06").json()

    assert list(models) == sorted(models)
    assert models["echo/echo"]["pricing"]["input"] == "1"
    known = models["openai/gpt-4o"]
    assert (known["owned_by"], known["context_length"], known["pricing"]) == ("openai", 128_000, None)
    assert one == {**known, "id": "openai/gpt-4o-2024-08-06"}


def test_with_billing_on_only_what_has_a_rate_is_listed(tmp_path: Path) -> None:
    with running_hub(tmp_path / "data") as hub:
        hub.cli("provider", "add", "openai")

        assert [model["id"] for model in ask(hub, "/v1/models").json()["data"]] == ["echo/echo"]
