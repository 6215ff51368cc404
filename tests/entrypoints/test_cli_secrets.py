"""The command line: what it masks and guards, so that no secret ever leaves.

Where the process is the point (standard input, terminals, what leaks), a real one is started.
"""

import json
import os
import pty
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from entrypoints.cli import main
from tests.entrypoints.cli_in_process import CANARY, Said
from tests.entrypoints.command import AIHUB, ROOT, process


def test_config_show_prints_value_and_origin_and_masks(
    say: Said, tell: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AIHUB_OWNER_KEY", CANARY)
    monkeypatch.setenv("OPENAI_API_KEY", f"{CANARY}1,{CANARY}2")
    shown = {row["name"]: row for row in tell("config", "show")}

    assert (shown["AIHUB_PORT"]["value"], shown["AIHUB_PORT"]["origin"]) == ("8080", "default")
    assert (shown["AIHUB_OWNER_KEY"]["value"], shown["AIHUB_OWNER_KEY"]["origin"]) == ("sk-c…mnop", "environment")
    assert CANARY not in json.dumps(shown) + say("config", "show")
    monkeypatch.setenv("AIHUB_PROT", "1")
    assert main(["config", "show"]) == 1
    out, err = capsys.readouterr()
    assert "AIHUB_PORT" in out
    assert err == "aihub: AIHUB_PROT: unknown setting; did you mean AIHUB_PORT?\n"


def test_another_master_key_or_a_folder_that_is_none_stops_with_the_remedy(
    say: Said, refused: Said, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    say("user", "add", "ann")
    monkeypatch.setenv("AIHUB_MASTER_KEY", "00" * 32)
    assert "another master key" in refused("user", "list")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "file"))
    assert "DATA_DIR" in refused("user", "list")


def test_the_data_directory_is_its_owner_s_alone(say: Said, data_dir: Path) -> None:
    say("user", "add", "ann")

    assert data_dir.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o077 == 0 for path in data_dir.iterdir())


def test_a_secret_comes_from_standard_input_and_is_found_nowhere_in_clear(data_dir: Path) -> None:
    assert process(data_dir, "provider", "add", "openai").returncode == 0
    added = process(data_dir, "credential", "add", "openai", stdin=f"{CANARY}\n")
    nothing = process(data_dir, "credential", "add", "openai", stdin="\n")
    minted = json.loads(process(data_dir, "key", "create", "--user", "owner", "--json").stdout)["key"]

    assert added.returncode == 0
    assert CANARY not in added.stdout + added.stderr
    assert nothing.returncode == 1
    assert "--from-env" in nothing.stderr
    kept = {path: path.read_bytes() for path in data_dir.rglob("*") if path.is_file()}
    assert any(path.name.startswith("aikit.db") for path in kept)
    for secret in (CANARY, minted):
        assert [path for path, content in kept.items() if secret.encode() in content] == []


def test_the_terminal_does_not_show_the_secret_that_is_typed(data_dir: Path) -> None:
    process(data_dir, "provider", "add", "openai")
    terminal, its_end = pty.openpty()
    requested = subprocess.Popen(
        [*AIHUB, "credential", "add", "openai"],
        env={"PATH": os.environ["PATH"], "DATA_DIR": str(data_dir)},
        cwd=ROOT,
        stdin=its_end,
        stdout=its_end,
        stderr=its_end,
        start_new_session=True,
    )
    os.close(its_end)

    shown = b""
    while b"secret for openai: " not in shown:
        shown += os.read(terminal, 1000)
    os.write(terminal, CANARY.encode() + b"\n")
    with suppress(OSError):  # the terminal's other end is closed
        while piece := os.read(terminal, 1000):
            shown += piece
    os.close(terminal)

    assert requested.wait() == 0
    assert b"added credential" in shown
    assert CANARY.encode() not in shown


@pytest.mark.parametrize(
    "words",
    [
        ("openai", CANARY),
        (CANARY,),
        ("openai", "--weight", CANARY),
        ("openai", f"--weight={CANARY}"),
        ("openai", f"--secret={CANARY}"),
        ("openai", f"--w={CANARY}", "--x"),
        ("openai", "--secret", CANARY),
        ("openai", "--from-env", CANARY),
    ],
)
def test_a_secret_that_was_typed_as_an_argument_is_not_repeated(data_dir: Path, words: tuple[str, ...]) -> None:
    assert process(data_dir, "provider", "add", "openai").returncode == 0

    refused = process(data_dir, "credential", "add", *words, stdin="")

    assert refused.returncode in (1, 2)
    assert CANARY not in refused.stderr + refused.stdout
    assert refused.stderr.count("\n") == 1


def test_a_word_too_many_is_counted_and_an_option_that_is_unknown_named(refused: Said) -> None:
    assert "2 more than the command takes (--limitt); see `aihub" in refused("call", "list", "--limitt", "5", code=2)
    assert "1 more than the command takes; see" in refused("user", "list", CANARY, code=2)
    assert CANARY not in refused("credential", CANARY, code=2)
