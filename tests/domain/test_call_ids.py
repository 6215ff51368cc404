"""Ids of tool calls take the form that a provider wants, and stay the ids of the same calls."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.dialects.tool_call_ids import (
    ANTHROPIC_IDS,
    CONVERSE_IDS,
    MISTRAL_IDS,
    OPENAI_CHAT_IDS,
    OPENAI_RESPONSES_IDS,
    IdForm,
    fitted_id,
)

PATTERNS = (
    (ANTHROPIC_IDS, r"[a-zA-Z0-9_-]+"),
    (CONVERSE_IDS, r"[a-zA-Z0-9_.:-]{1,64}"),
    (MISTRAL_IDS, r"[a-zA-Z0-9]{9}"),
    (OPENAI_CHAT_IDS, r"[\s\S]{1,40}"),
    (OPENAI_RESPONSES_IDS, r"[\s\S]{1,64}"),
)
_ids = st.one_of(
    st.text(max_size=100),
    st.text(alphabet="ab.:_-", max_size=9),  # ids that differ in nothing but a character that is not allowed
    st.from_regex(r"functions\.[a-z_]{1,60}:[0-9]", fullmatch=True),
)


@pytest.mark.parametrize(
    ("given_id", "form", "sent"),
    [
        ("toolu_01AbC", ANTHROPIC_IDS, "toolu_01AbC"),
        ("a" * 300, ANTHROPIC_IDS, "a" * 300),
        ("functions.get_weather:0", CONVERSE_IDS, "functions.get_weather:0"),
        ("call_1", OPENAI_CHAT_IDS, "call_1"),
        ("functions.get_weather:0", OPENAI_CHAT_IDS, "functions.get_weather:0"),
        ("c" * 64, OPENAI_RESPONSES_IDS, "c" * 64),
        ("KikbB849t", MISTRAL_IDS, "KikbB849t"),
    ],
)
def test_an_id_that_fits_stays(given_id: str, form: IdForm, sent: str) -> None:
    assert sent == fitted_id(given_id, form)


def test_what_can_be_read_of_an_id_is_kept() -> None:
    assert fitted_id("functions.get_weather:0", ANTHROPIC_IDS).startswith("functions_get_weather_0_")


@pytest.mark.parametrize(("form", "pattern"), PATTERNS)
@given(call_id=_ids)
def test_an_id_is_valid_and_fitting_it_again_changes_nothing(form: IdForm, pattern: str, call_id: str) -> None:
    once = fitted_id(call_id, form)

    assert re.fullmatch(pattern, once)
    assert once == fitted_id(once, form)
    assert once == fitted_id(call_id, form)


@pytest.mark.parametrize(("form", "pattern"), PATTERNS)
@given(calls=st.lists(_ids, unique=True, max_size=20))
def test_two_calls_keep_two_ids(form: IdForm, pattern: str, calls: list[str]) -> None:
    assert len(calls) == len({fitted_id(call_id, form) for call_id in calls})
