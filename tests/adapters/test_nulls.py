"""A null where something else is due is as good as a field that is not there; every other nonsense stays one."""

import msgspec
import pytest

from adapters.providers.nulls import NullsAside


class Inner(msgspec.Struct, frozen=True):
    name: str = "none"
    given: msgspec.Raw = msgspec.Raw(b"{}")


class Outer(msgspec.Struct, frozen=True):
    id: str
    count: int = 7
    inner: Inner = Inner()
    more: list[Inner] = []


OUTER = NullsAside(Outer)


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


@pytest.mark.parametrize("data", [b'{"id":null}', b"{}", b'{"id":5}', b'{"id":"a","count":"x","inner":null}', b"null"])
def test_what_is_needed_must_be_there_and_be_what_it_should(data: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        OUTER.decode(data)


def test_what_is_no_json_is_none() -> None:
    with pytest.raises(msgspec.DecodeError):
        OUTER.decode(b'{"id":')


def test_a_name_that_looks_like_a_path_is_left_alone() -> None:
    class Dotted(msgspec.Struct, frozen=True):
        inner: str = msgspec.field(default="", name="a.b")

    with pytest.raises(msgspec.ValidationError):
        NullsAside(Dotted).decode(b'{"a.b":null}')
