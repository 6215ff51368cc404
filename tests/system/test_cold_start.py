"""Starting costs little: what is heavy is imported where it is used, and a command of the operator uses none of it."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
IMPORT_S_MAX = 1.5  # generous: it takes a fifth of this on a slow machine
SERVING_ONLY = {"httpx2", "httpcore2", "httptools", "falcon", "mangum"}
NEVER = {"openai", "anthropic", "pydantic", "pytest", "hypothesis", "mypy", "cfnlint", "setuptools", "pkg_resources"}


def imported(code: str, **environment: str) -> set[str]:
    """The top-level packages that are loaded once the code has run, in an interpreter of its own."""
    report = (
        "import sys, json, atexit\natexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", report + code],
        cwd=ROOT,
        env={"PATH": "", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return {name.partition(".")[0] for name in json.loads(ran.stderr.splitlines()[-1])}


def command(*arguments: str) -> str:
    return f"from entrypoints.cli import main\nraise SystemExit(main({list(arguments)!r}))"


def test_help_needs_nothing_but_the_parser() -> None:
    loaded = imported(command("--help"))

    heavy = {"asyncio", "sqlite3", "cryptography", "msgspec", "anyio", "adapters", "ports"}
    assert set() == loaded & (SERVING_ONLY | NEVER | heavy)


@pytest.mark.parametrize("words", ["user list", "credit balance owner", "call list", "ledger verify", "config show"])
def test_a_command_of_the_operator_needs_no_http(tmp_path: Path, words: str) -> None:
    imported(command("user", "add", "ann"), DATA_DIR=str(tmp_path / "data"))

    loaded = imported(command(*words.split(), "--json"), DATA_DIR=str(tmp_path / "data"))

    assert "entrypoints" in loaded
    assert set() == loaded & (SERVING_ONLY | NEVER)


@pytest.mark.parametrize("module", ["entrypoints.asgi", "entrypoints.wsgi", "entrypoints.aws_lambda"])
def test_importing_an_interface_is_quick_and_leaves_the_rest_for_later(module: str) -> None:
    """(G18)"""

    def seconds() -> float:
        began = time.monotonic()
        loaded = imported(f"import {module}")
        assert set() == loaded & (NEVER | {"httpx2", "httpcore2", "httptools"})
        return time.monotonic() - began

    # The least of three is the import's own time; what comes on top is the machine's.
    assert min(seconds() for _ in range(3)) < IMPORT_S_MAX
