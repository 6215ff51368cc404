"""What Anthropic is known to reject is left out or said otherwise: for callers of its own dialect, and for others."""

import json
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.providers.anthropic import ANTHROPIC
from adapters.providers.bedrock.invoke import BEDROCK_INVOKE
from domain.dialects.signatures import carry, signed_by_google
from domain.model_api.call import ModelCall
from domain.model_api.requests import (
    ChatRequest,
    Message,
    Reasoning,
    Text,
    ToolCall,
)
from tests.support.anthropic import attempt
from tests.support.anthropic_fitting import encoded, passed, text, turns

KIMIS = "functions.look:0"
PNG = {"type": "base64", "media_type": "image/png", "data": "iVBORw0K"}


@pytest.mark.parametrize("provider", ["anthropic", "acme"])
def test_ids_of_calls_take_the_form_of_the_dialect_everywhere(provider: str) -> None:
    use = {"type": "tool_use", "id": KIMIS, "name": "look", "input": {}}
    _, [requested], [answered] = turns(
        "Hi", [use], [{"type": "tool_result", "tool_use_id": KIMIS, "content": "1"}], provider=provider
    )

    assert requested["id"] == answered["tool_use_id"]
    assert re.fullmatch("[a-zA-Z0-9_-]+", requested["id"])


@pytest.mark.parametrize(
    "left_out",
    [
        {"type": "thinking", "thinking": "hm", "signature": ""},
        {"type": "thinking", "thinking": "hm"},
        {"type": "thinking", "thinking": "", "signature": signed_by_google("c2ln")},
        {"type": "thinking", "thinking": "", "signature": "tool_use:" + signed_by_google("c2ln")},
        {"type": "redacted_thinking", "data": carry("openrouter", {"data": "x"})},
        {"type": "text", "text": " \n"},
        {"type": "text", "text": ""},
    ],
)
def test_what_a_claude_cannot_read_is_left_out_for_anthropic_alone(left_out: dict[str, Any]) -> None:
    assert turns("Hi", [left_out, text("Yes.")], "Sure?") == ["Hi", [text("Yes.")], "Sure?"]
    assert turns("Hi", [left_out], "Sure?") == ["Hi", "Sure?"]
    assert turns("Hi", [left_out, text("Yes.")], "Sure?", provider="acme") == ["Hi", [left_out, text("Yes.")], "Sure?"]


def test_a_claudes_own_thinking_stays() -> None:
    own = [{"type": "thinking", "thinking": "hm", "signature": "EuYB"}, {"type": "redacted_thinking", "data": "Eu8C"}]

    assert turns("Hi", [*own, text("Yes.")], "Sure?") == ["Hi", [*own, text("Yes.")], "Sure?"]


@pytest.mark.parametrize("said", ["The answer is: \n", [text("The answer is: \n")]])
def test_what_the_answer_goes_on_with_ends_in_no_blanks(said: Any) -> None:
    bare = "The answer is:"

    assert turns("Hi", said) == ["Hi", bare if isinstance(said, str) else [text(bare)]]
    assert encoded(Text(text="The answer is: \n"))["messages"][-1]["content"] == [text(bare)]


def test_images_are_spelled_as_anthropic_reads_them() -> None:
    odd = {"type": "image", "source": {**PNG, "media_type": "image/jpg", "data": "iVBO\nRw0K"}}
    even = {"type": "image", "source": {**PNG, "media_type": "image/jpeg"}}
    result = {"type": "tool_result", "tool_use_id": "t1", "content": [odd]}

    assert turns([odd, result]) == [[even, {**result, "content": [even]}]]
    assert turns([odd], provider="acme") == [[odd]]


@pytest.mark.parametrize(
    ("system", "sent"),
    [("Be brief.", "Be brief."), (" ", None), ([text(" ")], None), ([text(""), text("a")], [text("a")]), ([text("a")], [text("a")])],
)  # fmt: skip
def test_a_system_prompt_of_blanks_is_none(system: Any, sent: Any) -> None:
    assert passed({"messages": [], "system": system}).get("system") == sent


def test_a_body_that_fits_goes_byte_for_byte() -> None:
    body = (
        b'{"model":"m","messages":[{"role":"user", "content":[{"type":"text","text":"a "}]},{"role":"assistant",'
        b'"content":[{"type":"tool_use", "id":"t1","name":"f","input":{"a": 1.50}}]}],"system":[{"type":"text", "text":"b"}],'
        b'"tools":[{"name":"f","input_schema":{"type":"object", "properties":{}}}],"stop_sequences":["a", "b"],'
        b'"temperature":0.70,"output_config":{"effort":"low"}}'
    )
    fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])

    call = ModelCall(dialect="anthropic", model="m", fields=fields, body_bytes=1)

    assert body == ANTHROPIC.pass_through(call, attempt("m"))


_blocks = st.one_of(
    st.builds(text, st.text(max_size=5)),
    st.builds(lambda signature: {"type": "thinking", "thinking": "hm", "signature": signature}, st.text(max_size=5)),
    st.builds(lambda name: {"type": "tool_use", "id": name, "name": "f", "input": {}}, st.text(max_size=8)),
    st.builds(lambda name: {"type": "tool_result", "tool_use_id": name, "content": ""}, st.text(max_size=8)),
    st.just({"type": "image", "source": PNG}),
)
_contents = st.lists(st.one_of(st.text(max_size=5), st.lists(_blocks, max_size=4)), min_size=1, max_size=5)


@given(_contents)
def test_fitting_twice_is_fitting_once(contents: list[Any]) -> None:
    messages = [{"role": ("user", "assistant")[place % 2], "content": said} for place, said in enumerate(contents)]
    once = passed({"messages": messages})

    assert once == passed(once)


def test_bedrocks_older_envelope_holds_the_same() -> None:
    fields = {
        "messages": [{"role": "user", "content": [text(" "), text("Hi")]}],
        "stop_sequences": [" "],
        "max_tokens": 9,
    }
    raw = msgspec.json.decode(json.dumps(fields), type=dict[str, msgspec.Raw])
    call = ModelCall(dialect="anthropic", model="m", fields=raw, body_bytes=1)

    sent = json.loads(BEDROCK_INVOKE.pass_through(call, attempt("anthropic.claude-sonnet-4-5-20250929-v1:0")))

    assert ([{"role": "user", "content": [text("Hi")]}], []) == (sent["messages"], sent["stop_sequences"])


def test_a_callers_text_and_thinking_of_others_is_left_out_in_translation() -> None:
    sent = encoded(
        Reasoning(text="hm", signature="text:x"), Text(text="\n "), ToolCall(id=KIMIS, name="look", arguments="{}")
    )

    [use] = sent["messages"][-1]["content"]
    assert "tool_use" == use["type"]


def test_the_mark_of_a_text_of_blanks_goes_to_what_stands_before() -> None:
    mark = msgspec.Raw(b'{"type":"ephemeral"}')
    said = (Text(text="Hi"), Text(text="\n", cache_control=mark))
    request = ChatRequest(model="m", messages=(Message(role="user", parts=said),))

    sent = json.loads(ANTHROPIC.encode(request, attempt()))

    assert [{**text("Hi"), "cache_control": {"type": "ephemeral"}}] == sent["messages"][0]["content"]
