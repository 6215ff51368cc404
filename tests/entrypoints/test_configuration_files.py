"""`aihub apply` and `aihub export` at the command line: files in three forms, secrets by reference, exact places."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from entrypoints.cli import main
from tests.entrypoints.cli_in_process import CANARY, Said

HUB = """\
providers:
  openai:
    exposure_cap: 50
    credentials:
      team: {secret: env:TEAM_KEY, weight: 80}
rates:
  openai/gpt-5-mini:
    input: 0.25
    output: 2
aliases:
  fast:
    targets: [openai/gpt-5-mini, echo/echo@1]
users:
  alice:
    keys:
      laptop: {models: ["openai/*"], expires: 2099-06-01}
limits:
  - {measure: requests, amount: 60, key: alice/laptop}
budgets:
  - {amount: 20.5, period: month, user: alice, alerts: [80]}
"""


@pytest.fixture
def hub_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TEAM_KEY", CANARY)
    path = tmp_path / "hub.yaml"
    path.write_text(HUB)
    return path


def test_a_dry_run_lines_up_every_field_and_the_second_run_has_nothing_to_do(say: Said, hub_file: Path) -> None:
    shown = say("apply", str(hub_file), "--dry-run")

    head, *lines = shown.splitlines()
    assert head.split() == ["KIND", "NAME", "FIELD", "NOW", "THEN"]
    assert [line.split() for line in lines[:5]] == [
        ["+", "users", "alice"],
        ["+", "keys", "alice/laptop", "models", "openai/*"],
        ["expires", "2099-06-01T00:00:00.000Z"],
        ["+", "providers", "openai", "exposure_cap", "50"],
        ["+", "credentials", "openai/team", "secret", "env:TEAM_KEY"],
    ]
    assert {
        line.index(name) for line, name in zip(lines[1:5], ("models", "expires", "exposure", "secret"), strict=True)
    } == {head.index("FIELD")}
    assert "Nothing was done; without --dry-run: 8 added." in shown
    done = say("apply", str(hub_file))
    assert "Done: 8 added." in done
    assert "ahk_" in done
    assert CANARY not in done
    assert say("apply", str(hub_file)) == "The hub has this configuration already; nothing was changed.\n"


def test_a_change_shows_the_value_before_and_after(say: Said, hub_file: Path) -> None:
    say("apply", str(hub_file))
    hub_file.write_text(HUB.replace("0.25", "0.3"))

    shown = say("apply", str(hub_file))

    assert "~ rates openai/gpt-5-mini input 0.25 0.3" in " ".join(shown.split())
    assert "Done: 1 changed." in shown


@pytest.mark.parametrize("form", ["yaml", "toml"])
def test_an_export_has_no_secret_and_can_be_applied_in_either_form(
    say: Said, hub_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    say("apply", str(hub_file))
    assert main(["export", "--format", form]) == 0
    out, err = capsys.readouterr()

    assert CANARY not in out
    assert "env:AIHUB_SECRET_OPENAI_TEAM" in err
    again = tmp_path / f"again.{form}"
    again.write_text(out)
    assert main(["apply", str(again)]) == 0
    out, err = capsys.readouterr()
    assert out == "The hub has this configuration already; nothing was changed.\n"
    assert err == "the secret of openai/team stays: there is nothing at env:AIHUB_SECRET_OPENAI_TEAM\n"


def test_what_export_prints_as_json_is_a_file_too(tell: Any, say: Said, hub_file: Path, tmp_path: Path) -> None:
    say("apply", str(hub_file))
    (tmp_path / "hub.json").write_text(json.dumps(tell("export")))

    assert main(["apply", str(tmp_path / "hub.json")]) == 0


def test_a_secret_may_be_in_a_file_or_one_of_several_in_a_variable(
    say: Said, tell: Any, refused: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text(f"{CANARY}\n")
    monkeypatch.setenv("SOME_KEYS", "sk-first-0123456789, sk-second-0123456789")
    wanted = {"one": "env:SOME_KEYS#2", "two": f"file:{tmp_path / 'secret'}"}
    credentials = {name: {"secret": secret} for name, secret in wanted.items()}
    file = tmp_path / "hub.yaml"
    file.write_text(yaml.safe_dump({"providers": {"echo": {"credentials": credentials}}}))

    say("apply", str(file))

    assert ["sk-s…6789", "sk-c…mnop"] == [one["secret"] for one in tell("credential", "list")]
    file.write_text(file.read_text().replace("#2", ""))
    assert "holds several secrets: write env:SOME_KEYS#1" in refused("apply", str(file))
    file.write_text(file.read_text().replace("env:SOME_KEYS", CANARY))
    assert CANARY not in refused("apply", str(file))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("providers:\n  echo:\n    wieght: 2\n", ":3: providers.echo.wieght: there is no such field here"),
        ("providers:\n  echo:\n    weight: two\n", ":3: providers.echo.weight: expected a whole number, got text"),
        ("users:\n  a: {}\n  a: {}\n", ":3: 'a' is stated twice"),
        ("users:\n  eve:\n    role: king\n", ":3: users.eve.role: write one of owner, admin, guest"),
        ("users:\n  eve:\n    email: none\n", ":3: users.eve.email: 'none' is no e-mail address"),
        ("rates:\n  echo/x:\n    input: two\n", ":3: rates.echo/x.input: 'two' is not an amount"),
        ("rates:\n  echo/x:\n    input: 2\n", ":2: rates.echo/x.output: `input` and `output` belong together"),
        ("rates:\n  no/x: {input: 1, output: 1}\n", ":2: rates.no/x: there is no provider no"),
        ("limits:\n  - amount: 2\n", ":2: limits[0].measure: the field is missing"),
        ("limits:\n  - {amount: 2, measure: tokens, key: a/b}\n", ":2: limits[0].key: there is no key 'a/b'"),
        (
            "limits:\n  - {amount: 2, measure: tokens}\n  - {amount: 3, measure: tokens}\n",
            ":3: limits[1]: it is stated",
        ),
        ("aliases:\n  a:\n    targets: [b]\n  b:\n    targets: [a]\n", ":5: aliases.b.targets: b → a → b"),
        ("aliases:\n  a:\n    targets:\n      - x y\n", ":4: aliases.a.targets[0]: invalid target 'x y'"),
        ("users:\n  a:\n    keys: {b (2): {}}\n", ":3: users.a.keys.b (2): state 'b' too"),
        ("providers:\n  echo:\n    credentials:\n      a: {}\n", ":4: providers.echo.credentials.a.secret: a new"),
        ("- a\n", ": expected an object, got a list"),
        ("users: [\n", ":2: expected the node content"),
        ("users: &a\n  eve: *a\n", ":2: users.eve.eve: there is no such field here"),
    ],
)
def test_an_error_names_the_file_the_line_the_path_and_what_is_wrong(
    refused: Said, say: Said, tmp_path: Path, text: str, line: str
) -> None:
    say("user", "add", "alice")
    file = tmp_path / "hub.yaml"
    file.write_text(text)

    assert refused("apply", str(file)).startswith(f"aihub: {file}{line}")


def test_an_error_in_toml_names_the_path(refused: Said, tmp_path: Path) -> None:
    file = tmp_path / "hub.toml"
    file.write_text("[users.eve]\nrole = 3\n")

    assert refused("apply", str(file)) == f"aihub: {file}: users.eve.role: write one of owner, admin, guest\n"
    file.write_text("[users.eve\n")
    assert "line 1" in refused("apply", str(file))
    assert "cannot be read" in refused("apply", str(tmp_path / "nothing.yaml"))


def test_what_would_be_removed_is_shown_first(
    say: Said, hub_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    say("apply", str(hub_file))
    empty = tmp_path / "empty.yaml"
    empty.write_text("{}\n")

    assert main(["apply", str(empty), "--prune", "aliases,limits"]) == 1
    shown = capsys.readouterr().out
    assert "-  limits   requests in 1m for key:alice/laptop" in shown
    assert "-  aliases  fast" in shown
    assert "add --accept if that is right" in shown
    assert "fast" in say("alias", "list")
    assert "Done: 2 removed." in say("apply", str(empty), "--prune", "aliases,limits", "--accept")
    assert "fast" not in say("alias", "list")
