"""The file of an AIGNE Hub: what is taken over, what is listed, and how its secrets open."""

from pathlib import Path
from typing import Any

import pytest

from adapters.aigne_file import open_aigne_file
from entrypoints.cli import main
from tests.entrypoints.cli_in_process import CANARY, Said
from tests.support.aigne_books import APP_KEY, DID, AigneBooksFile, an_aigne_hub, encrypted


@pytest.fixture
def file(tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BLOCKLET_APP_EK", APP_KEY)
    monkeypatch.setenv("BLOCKLET_DID", f"z8other,{DID}")
    return an_aigne_hub(tmp_path / "aikit.db", CANARY)


def test_a_hub_is_taken_over_once_and_no_secret_is_shown(say: Said, tell: Any, file: Path) -> None:
    shown = say("import", "aigne", str(file), "--dry-run")
    assert CANARY not in shown
    assert "Nothing was done; without --dry-run" in shown
    assert [] == [one["name"] for one in tell("provider", "list") if one["name"] != "echo"]

    done = say("import", "aigne", str(file))

    assert "Done: " in done
    assert CANARY not in done
    providers = {one["name"]: one for one in tell("provider", "list")}
    assert providers["openai"]["display_name"] == "OpenAI (team)"
    assert providers["bedrock"]["base_url"] == "https://bedrock-runtime.eu-central-1.amazonaws.com"
    assert not providers["bedrock"]["enabled"]
    assert providers["google"]["base_url"] == "https://generativelanguage.googleapis.com/v1beta"
    held = [(one["provider"], one["name"], one["weight"], one["secret"]) for one in tell("credential", "list")]
    assert held == [
        ("openai", "Credential 1", 80, "sk-c…mnop"),
        ("openai", "Credential 1", 100, "sk-p…6789"),
        ("bedrock", "aws", 100, "AKIA…0123"),
    ]
    assert {"owner", "z1user0", "z1user1"} == {one["name"] for one in tell("user", "list")}
    assert "nothing was changed" in say("import", "aigne", str(file))


def test_rates_of_a_token_an_image_and_a_second_are_the_same_amounts_here(say: Said, tell: Any, file: Path) -> None:
    say("import", "aigne", str(file))

    rates = {one["model"]: one for one in tell("rate", "list")}
    gpt = rates["openai/gpt-5"]
    assert (gpt["input"], gpt["output"], gpt["cache_read"], gpt["context"]) == ("1.5", "12", "0.125", 400_000)
    assert (gpt["display_name"], gpt["capabilities"], gpt["source"]) == ("GPT 5", ["tools"], "aigne")
    assert (rates["openai/gpt-4"]["input"], rates["openai/gpt-4"]["hidden"]) == ("30", True)
    assert rates["openai/dall-e-3"]["image"] == "0.04"
    assert rates["google/veo-3"]["video_second"] == "0.4"
    assert (rates["openai/ada"]["input"], rates["openai/ada"]["output"]) == ("0.1", "0")


def test_what_is_not_taken_over_is_listed(tell: Any, file: Path) -> None:
    reply = tell("import", "aigne", str(file))

    left = {one["path"]: one["why"] for one in reply["left_out"]}
    assert left["AiCredentials.openai/Credential 1"] == "it was out of use there (revoked), and is in use here"
    assert left["AiCredentials.13"] == "its provider is not there any more"
    assert left["Projects"].startswith("1 rows: ")
    assert reply["uncharged"] == [{"user": "z1user0", "usages": 2, "credits": "0.75"}]


def test_without_the_variables_a_secret_is_named_as_missing_and_all_else_is_taken_over(
    tell: Any, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BLOCKLET_APP_EK")

    reply = tell("import", "aigne", str(file))

    missing = [one["path"] for one in reply["left_out"] if "must be given again" in one["why"]]
    assert missing == ["AiCredentials.openai/Credential 1", "AiCredentials.bedrock/aws"]
    assert [one["secret"] for one in tell("credential", "list")] == ["sk-p…6789"]
    assert "openai/gpt-5" in {one["model"] for one in tell("rate", "list")}


@pytest.mark.parametrize("text", ["", "sk-short", CANARY, "é" * 40])
def test_a_secret_opens_with_its_own_variables_alone(tmp_path: Path, text: str) -> None:
    path = AigneBooksFile(tmp_path / "aikit.db").close()

    with open_aigne_file(str(path), APP_KEY, ["z8other", DID]) as books:
        assert books.secret(encrypted(text)) == text
        assert books.secret("sk-in-clear") == "sk-in-clear"
    with open_aigne_file(str(path), "another", [DID]) as books:
        assert books.secret(encrypted(text)) != text or text == ""
    with open_aigne_file(str(path), None, [DID]) as books:
        assert books.secret(encrypted(text)) is None


def test_a_file_that_may_be_in_use_or_is_another_is_refused(refused: Said, tmp_path: Path, file: Path) -> None:
    assert "there is no such file" in refused("import", "aigne", str(tmp_path / "nothing.db"))
    (tmp_path / "text.db").write_text("no database, but a text of some length " * 100)
    assert "it cannot be read" in refused("import", "aigne", str(tmp_path / "text.db"))
    (tmp_path / "aikit.db-wal").write_bytes(b"x")
    assert "may be in use" in refused("import", "aigne", str(file))


def test_a_file_of_an_older_version_lacks_columns_and_is_taken_over(tmp_path: Path, data_dir: Path) -> None:
    books = AigneBooksFile(tmp_path / "aikit.db")
    for column in ("caching", "modelMetadata", "deprecated", "deprecatedAt", "deprecatedReason", "unitCosts"):
        books._connection.execute(f"alter table AiModelRates drop column {column}")
    books.add("AiProviders", id="1", name="openai")
    books.add("AiModelRates", id="2", providerId="1", model="gpt-5", type="chatCompletion", inputRate=0.1, outputRate=0)

    assert main(["import", "aigne", str(books.close())]) == 1, "a rate that high is refused"


def test_calls_are_taken_over_once_for_reading_alone(say: Said, tell: Any, file: Path) -> None:
    assert tell("import", "aigne", str(file), "--dry-run")["calls"] == 6
    assert tell("call", "imported") == []

    assert tell("import", "aigne", str(file))["calls"] == 6
    assert tell("import", "aigne", str(file))["calls"] == 0

    newest, *others = tell("call", "imported", "--user", "z1user0")
    assert newest == {
        "id": "aigne:104",
        "user": "z1user0",
        "app": "z2app",
        "provider": "openai",
        "model": "gpt-5",
        "operation": "chat",
        "status": "success",
        "started": "2026-02-02T02:40:04.000Z",
        "duration_ms": 1200,
        "first_byte_ms": 350,
        "usage": {"input_tokens": 10, "cache_read_tokens": 4, "output_tokens": 5},
        "charged": "0.0001",
        "error": None,
        "request_id": "req-4",
        "trace_id": "trace-4",
    }
    assert [one["id"] for one in others] == ["aigne:102", "aigne:100", "aigne:200"]
    page = tell("call", "imported", "--limit", "2")
    rest = tell("call", "imported", "--before", page[-1]["id"])
    assert [one["id"] for one in (*page, *rest)] == [f"aigne:{n}" for n in (104, 103, 102, 101, 100, 200)]
    assert "The books add up" in say("ledger", "verify")
    assert tell("call", "list") == []


def test_many_calls_are_taken_over_in_batches_and_an_import_that_stopped_goes_on(
    tell: Any, tmp_path: Path, data_dir: Path
) -> None:
    books = AigneBooksFile(tmp_path / "aikit.db")
    for n in range(1_200):
        books.add("ModelCalls", id=f"{n:05}", userDid="z1user", model="gpt-5", type="chatCompletion", callTime=n)
    path = books.close()

    assert tell("import", "aigne", str(path))["calls"] == 1_200
    assert tell("import", "aigne", str(path))["calls"] == 0
    assert len(tell("call", "imported", "--limit", "1000")) == 1_000
