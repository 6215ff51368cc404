"""The action table: every action is whole, and its use case knows no entrypoint."""

import argparse
import ast
import inspect
import itertools
import re
import shlex
import subprocess
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest

from domain.accounts.permissions import PERMISSIONS
from domain.refusals import BadRequest, NotFound, Refusal, Remedy
from entrypoints.actions.action import Action, every_action
from entrypoints.cli.from_actions import request_of
from entrypoints.cli.inputs import INPUTS
from entrypoints.cli.output import complaint
from entrypoints.cli.parser import build_parser
from entrypoints.cli.views import view_of
from entrypoints.usecases.manage.configuration.document import Document
from entrypoints.usecases.management_context import Denial
from entrypoints.usecases.public_types import Credits, CreditsEach, Duration, Moment, described, read, written

ROOT = Path(__file__).parents[2]
ACTIONS = every_action()
each_action = pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)


@each_action
def test_an_action_declares_what_its_handler_takes_and_returns(action: Action[Any, Any]) -> None:
    hints = get_type_hints(action.handler)
    reply = AsyncIterator[action.reply] if action.is_streamed else action.reply  # type: ignore[name-defined]
    returned = _parts(hints["return"])

    assert action.request is hints["request"]
    assert _parts(reply) == {part for part in returned if part not in get_args(Refusal)}
    assert {*get_args(Denial)} <= returned


@each_action
def test_a_request_and_a_reply_can_be_described_as_json_schema(action: Action[Any, Any]) -> None:
    _, schemas = msgspec.json.schema_components((action.request, action.reply), schema_hook=described)

    assert action.request.__name__ in schemas
    assert [] == [name for name, each in schemas.items() if not each.get("description")]
    fields = schemas[action.request.__name__]["properties"]
    assert set(fields) == {field.encode_name for field in msgspec.structs.fields(action.request)}
    assert [] == [name for name, field in fields.items() if not _description(field)]


@each_action
def test_a_request_survives_being_written_as_json(action: Action[Any, Any]) -> None:
    """The JSON of a request is read as the same request, as an entrypoint over HTTP reads it."""
    request = _example_request(action)

    assert request == msgspec.json.decode(
        msgspec.json.encode(request, enc_hook=written), type=action.request, dec_hook=partial(read, 0)
    )


@each_action
def test_the_example_is_a_command_of_the_action(action: Action[Any, Any]) -> None:
    assert _parsed(action).command == action.name


@each_action
def test_only_an_action_that_is_declared_to_take_long_reports_its_progress(action: Action[Any, Any]) -> None:
    assert action.has_progress == ("context.report" in inspect.getsource(action.handler))


@each_action
def test_the_command_line_writes_every_field_that_a_request_must_have(action: Action[Any, Any]) -> None:
    fields = {field.name: field for field in msgspec.structs.fields(action.request)}
    written_fields = [argument.field for argument in action.arguments]

    read_elsewhere = {*INPUTS[action.name].names} if action.name in INPUTS else set()
    needed = {name for name, field in fields.items() if field.required}
    assert needed <= {*written_fields, *read_elsewhere} <= {*fields}
    assert len(written_fields) == len(set(written_fields))


@each_action
def test_an_action_has_a_summary_an_example_and_a_view(action: Action[Any, Any]) -> None:
    assert action.example.startswith(f"aihub {action.name}")
    assert action.permission in PERMISSIONS
    assert not (action.is_change and action.permission.startswith("see "))
    assert action.meaning[0].islower()
    assert not action.meaning.endswith(".")
    assert action.is_streamed == (view_of(action.name) is None)


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
        (CreditsEach(40_000_000_000_000), "0.04"),
        (Moment(0), "1970-01-01T00:00:00.000Z"),
        (Duration(86_400_000 * 30), "30d"),
        (Duration(90_000), "90s"),
        (Duration(7_200_000), "2h"),
    ],
)
def test_a_value_is_written_in_its_public_form(value: int, text: str) -> None:
    encoded = f'"{text}"'.encode()
    assert (text, encoded) == (written(value), msgspec.json.encode(value, enc_hook=written))
    assert value == msgspec.json.decode(encoded, type=type(value), dec_hook=partial(read, 0))


@pytest.mark.parametrize(
    ("kind", "value", "problem"),
    [
        (Credits, "five", "not an amount"),
        (Credits, True, "Expected a decimal"),
        (Moment, "yesterday", "2026-11-01"),
        (Duration, "soon", "30d"),
    ],
)
def test_a_value_in_another_form_is_refused_with_an_example(kind: type, value: object, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        read(0, kind, value)


def _parsed(action: Action[Any, Any]) -> argparse.Namespace:
    """The example, as the command line parses it: without a redirection of its input or output."""
    words = [*itertools.takewhile(lambda word: word not in "<>", shlex.split(action.example)[1:])]
    parsed: argparse.Namespace = build_parser(words).parse_args(words)
    return parsed


def _example_request(action: Action[Any, Any]) -> msgspec.Struct:
    more: dict[str, Any] = {"secret": "s"} if action.name in ("credential add", "credential test") else {}
    more |= {"body": msgspec.Raw(b"{}")} if action.name == "quote" else {}
    more |= {"config": msgspec.Raw(b"{}")} if action.name == "import litellm" else {}
    more |= {"configuration": Document()} if action.name == "apply" else {}
    return request_of(action, _parsed(action), 86_400_000, more)


def _description(field: Any) -> str | None:
    found: str | None = field.get("description")
    return found


def _parts(returned: Any) -> set[Any]:
    return {*get_args(returned)} if get_origin(returned) in (Union, UnionType) else {returned}


def _nouns() -> set[str]:
    return {name.partition(" ")[0] for name in ACTIONS}
