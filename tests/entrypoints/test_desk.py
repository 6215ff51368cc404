"""A command that the tests' desk carries out is the one that a shell would have."""

from pathlib import Path

import pytest

from tests.entrypoints.command import environment, process
from tests.support.desk import desk


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
def test_the_desk_tells_what_a_shell_would_hear(data_dir: Path, words: list[str], secret: str) -> None:
    process(data_dir, "user", "add", "ann")
    expected = process(data_dir, *words, stdin=secret)

    told = desk().run(words, environment(data_dir), secret)

    assert (expected.returncode, expected.stdout, expected.stderr) == (told.exit_code, told.out, told.err)


def test_nothing_of_a_command_is_left_for_the_next(tmp_path: Path) -> None:
    ours, others = environment(tmp_path / "ours"), environment(tmp_path / "others")
    assert 0 == desk().run(["user", "add", "ann"], ours, "unread").exit_code
    assert 0 == desk().run(["user", "add", "bob"], others).exit_code

    told = desk().run(["user", "list", "--json"], others)

    assert (0, False) == (told.exit_code, "ann" in told.out)
