"""The command line: its words, the help for them, and wrong ones."""

from collections.abc import Iterator
from typing import Any

import pytest

from entrypoints.cli import main
from entrypoints.cli.parser import build_parser
from entrypoints.cli.run import COMMANDS
from tests.entrypoints.cli_said import Said


def test_every_command_of_the_parser_has_somebody_who_carries_it_out() -> None:
    known = set(_commands(build_parser()))

    assert known == {*COMMANDS, "serve", "config show"}


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


def test_wrong_words_are_one_line_with_the_way_to_the_help(refused: Said) -> None:
    assert "aihub --help" in refused(code=2)
    assert "invalid choice" in refused("usr", code=2)
    assert "VERB" in refused("user", code=2)
    assert "aihub user add --help" in refused("user", "add", code=2)
