"""The price book at the command line: listed, shown, compared, brought up to date, and sold by."""

import json
from pathlib import Path
from typing import Any

import pytest

from entrypoints.cli import main
from tests.entrypoints.cli_in_process import Said


def a_list(folder: Path, **prices: Any) -> str:
    entry = {"model": "gpt-5", "names": ["=gpt-5"], "prices": {"input": "1.25", "output": "10"}, **prices}
    path = folder / "prices.json"
    path.write_text(json.dumps({"openai": [entry]}))
    return str(path)


def test_what_holds_is_listed_and_every_version_is_shown(say: Said, tell: Any, refused: Said) -> None:
    listed = tell("price", "list", "--provider", "openai")

    (gpt,) = (price for price in listed if price["model"] == "openai/gpt-5")
    assert gpt["prices"] == {"input": "1.25", "cache_read": "0.125", "output": "10", "tool_use": "10000"}
    assert (gpt["context"], gpt["max_output"]) == (400_000, 128_000)
    assert {tier["service"] for tier in gpt["tiers"]} == {"flex", "priority", "fast", "batch"}
    assert len(tell("price", "show", "openai/gpt-5-2025-08-07")) == 3, "a dated name shows the model"
    shown = say("price", "show", "anthropic/claude-sonnet-4-5-20250929")
    assert shown.startswith("anthropic/claude-sonnet-4-5, in dollars per million\n")
    assert "above 200000" in shown
    assert "the beginning" in shown
    assert "no price" in refused("price", "show", "openai/nonsense")


def test_a_price_that_moves_far_waits_until_it_is_accepted_and_nothing_is_overwritten(
    say: Said, tell: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = a_list(tmp_path, prices={"input": "2.5", "output": "10"})

    assert "+100.0 %" in say("price", "diff", "--from", path)
    assert main(["price", "sync", "--from", path]) == 1
    assert "--accept" in capsys.readouterr().err
    assert len(tell("price", "show", "openai/gpt-5")) == 3
    assert tell("price", "sync", "--from", path, "--accept")["appended"] == 1
    assert [price["prices"]["input"] for price in tell("price", "show", "openai/gpt-5")] == ["1.25"] * 3 + ["2.5"]
    (now,) = (price for price in tell("price", "list") if price["model"] == "openai/gpt-5")
    assert (now["prices"]["input"], now["source"]) == ("2.5", "file prices.json")


def test_a_sync_with_the_catalogue_that_the_book_was_made_from_changes_nothing(say: Said) -> None:
    assert "up to date" in say("price", "sync")
    assert "up to date" in say("price", "diff")


def test_what_is_priced_by_size_is_shown_and_charged_by_size(say: Said, tell: Any, tmp_path: Path) -> None:
    video = {
        "prices": {"video_second": "300000"},
        "variants": [{"size": "1080p", "prices": {"video_second": "500000"}}],
    }
    say("provider", "add", "openai")
    say("price", "sync", "--from", a_list(tmp_path, model="video-1", names=["=video-1"], **video))

    assert ["FROM", "FOR", "VIDEO", "SECOND", "SOURCE"] == say("price", "show", "openai/video-1").splitlines()[
        2
    ].split()
    assert [["300000"], ["1080p", "500000"]] == [
        line.split()[1:-2] for line in say("price", "show", "openai/video-1").splitlines()[3:]
    ]
    assert video["variants"] == [
        {"size": each["size"], "prices": each["prices"]}
        for each in tell("price", "show", "openai/video-1")[0]["variants"]
    ]
    tell("rate", "bulk", "--margin", "20", "--credit-price", "1", "--model", "openai/video-1")
    (sold,) = (rate for rate in tell("rate", "list") if rate["model"] == "openai/video-1")
    assert ("0.36", [{"size": "1080p", "quality": None, "video_second": "0.6"}]) == (
        sold["video_second"],
        sold["variants"],
    )


def test_a_dry_run_changes_nothing(say: Said, tell: Any, tmp_path: Path) -> None:
    path = a_list(tmp_path, model="gpt-99", names=["=gpt-99"])

    assert "1 of models that are new" in say("price", "sync", "--from", path, "--dry-run")
    assert not any("gpt-99" in price["model"] for price in tell("price", "list"))


@pytest.mark.parametrize(("entry", "complaint"), [
    ({"prices": {"input": "cheap"}},                "cheap"),
    ({"prices": {"tokens": "1"}},                   "no price; the prices are input"),
    ({"prices": {}},                                "at least one price"),
    ({"names": ["gpt-5"]},                          "invalid name"),
    ({"names": ["/("]},                             "invalid regular expression"),
    ({"tiers": [{"prices": {}, "until_minute": 2_000}]}, "1440 minutes"),
    ({"variants": [{"prices": {"image": "1"}}]},    "names a size"),
    ({"variants": [{"prices": {"video_second": "1"}, "size": "1280x720"}]}, "write 720p"),
    ({"variants": [{"prices": {"image": "1"}, "size": "a"}] * 2}, "has two"),
    ({"price": "1"},                                "unknown field"),
])  # fmt: skip
def test_a_price_list_that_is_none_is_refused_by_name(
    refused: Said, tmp_path: Path, entry: dict[str, Any], complaint: str
) -> None:
    assert complaint in refused("price", "sync", "--from", a_list(tmp_path, **entry))


def test_a_missing_price_list_is_reported(refused: Said, tmp_path: Path) -> None:
    assert "cannot be read" in refused("price", "sync", "--from", str(tmp_path / "none.json"))


def test_everything_is_sold_at_a_margin_and_what_an_operator_set_stays(say: Said, tell: Any) -> None:
    say("provider", "add", "openai")
    say("rate", "set", "openai/gpt-5", "--input", "9", "--output", "9")

    (sold,) = (each for each in tell("rate", "bulk", "--margin", "20", "--credit-price", "1") if each["sold"])

    rates = {rate["model"]: rate for rate in tell("rate", "list")}
    assert sold["kept"] == ["gpt-5"]
    assert len(sold["sold"]) > 90
    assert rates["openai/gpt-5"]["input"] == "9"
    assert (rates["openai/gpt-4o"]["input"], rates["openai/gpt-4o"]["output"]) == ("3", "12")
    assert {tier["service"]: tier["prices"]["input"] for tier in rates["openai/gpt-4o"]["tiers"]} == {
        "priority": "5.1", "fast": "5.1", "batch": "1.5"
    }  # fmt: skip
    assert "=gpt-4o-2024-08-06" in rates["openai/gpt-4o"]["names"]
    assert rates["openai/gpt-4o"]["source"].startswith("price book: openai/gpt-4o@")
    (again,) = (each for each in tell("rate", "bulk", "--margin", "20", "--credit-price", "1") if each["kept"])
    assert (again["sold"], len(again["unchanged"])) == ([], len(sold["sold"]))


def test_one_model_is_sold_under_any_of_its_names(say: Said, tell: Any, refused: Said) -> None:
    say("provider", "add", "anthropic")

    terms = ("--margin", "0", "--credit-price", "0.01")
    (sold,) = tell("rate", "bulk", *terms, "--model", "anthropic/claude-sonnet-4-5-20250929")

    assert sold["sold"] == ["claude-sonnet-4-5"]
    rates = {rate["model"]: rate for rate in tell("rate", "list")}
    assert rates["anthropic/claude-sonnet-4-5"]["input"] == "300", "a credit of a cent"
    assert "no price" in refused("rate", "bulk", *terms, "--model", "anthropic/nonsense")
    assert "no provider" in refused("rate", "bulk", *terms, "--provider", "xai")
    assert "--credit-price" in refused("rate", "bulk", "--margin", "0", "--credit-price", "0")
    assert "--model" in refused("rate", "bulk", *terms, "--model", "gpt-5")


@pytest.mark.parametrize(("name", "dialect", "url", "model", "dollars"), [
    ("claudes", "bedrock-invoke", "https://bedrock-runtime.eu-west-1.amazonaws.com",
     "anthropic.claude-3-haiku-20240307-v1:0", "0.25"),
    ("aws-eu", "bedrock", "https://proxy.example.com/aws", "amazon.nova-lite-v1:0", "0.06"),
    ("second", "openai", "https://api.openai.com/v1", "gpt-5", "1.25"),
])  # fmt: skip
def test_a_provider_under_a_name_of_its_own_has_its_vendors_prices(
    say: Said, tell: Any, name: str, dialect: str, url: str, model: str, dollars: str
) -> None:
    say("provider", "add", name, "--dialect", dialect, "--base-url", url)

    assert dollars == tell("price", "show", f"{name}/{model}")[-1]["prices"]["input"]
    (sold,) = tell("rate", "bulk", "--margin", "0", "--credit-price", "1", "--model", f"{name}/{model}")
    assert name == sold["provider"]
    rates = {rate["model"].partition("/")[0]: rate for rate in tell("rate", "list")}
    assert dollars == rates[name]["input"]


def test_with_a_margin_set_a_provider_that_is_added_is_sold_at_once(
    say: Said, tell: Any, refused: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIHUB_MARGIN", "50")
    monkeypatch.setenv("AIHUB_CREDIT_PRICE", "0.5")

    say("provider", "add", "openai")
    first = {rate["model"]: rate["input"] for rate in tell("rate", "list")}
    say("price", "sync", "--from", a_list(tmp_path, prices={"input": "2", "output": "10"}), "--accept")
    later = {rate["model"]: rate["input"] for rate in tell("rate", "list")}

    assert (first["openai/gpt-5"], later["openai/gpt-5"]) == ("3.75", "6"), "cost, half as much again, at half a dollar"
    assert first["openai/gpt-4o"] == later["openai/gpt-4o"] == "7.5"
    monkeypatch.setenv("AIHUB_CREDIT_PRICE", "0")
    assert "AIHUB_CREDIT_PRICE" in refused("rate", "list")


def test_what_a_provider_only_passes_on_is_sold_one_by_one(say: Said, tell: Any) -> None:
    say("provider", "add", "azure", "--base-url", "https://example.openai.azure.com/openai/v1")
    terms = ("--margin", "0", "--credit-price", "1")

    (own,) = tell("rate", "bulk", *terms)
    (named,) = tell("rate", "bulk", *terms, "--model", "azure/gpt-5-mini")

    assert not any(model.startswith("gpt-5") for model in own["sold"])
    assert named["sold"] == ["gpt-5-mini"]
    assert any(rate["model"] == "azure/gpt-5-mini" for rate in tell("rate", "list"))


def test_a_model_that_is_not_known_is_not_taken_for_one_whose_charges_are_right(say: Said, refused: Said) -> None:
    say("rate", "set", "echo/once", "--input", "1", "--output", "2")
    say("rate", "remove", "echo/once")

    for known in ("echo/echo", "echo", "echo/once"):
        assert say("rerate", "--model", known, "--since", "1d") == "No charge differs.\n"
    reported = refused("rerate", "--model", "echo/ecoh", "--since", "1d")

    assert reported == "aihub: no model 'echo/ecoh' has or had a rate; known here: echo/echo; see `aihub rate list`\n"


def test_a_rate_beyond_the_ceiling_is_reported_what_it_is_and_why(say: Said, refused: Said) -> None:
    say("provider", "add", "openai")
    say("rate", "set", "openai/dear", "--input", "10000", "--output", "0", "--image", "10")
    for option, amount in (("--input", "10000.000000001"), ("--image", "10.1"), ("--image-at", "1x1=11")):
        plain = ("--output", "0", *(() if option == "--input" else ("--input", "0")))
        reported = refused("rate", "set", "openai/dear", *plain, option, amount)
        assert "the ceiling of a rate is 10000 credits per million, or 10 for one piece" in reported
        assert "64 bits" in reported
