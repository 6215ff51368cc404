"""An irregular part of an answer counts as missing; a required part must be there."""

import json
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.providers.lenient_json import SPELLED, Lenient


class Inner(msgspec.Struct, frozen=True):
    name: str = "none"
    given: msgspec.Raw = msgspec.Raw(b"{}")


class Outer(msgspec.Struct, frozen=True):
    id: str
    count: int = 7
    inner: Inner = Inner()
    more: list[Inner] = []
    said: Annotated[str, SPELLED] = ""


OUTER = Lenient(Outer)


@pytest.mark.parametrize(("data", "read"), [
    (b'{"id":"a","count":null}',                                  Outer("a")),
    (b'{"id":"a","count":null,"inner":null,"more":null}',         Outer("a")),
    (b'{"id":"a","inner":{"name":null}}',                         Outer("a")),
    (b'{"id":"a","more":[{"name":"b"},{"name":null},null]}',      Outer("a", more=[Inner("b"), Inner()])),
    (b'{"id":"a","inner":{"given":{"x":null},"name":null}}',
     Outer("a", inner=Inner(given=msgspec.Raw(b'{"x":null}')))),
])  # fmt: skip
def test_a_null_is_as_good_as_nothing(data: bytes, read: Outer) -> None:
    assert read == OUTER.decode(data)


@pytest.mark.parametrize(("data", "read"), [
    (b'{"id":5}',                                      Outer("5")),             # a number where a text is due
    (b'{"id":"a","count":"8"}',                        Outer("a", count=8)),    # and the other way round
    (b'{"id":"a","count":8.0}',                        Outer("a", count=8)),
    (b'{"id":"a","count":8.5}',                        Outer("a")),
    (b'{"id":"a","count":[8]}',                        Outer("a")),
    (b'{"id":"a","inner":"b","more":{"0":"c"}}',       Outer("a")),
    (b'{"id":"a","more":[5,{"name":"b"},"c"]}',        Outer("a", more=[Inner("b")])),
    (b'{"id":"a","inner":{"name":[],"given":1.50}}',   Outer("a", inner=Inner(given=msgspec.Raw(b"1.50")))),
    (b'{"id":"a\\ud83d"}',                             Outer("a\ud83d")),
    (b'{"id":"\\ud83d\\ude00","count":null}',          Outer("\U0001f600")),
    (b'{"id":"a\xff"}',                                Outer("a\ufffd")),
    (b'{"id":"a","said":[1]}',                         Outer("a", said="[1]")),
])  # fmt: skip
def test_a_part_that_cannot_be_read_costs_no_other(data: bytes, read: Outer) -> None:
    assert read == OUTER.decode(data)


@pytest.mark.parametrize("data", [b'{"id":null}', b"{}", b'{"id":[5]}', b"null", b"[]", b"7"])
def test_what_is_needed_must_be_there(data: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        OUTER.decode(data)

    assert None is OUTER.part(data)


@pytest.mark.parametrize("data", [b"", b'{"id":', b"<html>", b'{"id":"a"} and more'])
def test_what_is_no_json_is_none(data: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        OUTER.decode(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(JSON, st.sampled_from(("count", "inner", "more", "said", "else")))
def test_no_value_of_an_optional_field_is_an_obstacle(value: Any, name: str) -> None:
    read = OUTER.decode(json.dumps({"id": "a", name: value}).encode())

    assert "a" == read.id
    assert read == OUTER.decode(msgspec.json.encode(read))
