"""The action table: every action is whole, and its use case knows no entrypoint."""

import ast
import re
import subprocess
import sys
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest

from domain.accounts.permissions import PERMISSIONS
from domain.refusals import BadRequest, NotFound, Remedy
from entrypoints.actions.action import Action, every_action
from entrypoints.cli.output import complaint
from entrypoints.cli.run import VIEWS
from entrypoints.usecases.management_context import Denial
from entrypoints.usecases.public_types import Credits, Duration, Moment, written

ROOT = Path(__file__).parents[2]
ACTIONS = every_action()
each_action = pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)


@each_action
def test_an_action_declares_what_its_handler_takes_and_returns(action: Action[Any, Any]) -> None:
    hints = get_type_hints(action.handler)

    assert action.request is hints["request"]
    assert _parts(action.reply) | {*get_args(Denial)} == _parts(hints["return"])


@each_action
def test_the_command_line_writes_every_field_that_a_request_must_have(action: Action[Any, Any]) -> None:
    fields = {field.name: field for field in msgspec.structs.fields(action.request)}
    written_fields = [argument.field for argument in action.arguments]

    assert set(written_fields) <= set(fields)
    assert len(written_fields) == len(set(written_fields))


@each_action
def test_an_action_has_words_an_example_and_a_way_to_be_shown(action: Action[Any, Any]) -> None:
    assert action.example.startswith(f"aihub {action.name}")
    assert action.permission in PERMISSIONS
    assert not (action.is_change and action.permission.startswith("see "))
    assert action.name in VIEWS


def test_a_remedy_names_an_action() -> None:
    named = {
        str(node.args[0].value)
        for room in ("domain", "entrypoints")
        for path in (ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Remedy"
        and isinstance(node.args[0], ast.Constant)
    }

    assert "user add" in named
    assert set() == {name for name in named if name.partition(" ")[0] in _nouns() and name not in ACTIONS}


def test_use_cases_and_rules_do_not_speak_command_line() -> None:
    stated = re.compile(r"--[a-z]|\baihub ")
    found = [
        f"{path.relative_to(ROOT)}:{n}"
        for room in ("domain", "entrypoints/usecases")
        for path in sorted((ROOT / room).rglob("*.py"))
        for n, line in enumerate(path.read_text().splitlines(), 1)
        if stated.search(line)
    ]

    assert [] == found


def test_the_help_loads_no_use_case_and_no_library() -> None:
    heavy = ("msgspec", "falcon", "httpx2", "aiosqlite", "domain", "entrypoints.usecases", "entrypoints.http")
    script = (
        "import sys\nfrom entrypoints.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    )

    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)

    assert "credit" in ran.stdout
    assert ran.stderr.strip() == "[]"


@pytest.mark.parametrize(
    ("refusal", "line"),
    [
        (NotFound(kind="key", name="k", remedy=Remedy("key list")), "there is no key 'k'; see `aihub key list`"),
        (
            NotFound(kind="user", name="eve", remedy=Remedy("user add", "eve")),
            "there is no user 'eve'; add the user with `aihub user add eve`",
        ),
        (
            BadRequest(field="secret", problem="c1 holds it already", remedy=Remedy("credential activate", "c1")),
            "the secret: c1 holds it already; use `aihub credential activate c1`",
        ),
        (
            NotFound(kind="rate", name="a/b", remedy=Remedy("rate list"), similar=("a/c",)),
            "there is no rate 'a/b'; known here: a/c; see `aihub rate list`",
        ),
    ],
)
def test_the_command_line_words_a_remedy_as_a_command(refusal: Denial, line: str) -> None:
    assert line == str(complaint(refusal, {"secret": "the secret"}))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Credits(1), "0.000000001"),
        (Credits(5_000_000_000), "5"),
        (Moment(0), "1970-01-01T00:00:00.000Z"),
        (Duration(86_400_000 * 30), "30d"),
        (Duration(90_000), "90s"),
        (Duration(7_200_000), "2h"),
    ],
)
def test_a_value_is_written_in_its_public_form(value: int, text: str) -> None:
    assert (text, f'"{text}"'.encode()) == (written(value), msgspec.json.encode(value, enc_hook=written))


def _parts(returned: Any) -> set[Any]:
    return {*get_args(returned)} if get_origin(returned) in (Union, UnionType) else {returned}


def _nouns() -> set[str]:
    return {name.partition(" ")[0] for name in ACTIONS}
