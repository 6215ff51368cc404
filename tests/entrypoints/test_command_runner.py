"""A command of the tests' command runner ends and prints as in a shell."""

from pathlib import Path

import pytest

from tests.entrypoints.command import environment, process
from tests.support.command_runner import command_runner


@pytest.mark.parametrize(
    ("words", "secret"),
    [
        (["user", "list", "--json"], ""),
        (["credential", "add", "openai"], "sk-secret-of-nobody-1234"),
        (["credit", "balance", "nobody"], ""),
        (["nonsense"], ""),
        (["--help"], ""),
    ],
    ids=["done", "not done with a secret", "not done", "not understood", "help"],
)
def test_the_command_runner_reports_what_a_shell_would(data_dir: Path, words: list[str], secret: str) -> None:
    process(data_dir, "user", "add", "ann")
    expected = process(data_dir, *words, stdin=secret)

    reported = command_runner().run(words, environment(data_dir), secret)

    assert (expected.returncode, expected.stdout, expected.stderr) == (reported.exit_code, reported.out, reported.err)


def test_nothing_of_a_command_is_left_for_the_next(tmp_path: Path) -> None:
    ours, others = environment(tmp_path / "ours"), environment(tmp_path / "others")
    assert 0 == command_runner().run(["user", "add", "ann"], ours, "unread").exit_code
    assert 0 == command_runner().run(["user", "add", "bob"], others).exit_code

    reported = command_runner().run(["user", "list", "--json"], others)

    assert (0, False) == (reported.exit_code, "ann" in reported.out)
