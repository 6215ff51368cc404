"""An estimate of a request's tokens: what a tokenizer sees of it, in any caller's words; more is never less."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.model_api.token_estimate import TOKENS_PER_IMAGE, estimated_input, written_bytes

AROUND = 3  # a message or a tool
SEALED = "c2VhbGVk" * 1_000


def tokens(**fields: Any) -> int:
    return estimated_input({name: msgspec.Raw(msgspec.json.encode(value)) for name, value in fields.items()})


def said(*parts: Any, **more: Any) -> int:
    return tokens(messages=[{"role": "user", "content": list(parts)}], **more)


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def test_a_short_greeting_is_five_tokens_and_two_where_no_message_is_around_it() -> None:
    assert 5 == tokens(messages=[{"role": "user", "content": "Hello"}]) == said(text("Hello"))
    assert 2 == tokens(prompt="Hello") == tokens(input="Hello") == tokens(input=["Hel", "lo"])


def test_tokens_that_come_as_numbers_are_counted() -> None:
    assert 3 == tokens(input=[1, 2, 3]) == tokens(input=[[1], [2, 3]])


@pytest.mark.parametrize("name", ["model", "user", "metadata", "service_tier", "stream_options", "max_tokens", "stop"])
def test_what_is_not_sent_to_the_model_is_no_input(name: str) -> None:
    assert 0 == tokens(**{name: "a long text"})


@pytest.mark.parametrize("image", [
    {"type": "image_url", "image_url": {"url": "data:image/png;base64," + SEALED}},
    {"type": "image_url", "image_url": {"url": "https://images.test/a.png"}},
    {"type": "input_image", "image_url": "data:image/png;base64," + SEALED},
    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": SEALED}},
    {"inlineData": {"mimeType": "image/png", "data": SEALED}},
])  # fmt: skip
def test_an_image_counts_as_one_of_common_size_however_large_it_is(image: dict[str, Any]) -> None:
    assert AROUND + TOKENS_PER_IMAGE == said(image)
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [image]}
    assert AROUND + TOKENS_PER_IMAGE == said(result)


@pytest.mark.parametrize("part", [
    {"type": "thinking", "thinking": "Hmm.", "signature": SEALED},
    {"type": "redacted_thinking", "data": SEALED},
    {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hmm."}], "encrypted_content": SEALED},
    {"text": "Hmm.", "thought": True, "thoughtSignature": SEALED},
    {"type": "reasoning.encrypted", "data": SEALED},
])  # fmt: skip
def test_what_is_sealed_counts_nothing(part: dict[str, Any]) -> None:
    assert AROUND <= said(part) <= AROUND + 1


@pytest.mark.parametrize(("part", "most"), [
    ({"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64," + SEALED}}, 70),
    ({"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": SEALED}}, 70),
    ({"type": "input_file", "filename": "a.pdf", "file_data": SEALED}, 70),
    ({"type": "input_audio", "input_audio": {"data": SEALED, "format": "wav"}}, 10),
])  # fmt: skip
def test_a_file_is_no_text(part: dict[str, Any], most: int) -> None:
    assert AROUND < said(part) < most


def test_a_file_of_plain_text_counts_as_its_text() -> None:
    plain = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x" * 400}}

    assert AROUND + 100 == said(plain)


def test_the_texts_of_a_tool_count_and_the_json_around_them_does_not() -> None:
    schema = {"type": "object", "additionalProperties": False, "required": ["place"], "properties": {"place": {"type": "string", "description": "A town."}}}  # fmt: skip
    function = {"name": "tell", "description": "Tell the weather.", "parameters": schema}

    assert AROUND + -(-len("tellTell the weather.placeA town.") // 4) == tokens(
        tools=[{"type": "function", "function": function, "strict": True}]
    )


def test_a_tool_that_is_loaded_when_it_is_searched_for_counts_as_little_as_its_place() -> None:
    assert AROUND == tokens(tools=[{"name": "tell", "description": "Tell the weather.", "defer_loading": True}])


def test_what_cannot_be_read_counts_by_its_bytes() -> None:
    assert 5 == estimated_input({"prompt": msgspec.Raw(b'"\\ud83d and more"')})


@given(st.lists(st.text(max_size=20), max_size=5), st.text(min_size=4, max_size=20))
def test_more_is_never_less(texts: list[str], more: str) -> None:
    parts = [text(words) for words in texts]
    before = said(*parts)

    assert before < said(*parts, text(f"and {more}"))
    assert before < said(*parts, {"type": "tool_use", "id": "c", "name": "call", "input": {"a": more}})
    assert before < said(*parts, tools=[{"name": more}])


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["messages", "input", "tools", "system", "text", "contents"]), _JSON))
def test_the_estimate_of_any_request_is_no_more_than_its_bytes_and_what_is_around_them(
    fields: dict[str, Any],
) -> None:
    """The bound that is held counts a token for each byte."""
    size = len(msgspec.json.encode(fields))

    assert 0 <= tokens(**fields) <= size + 1


@given(_JSON)
def test_no_block_has_more_text_than_bytes(block: Any) -> None:
    raw = msgspec.Raw(msgspec.json.encode(block))

    assert 0 <= written_bytes(raw) <= 4 * len(raw)


@pytest.mark.parametrize(("block", "written"), [
    (b'{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"query":"tides"}}', 5),
    (b'{"type":"web_search_tool_result","content":[{"title":"A","encrypted_content":"c2Vh","text":"long"}]}', 0),
    (b'{"executableCode":{"language":"PYTHON","code":"print(1)"}}', 8),
    (b'{"type":"custom_tool_call","name":"apply_patch","input":"*** Begin"}', 9),
    (b"no json", 0),
])  # fmt: skip
def test_of_a_block_of_an_answer_what_the_model_wrote_counts(block: bytes, written: int) -> None:
    assert written == written_bytes(msgspec.Raw(block))
