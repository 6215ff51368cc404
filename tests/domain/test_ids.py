"""Ids in 16 bytes: every text comes back as it was, and the order of ids is the order of their bytes."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.books.ids import DIGITS, packed, unpacked

USUAL = st.from_regex(f"[0-6][{DIGITS}]{{25}}", fullmatch=True)
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    st.builds("{}_{}".format, st.sampled_from(["call", "lot", ""]), st.one_of(USUAL, st.text(DIGITS, max_size=28))),
)


@pytest.mark.parametrize(("text", "prefix", "length"), [
    ("call_01k9zzzzzzzzzzzzzzzzzzzzzz",   "call",   16),
    ("call_6zzzzzzzzzzzzzzzzzzzzzzzzz",   "call",   16),
    ("call_7zzzzzzzzzzzzzzzzzzzzzzzzz",   "call",   32),   # its first byte would be that of a text
    ("call_8zzzzzzzzzzzzzzzzzzzzzzzzz",   "call",   32),   # more than 128 bits
    ("call_01k9zzzzzzzzzzzzzzzzzzzzz",    "call",   31),   # a digit is missing
    ("call_01k9zzzzzzzzzzzzzzzzzzzzzu",   "call",   32),   # `u` is no digit
    ("lot_01k9zzzzzzzzzzzzzzzzzzzzzz",    "grant",  31),   # of an older hub
    ("call-1",                           "call",    7),
    ("",                                 "call",    1),
])  # fmt: skip
def test_an_id_of_the_usual_form_takes_16_bytes_and_any_other_its_text(text: str, prefix: str, length: int) -> None:
    assert length == len(packed(text, prefix))
    assert text == unpacked(packed(text, prefix), prefix)


@given(TEXTS, st.sampled_from(["call", "grant"]))
def test_every_text_comes_back_as_it_was(text: str, prefix: str) -> None:
    assert text == unpacked(packed(text, prefix), prefix)


@given(st.lists(TEXTS, unique=True, max_size=10))
def test_no_two_texts_are_packed_alike(texts: list[str]) -> None:
    assert len(texts) == len({packed(text, "call") for text in texts})


@given(USUAL, USUAL)
def test_ids_sort_as_their_bytes_do(one: str, other: str) -> None:
    ids = sorted([f"call_{one}", f"call_{other}"])

    assert sorted([packed(ids[0], "call"), packed(ids[1], "call")]) == [packed(ids[0], "call"), packed(ids[1], "call")]


@given(USUAL, TEXTS)
def test_a_text_sorts_behind_every_id(usual: str, text: str) -> None:
    if re.fullmatch(f"call_[0-6][{DIGITS}]{{25}}", text) is None:
        assert packed(f"call_{usual}", "call") < packed(text, "call")
