"""Fixtures of the entrypoints' tests: asyncio, and the command line run in this process."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from entrypoints.cli import main
from tests.entrypoints.cli_in_process import Said

OURS = ("AIHUB_", "CREDIT_", "NEW_USER_", "OPENAI_", "ANTHROPIC_", "DATA_DIR")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in list(os.environ):
        if name.startswith(OURS):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def say(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> Said:
    """Run a command and return what it printed; it must succeed."""

    def run(*words: str) -> str:
        code = main(words)
        out, err = capsys.readouterr()
        assert (code, err) == (0, ""), (words, err)
        return out

    return run


@pytest.fixture
def tell(say: Said) -> Callable[..., Any]:
    return lambda *words: json.loads(say(*words, "--json"))


@pytest.fixture
def refused(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> Said:
    """Run a command that must fail with one line, and return that line."""

    def run(*words: str, code: int = 1) -> str:
        try:
            ended: object = main(words)
        except SystemExit as left:
            ended = left.code
        out, err = capsys.readouterr()
        assert (ended, out) == (code, "")
        assert err.startswith("aihub: ")
        assert err.count("\n") == 1
        return err

    return run
