"""Halves of characters that come apart: joined where they follow each other, replaced where they stay alone."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.providers.framing.surrogates import Halves
from domain.dialects.surrogates import may_be_in
from domain.model_api.events import Ended, Event, ProviderBlock, ReasoningDelta, TextDelta, ToolCallDelta

HIGH, LOW, OWL = "\ud83e", "\udd89", "\U0001f989"


def said(*pieces: Event) -> list[Event]:
    """What comes of pieces that came one after the other, and then the end."""
    halves = Halves()
    return [event for piece in (*pieces, Ended()) for event in halves.joined((piece,))]


def text_of(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


@pytest.mark.parametrize(("pieces", "text"), [
    (("a" + HIGH, LOW + "b"),            f"a{OWL}b"),
    ((HIGH, LOW),                        OWL),
    ((HIGH, "", LOW),                    OWL),
    ((f"a{HIGH}{LOW}b",),                f"a{OWL}b"),
    (("a" + HIGH + "b",),                "a\ufffdb"),
    (("a" + LOW,),                       "a\ufffd"),
    (("a" + HIGH,),                      "a\ufffd"),       # nothing follows
    (("a" + HIGH, "b"),                  "a\ufffdb"),
    ((HIGH, HIGH, LOW),                  f"\ufffd{OWL}"),
    (("plain", OWL),                     f"plain{OWL}"),
])  # fmt: skip
def test_a_text_in_chunks(pieces: tuple[str, ...], text: str) -> None:
    assert text == text_of(said(*(TextDelta(text=piece) for piece in pieces)))


def test_halves_of_different_texts_are_no_character() -> None:
    events = said(TextDelta(text=HIGH), ReasoningDelta(text=LOW), TextDelta(text=LOW, choice=1))

    assert "\ufffd\ufffd" == text_of(events)
    assert ReasoningDelta(text="\ufffd") in events


def test_arguments_and_blocks_are_made_whole_too() -> None:
    block = msgspec.Raw(b'{"a":"\\ud83e","b":"\\ud83e\\udd89","c":"\\\\ud83e"}')
    events = said(
        ToolCallDelta(index=0, id="c", name="f", arguments="{" + HIGH),
        ToolCallDelta(index=0, arguments=LOW + "}"),
        ProviderBlock(dialect="openai", name="x", block=block),
    )

    calls = [event for event in events if isinstance(event, ToolCallDelta)]
    assert ("c", "f", "{" + OWL + "}") == (calls[0].id, calls[0].name, "".join(call.arguments for call in calls))
    assert isinstance(events[-2], ProviderBlock)
    assert b'{"a":"\\ufffd","b":"\\ud83e\\udd89","c":"\\\\ud83e"}' == bytes(events[-2].block)


@pytest.mark.parametrize(("data", "may"), [
    (rb'"\ud83e"', True), (rb'"\uDD89"', True), (rb'"\u00e9"', False), (b'"\xc3\xa9"', False), (rb'"\d83e"', False),
])  # fmt: skip
def test_only_what_has_a_half_is_looked_at(data: bytes, may: bool) -> None:
    assert may == may_be_in(data)


@given(st.lists(st.text(alphabet=[*"ab", HIGH, LOW, OWL], max_size=4), max_size=6))
def test_any_chunks_give_the_text_of_the_complete_answer(pieces: list[str]) -> None:
    whole = "".join(pieces).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")

    reported = text_of(said(*(TextDelta(text=piece) for piece in pieces)))

    assert reported.encode().decode() == reported
    assert whole == reported
