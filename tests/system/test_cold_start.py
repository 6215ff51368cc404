"""Starting costs little: what is heavy is imported where it is used, and a command of the operator uses none of it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_FIRST_CALL = """
import asyncio, json
from entrypoints.asgi import create_app

async def main():
    app, sent = create_app(), []
    body = json.dumps({"model": "echo/echo", "messages": [{"role": "user", "content": "hello"}]}).encode()
    scope = {"type": "http", "method": "POST", "path": "/v1/chat/completions", "query_string": b"", "http_version": "1.1",
             "headers": [(b"authorization", b"Bearer ahk_owner-key-of-the-test-0000000000000000000000")]}

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        sent.append(message)

    await app(scope, receive, send)
    await app.close()
    assert sent[0]["status"] == 200, sent

asyncio.run(main())
"""
MODULES_MAX = 700  # some 550 are loaded, the standard library's included
SERVING_ONLY = {"httpx2", "httpcore2", "httptools", "falcon", "mangum"}
NEVER = {"openai", "anthropic", "pydantic", "pytest", "hypothesis", "mypy", "cfnlint", "setuptools", "pkg_resources"}


def packages(code: str, **environment: str) -> set[str]:
    """The top-level packages that are loaded once the code has run, in an interpreter of its own."""
    return {name.partition(".")[0] for name in imported(code, **environment)}


def imported(code: str, **environment: str) -> list[str]:
    """The modules that are loaded once the code has run, in an interpreter of its own."""
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
    names: list[str] = json.loads(ran.stderr.splitlines()[-1])
    return names


def command(*arguments: str) -> str:
    return f"from entrypoints.cli import main\nraise SystemExit(main({list(arguments)!r}))"


def test_help_needs_nothing_but_the_parser() -> None:
    loaded = packages(command("--help"))

    heavy = {"asyncio", "sqlite3", "cryptography", "msgspec", "anyio", "adapters", "ports"}
    assert set() == loaded & (SERVING_ONLY | NEVER | heavy)


@pytest.mark.parametrize("words", ["user list", "credit balance owner", "call list", "ledger verify", "config show"])
def test_a_command_of_the_operator_needs_no_http(tmp_path: Path, words: str) -> None:
    imported(command("user", "add", "ann"), DATA_DIR=str(tmp_path / "data"))

    loaded = packages(command(*words.split(), "--json"), DATA_DIR=str(tmp_path / "data"))

    assert "entrypoints" in loaded
    assert set() == loaded & (SERVING_ONLY | NEVER)


@pytest.mark.parametrize("module", ["entrypoints.asgi", "entrypoints.wsgi", "entrypoints.aws_lambda.buffered"])
def test_importing_an_interface_is_quick_and_leaves_the_rest_for_later(module: str) -> None:
    """(G18) By the number of modules, which no load on the machine changes."""
    loaded = imported(f"import {module}")

    assert set() == {name.partition(".")[0] for name in loaded} & (NEVER | {"httpx2", "httpcore2", "httptools"})
    assert len(loaded) < MODULES_MAX


def test_the_first_call_of_a_function_loads_neither_router_nor_pages_nor_actions(tmp_path: Path) -> None:
    key = "ahk_owner-key-of-the-test-0000000000000000000000"
    settings = {"DATA_DIR": str(tmp_path / "data"), "AIHUB_OWNER_KEY": key, "CREDIT_BASED_BILLING_ENABLED": "false"}

    loaded = imported(_FIRST_CALL, **settings)

    assert "entrypoints.usecases.call.model_call" in loaded
    router_and_pages = ("falcon", "jinja2", "prometheus_client", "entrypoints.http.dashboard.pages")
    actions = ("entrypoints.actions", "entrypoints.http.management", "entrypoints.http.aigne_management")
    assert [] == [name for name in loaded if name.startswith((*router_and_pages, *actions))]
