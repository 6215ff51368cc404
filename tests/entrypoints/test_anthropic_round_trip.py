"""A request that is said in Anthropic's words and read again is the same request."""

import json

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from adapters.providers.anthropic import ANTHROPIC
from domain.model_api.call import ModelCall
from domain.model_api.requests import (
    ChatRequest,
    Document,
    Image,
    Message,
    Reasoning,
    ResponseFormat,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from entrypoints.http.dialects.anthropic import ANTHROPIC_CALLER
from tests.support.anthropic import attempt

_words = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
# --- there and back -------------------------------------------------------------------------------------

# What Anthropic takes: texts with something visible in them, ids of its form, base64 in one line.
_visible = _words.map(lambda words: f"{words}.")
_ids = st.text("abc019_-", min_size=1, max_size=9)
_base64 = st.text("ab+/19=", max_size=8)
_text_parts = st.builds(Text, text=_visible)
_images = st.one_of(
    st.builds(Image, media_type=st.just("image/png"), data=_base64), st.builds(Image, url=st.just("https://x/a"))
)
_documents = st.one_of(
    st.builds(Document, text=_words, name=st.one_of(st.none(), _words)),
    st.builds(Document, media_type=st.just("application/pdf"), data=_base64),
    st.builds(Document, file_id=_words),
)
_results = st.builds(
    ToolResult,
    call_id=_ids,
    parts=st.lists(st.one_of(_text_parts, _images, _documents), max_size=2).map(tuple),
    is_error=st.booleans(),
)
_calls = st.builds(
    ToolCall,
    id=_ids,
    name=_words,
    arguments=st.dictionaries(_words, st.integers(), max_size=2).map(
        lambda value: json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    ),
)
_thoughts = st.one_of(
    st.builds(Reasoning, text=_words, signature=st.just("s")), st.builds(Reasoning, redacted=_visible)
)
_user_turns = st.builds(
    lambda results, others: Message(role="user", parts=(*results, *others)),
    st.lists(_results, max_size=2),
    st.lists(st.one_of(_text_parts, _images, _documents), min_size=1, max_size=3),
)
_assistant_turns = st.builds(
    lambda parts: Message(role="assistant", parts=tuple(parts)),
    st.lists(st.one_of(_text_parts, _calls, _thoughts), min_size=1, max_size=3),
)
_conversations = st.builds(
    lambda system, turns: (*system, *(turn for pair in turns for turn in pair)),
    st.lists(st.builds(lambda part: Message(role="system", parts=(part,)), _text_parts), max_size=1),
    st.lists(st.tuples(_user_turns, _assistant_turns), min_size=1, max_size=3),
)
CLOSED = msgspec.Raw(b'{"type":"object","additionalProperties":false}')
_numbers = st.sampled_from([None, msgspec.Raw(b"0"), msgspec.Raw(b"0.70"), msgspec.Raw(b"1")])
_efforts = st.sampled_from([None, "low", "high"])
_requests = st.builds(
    ChatRequest,
    model=st.just("claude-test"),
    messages=_conversations,
    tools=st.just((Tool(name="f", description="d", parameters=CLOSED, strict=True),)),
    tool_choice=st.sampled_from(
        [ToolChoice(mode="auto"), ToolChoice(mode="required"), ToolChoice(mode="tool", name="f")]
    ),
    parallel_tool_calls=st.sampled_from([None, True, False]),
    output_tokens_max=st.integers(5_000, 9_000),
    temperature=_numbers,
    top_p=_numbers,
    top_k=st.one_of(st.none(), st.integers(1, 9)),
    stop=st.lists(_visible, max_size=2).map(tuple),
    response_format=st.sampled_from([None, ResponseFormat(mode="json_schema", schema=CLOSED)]),
    thinking=st.one_of(
        st.none(),
        st.builds(Thinking, effort=_efforts),
        st.builds(Thinking, effort=st.sampled_from(["low", "max"]), implicit=st.just(True)),
        st.builds(Thinking, effort=_efforts, tokens_max=st.integers(1024, 4000)),
        st.builds(Thinking, enabled=st.just(False)),
    ),
    stream=st.booleans(),
    user=st.one_of(st.none(), _words),
)


@given(_requests)
def test_a_request_encoded_and_read_again_is_the_same_request(request: ChatRequest) -> None:
    assert ANTHROPIC.refuses(request) is None
    call = ANTHROPIC_CALLER.read(ANTHROPIC.encode(request, attempt()))

    assert isinstance(call, ModelCall)
    assert ANTHROPIC_CALLER.to_request(call) == request
