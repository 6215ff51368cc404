"""The documents say what the hub does: everything a user can meet is named in them, and the README's example runs."""

import argparse
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from domain import failures, refusals
from domain.books.rows import Ending
from entrypoints.cli.parser import build_parser
from entrypoints.cli.reference import commands_as_markdown, renewed
from entrypoints.config import SETTINGS
from entrypoints.http.routes import routes
from entrypoints.vendor_keys import VENDOR_VARIABLES
from tests.support.hub import running_hub

ROOT = Path(__file__).parents[1]
REFERENCE = (ROOT / "docs" / "reference.md").read_text()
README = (ROOT / "README.md").read_text()


def test_every_setting_is_documented() -> None:
    names = [*(setting.name for setting in SETTINGS), *VENDOR_VARIABLES]
    missing = [name for name in names if f"`{name}`" not in REFERENCE]

    assert [] == missing


def test_every_route_is_documented() -> None:
    missing = [r.template for r in routes(None) if f"`{r.method} {r.template}`" not in REFERENCE]  # type: ignore[arg-type]

    assert [] == missing


def test_every_refusal_is_documented() -> None:
    tags = [str(refusal.__struct_config__.tag) for refusal in get_args(refusals.Refusal)]

    assert [] == [tag for tag in tags if f"`{tag}`" not in REFERENCE]


def test_every_failure_and_every_ending_is_documented() -> None:
    words = [*get_args(failures.FailureKind), *get_args(Ending)]

    assert [] == [word for word in words if f"`{word}`" not in REFERENCE]


def test_every_command_is_documented_and_has_an_example() -> None:
    commands = list(_commands(build_parser(), ()))

    assert len(commands) > 20
    assert [] == [" ".join(words) for words, _ in commands if not _is_documented(words)]
    assert [] == [" ".join(words) for words, command in commands if "example" not in (command.epilog or "")]


def test_the_commands_in_the_reference_are_those_that_there_are() -> None:
    assert REFERENCE == renewed(REFERENCE), "run `make reference`"


def test_a_cell_of_the_command_tables_can_be_read_at_a_glance() -> None:
    cells = [cell for row in commands_as_markdown().splitlines() for cell in re.split(r"(?<!\\)\|", row)]

    assert [] == [cell for cell in cells if len(cell.strip()) > 200]


@pytest.mark.skipif(sys.platform == "win32", reason="the example is for a POSIX shell")
def test_the_worked_example_of_the_readme_gives_what_it_shows(tmp_path: Path) -> None:
    console = re.search(r"```console\n(.*?)```", README, re.S)
    assert console is not None
    steps = re.split(r"^\$ ", console[1], flags=re.M)[1:]
    with running_hub(tmp_path / "data") as hub:
        bin_dir = Path(sys.executable).parent
        script = "".join(f"{step.splitlines()[0]}\necho '--8<--'\n" for step in steps)
        ran = subprocess.run(
            ["bash", "-c", script.replace("http://127.0.0.1:8080", hub.url)],
            env={**hub.env, "PATH": f"{bin_dir}:{hub.env['PATH']}"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    shown = ["\n".join(step.splitlines()[1:]).strip() for step in steps]
    assert shown == [text.strip().replace("\r", "") for text in ran.stdout.split("--8<--")[:-1]], ran.stderr


def _commands(
    command: argparse.ArgumentParser, words: tuple[str, ...]
) -> "list[tuple[tuple[str, ...], argparse.ArgumentParser]]":
    """The units of the command tree."""
    found: list[tuple[tuple[str, ...], argparse.ArgumentParser]] = []
    for action in command._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                found += _commands(below, (*words, name))
            return found
    return [(words, command)]


def _is_documented(words: tuple[str, ...]) -> bool:
    """`aihub provider add` in full, or `remove` in the row of its noun."""
    rows = [line for line in REFERENCE.splitlines() if line.startswith(f"| `aihub {words[0]}")]
    return any(f"`aihub {' '.join(words)}`" in row or f"`{words[-1]}`" in row for row in rows)
