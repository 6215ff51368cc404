"""An estimate of a request's tokens grows with what is said, and nothing is free."""

from hypothesis import given
from hypothesis import strategies as st

from domain.chat import ChatRequest, Image, Message, Part, Text, Tool, ToolCall, ToolResult
from domain.estimates import TOKENS_PER_IMAGE, estimated_input


def said(*parts: Part, tools: tuple[Tool, ...] = ()) -> ChatRequest:
    return ChatRequest(model="m", messages=(Message(role="user", parts=parts),), tools=tools)


def test_a_short_greeting_is_six_tokens() -> None:
    assert 6 == estimated_input(said(Text(text="Hello")))


def test_a_picture_counts_wherever_it_stands_and_its_bytes_do_not() -> None:
    picture = Image(media_type="image/png", data="A" * 100_000)

    assert 4 + TOKENS_PER_IMAGE == estimated_input(said(picture))
    assert 4 + TOKENS_PER_IMAGE == estimated_input(said(ToolResult(call_id="c", parts=(picture,))))


@given(st.lists(st.text(max_size=20), max_size=5), st.text(min_size=4, max_size=20))
def test_more_is_never_less(texts: list[str], more: str) -> None:
    parts = tuple(Text(text=text) for text in texts)
    before = estimated_input(said(*parts))

    assert before < estimated_input(said(*parts, Text(text=more)))
    assert before < estimated_input(said(*parts, ToolCall(id="c", name=more, arguments="{}")))
    assert before < estimated_input(said(*parts, tools=(Tool(name=more),)))
