"""JSON of another form than expected: the place, and the problem in plain words, without reading a library's text."""

import ast
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from entrypoints.http.decode_errors import (
    ANY_KEY,
    JSON_ERRORS,
    JsonDecoder,
    Steps,
    WrongForm,
    decode_json,
    written_path,
)

ROOT = Path(__file__).parents[2]


class _Item(msgspec.Struct):
    id: int
    note: str | None = None


class _Order(msgspec.Struct):
    name: Annotated[str, Meta(min_length=1, max_length=5)] = "a"
    items: Annotated[list[_Item], Meta(min_length=1, max_length=2)] = []
    count: Annotated[int, Meta(ge=1, le=9)] = 1
    share: float | None = None
    size: int | float | None = None
    kind: Literal["small", "large"] | None = None
    content: str | list[_Item] = ""
    labels: dict[str, int] = {}
    numbers: tuple[int, ...] = ()
    raw: msgspec.Raw = msgspec.Raw(b"")


_ORDER = JsonDecoder(_Order)


@pytest.mark.parametrize(
    ("body", "path", "problem"),
    [
        ('{"name":1}', ".name", "Expected text, got a whole number"),
        ('{"name":""}', ".name", "Expected text of length >= 1"),
        ('{"name":"abcdef"}', ".name", "Expected text of length <= 5"),
        ('{"items":[]}', ".items", "Expected a list of length >= 1"),
        ('{"items":[{"id":1},{"id":2},{"id":3}]}', ".items", "Expected a list of length <= 2"),
        ('{"items":[{"id":1},{}]}', ".items[1].id", "The field is missing"),
        ('{"items":[{"id":1},{"id":null}]}', ".items[1].id", "Expected a whole number, got null"),
        ('{"items":[5]}', ".items[0]", "Expected an object, got a whole number"),
        ('{"count":0}', ".count", "Expected a whole number >= 1"),
        ('{"count":99999999999999999999}', ".count", "Expected a whole number <= 9"),
        ('{"count":1.5}', ".count", "Expected a whole number, got a number"),
        ('{"count":true}', ".count", "Expected a whole number, got true or false"),
        ('{"share":"x"}', ".share", "Expected a number or null, got text"),
        ('{"size":"x"}', ".size", "Expected a whole number or a number or null, got text"),
        ('{"kind":"huge"}', ".kind", "It is none of the known values"),
        ('{"kind":1}', ".kind", "Expected text or null, got a whole number"),
        ('{"content":5}', ".content", "Expected text or a list, got a whole number"),
        ('{"content":[{"id":"x"}]}', ".content[0].id", "Expected a whole number, got text"),
        ('{"labels":{"secret":"x"}}', ".labels[...]", "Expected a whole number, got text"),
        ('{"numbers":[1,{}]}', ".numbers[1]", "Expected a whole number, got an object"),
        ("[]", "", "Expected an object, got a list"),
    ],
)
def test_the_place_and_the_problem_are_named(body: str, path: str, problem: str) -> None:
    for read in (_ORDER.decode, lambda raw: decode_json(raw, _Order)):
        with pytest.raises(WrongForm) as wrong:
            read(body.encode())

        assert (path, problem) == (written_path(wrong.value.steps), wrong.value.problem)
        assert wrong.value.is_missing == (problem == "The field is missing")


def test_a_rule_of_our_own_is_stated_by_its_error() -> None:
    class Even(msgspec.Struct):
        number: int

        def __post_init__(self) -> None:
            if self.number % 2:
                raise ValueError("the number is odd")

    with pytest.raises(WrongForm, match="the number is odd"):
        decode_json(b'{"number":1}', Even)


@pytest.mark.parametrize("body", [b'{"name":1', b'{"name":1, nonsense}', b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_no_wrong_form(body: bytes) -> None:
    with pytest.raises(JSON_ERRORS) as broken:
        _ORDER.decode(body)

    assert not isinstance(broken.value, WrongForm)


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(("id", "note", "x")), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(_Order.__struct_fields__), _values, max_size=4))
def test_whatever_is_refused_has_a_place_in_the_value(value: dict[str, Any]) -> None:
    """Exactly what msgspec refuses is refused, and the steps lead to a part of the value, or to what it lacks."""
    raw = msgspec.json.encode(value)
    try:
        expected: Any = msgspec.json.decode(raw, type=_Order)
    except msgspec.ValidationError:
        with pytest.raises(WrongForm) as wrong:
            _ORDER.decode(raw)
        assert wrong.value.steps
        assert wrong.value.is_missing == (not _leads_somewhere(value, wrong.value.steps))
    else:
        assert expected == _ORDER.decode(raw)


def test_readers_of_requests_decode_so_that_an_error_has_its_place() -> None:
    """A module that makes problems of decoding errors decodes with these functions alone."""
    guilty = []
    for path in sorted((ROOT / "entrypoints" / "http").rglob("*.py")):
        text = path.read_text()
        words = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
        if words & {"unreadable", "complaint", "read_body"} and path.name != "decode_errors.py":
            calls = [ast.unparse(node) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
            guilty += [
                f"{path.relative_to(ROOT)}: {call}"
                for call in calls
                if call.startswith("msgspec.json.Decoder(")
                or (call.startswith("msgspec.json.decode(") and "type=" in call)
            ]

    assert [] == guilty


def _leads_somewhere(value: Any, steps: Steps) -> bool:
    for step in steps:
        if step == ANY_KEY:
            return True
        try:
            value = value[step]
        except (KeyError, IndexError):
            return False
    return True
