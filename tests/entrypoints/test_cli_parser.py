"""The command line: its words, the help for them, and wrong ones."""

from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import pytest

from entrypoints.actions.action import every_action
from entrypoints.cli import main
from entrypoints.cli.parser import build_parser
from tests.entrypoints.cli_in_process import Said


def test_the_commands_are_the_actions_and_those_about_this_process_and_the_database() -> None:
    of_the_database = {"database status", "database migrate", "database copy"}
    assert {*_commands(build_parser())} == {*every_action(), "serve", "config show", *of_the_database}


def _commands(parser: Any, prefix: str = "") -> Iterator[str]:
    for action in parser._actions:
        if not isinstance(action.choices, dict):
            continue
        for word, under in action.choices.items():
            deeper = list(_commands(under, f"{prefix}{word} "))
            yield from deeper or [f"{prefix}{word}"]


def test_every_command_has_a_help_with_an_example_and_takes_json(capsys: pytest.CaptureFixture[str]) -> None:
    for command in _commands(build_parser()):
        with pytest.raises(SystemExit) as left:
            main([*command.split(), "--help"])
        shown = capsys.readouterr().out
        assert left.value.code == 0
        assert "example:" in shown
        assert f"aihub {command}" in shown
        assert "--json" in shown


@pytest.mark.parametrize("words", [[], ["user"]])
def test_without_a_command_the_help_lists_the_commands(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == main(words)

    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"usage: {' '.join(['aihub', *words])} ")
    lines = err[err.index("\ncommands:\n") :].split("\noptions:")[0].splitlines()[3:-1]
    columns = {
        len(line) - len(line.split(maxsplit=1)[1]) for line in lines if line.startswith("    ") and line[4] != " "
    }
    assert len(columns) == 1, "every meaning stands in one column, beside its command"


def test_the_version_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--version"])

    assert left.value.code == 0
    assert capsys.readouterr().out == f"aihub {version('aihub')}\n"


def test_wrong_arguments_are_one_line_that_leads_to_the_help(refused: Said) -> None:
    assert "there is no command 'usr', did you mean 'user'?; see `aihub --help`" in refused("usr", code=2)
    assert "there is no command 'delete'; see `aihub user --help`" in refused("user", "delete", code=2)
    assert "invalid choice" in refused("user", "add", "eve", "--role", "queen", code=2)
    assert "aihub user add --help" in refused("user", "add", code=2)
