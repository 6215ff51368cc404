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
    Part,
    Reasoning,
    ResponseFormat,
    Text,
    Thinking,
    Tool,
    ToolCall,
)
from tests.support.anthropic import attempt
from tests.support.unsupported import dropped

KIMIS = "functions.look:0"
PNG = {"type": "base64", "media_type": "image/png", "data": "iVBORw0K"}


def passed(body: dict[str, Any], model: str = "claude-test", provider: str = "anthropic") -> dict[str, Any]:
    """What a body of Anthropic's own dialect becomes for a server."""
    call = ModelCall(
        dialect="anthropic",
        model="x/m",
        fields=msgspec.json.decode(json.dumps(body), type=dict[str, msgspec.Raw]),
        body_bytes=1,
    )
    at = attempt(model)
    if provider != "anthropic":
        target = msgspec.structs.replace(at.target, provider=provider, base_url="http://127.0.0.1:9/v1")
        at = msgspec.structs.replace(at, target=target)
    sent: dict[str, Any] = json.loads(ANTHROPIC.pass_through(call, at))
    assert sent.pop("model") == model
    return sent


def turns(*content: Any, provider: str = "anthropic") -> list[Any]:
    """The contents of turns by the user, the assistant, and so on."""
    messages = [{"role": ("user", "assistant")[place % 2], "content": said} for place, said in enumerate(content)]
    return [turn["content"] for turn in passed({"messages": messages}, provider=provider)["messages"]]


def encoded(*parts: Part, model: str = "claude-test", **fields: Any) -> dict[str, Any]:
    messages = (
        Message(role="user", parts=(Text(text="Hi"),)),
        *([Message(role="assistant", parts=parts)] if parts else []),
    )
    request = ChatRequest(model="m", messages=messages, **fields)
    assert ANTHROPIC.refuses(request) is None
    sent: dict[str, Any] = json.loads(ANTHROPIC.encode(request, attempt(model)))
    return sent


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


@pytest.mark.parametrize("provider", ["anthropic", "acme"])
def test_ids_of_calls_take_the_form_of_the_dialect_everywhere(provider: str) -> None:
    use = {"type": "tool_use", "id": KIMIS, "name": "look", "input": {}}
    _, [asked], [answered] = turns(
        "Hi", [use], [{"type": "tool_result", "tool_use_id": KIMIS, "content": "1"}], provider=provider
    )

    assert asked["id"] == answered["tool_use_id"]
    assert re.fullmatch("[a-zA-Z0-9_-]+", asked["id"])


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


@pytest.mark.parametrize(
    ("model", "said", "sent"),
    [
        ("claude-3-7-sonnet-20250219", {"temperature", "top_p", "top_k"}, {"temperature", "top_p", "top_k"}),
        ("claude-sonnet-4-20250514", {"temperature", "top_p"}, {"temperature", "top_p"}),
        ("claude-opus-4-1-20250805", {"temperature", "top_p", "top_k"}, {"temperature", "top_k"}),
        ("claude-sonnet-4-5", {"temperature", "top_p"}, {"temperature"}),
        ("claude-sonnet-4-5", {"top_p"}, {"top_p"}),
        ("claude-haiku-4.5", {"temperature"}, {"temperature"}),
        ("claude-opus-4-8", {"temperature", "top_p", "top_k"}, set()),
        ("claude-fable-5-1", {"temperature"}, set()),
        ("claude-5-sonnet", {"top_k"}, set()),
        ("m", {"temperature", "top_p"}, {"temperature", "top_p"}),
    ],
)
def test_sampling_is_asked_for_as_far_as_the_model_takes_it(model: str, said: set[str], sent: set[str]) -> None:
    one = msgspec.Raw(b"1")
    asked = {"temperature": one, "top_p": one, "top_k": 1}

    assert passed({"messages": [], **dict.fromkeys(said, 1)}, model).keys() - {"messages"} == sent
    names = {"temperature", "top_p", "top_k"}
    assert names & encoded(model=model, **{name: asked[name] for name in said}).keys() == sent


@pytest.mark.parametrize(
    ("schema", "sent"),
    [
        ({}, {"type": "object", "properties": {}}),
        ({"properties": {"a": {}}}, {"properties": {"a": {}}, "type": "object"}),
        ({"type": ["object", "null"]}, {"type": "object", "properties": {}}),
        ({"type": "object", "oneOf": [{"required": ["a"]}, {"required": ["b"]}], "properties": {"a": {}, "b": {}}},
         {"type": "object", "properties": {"a": {}, "b": {}}}),
        ({"anyOf": [{"type": "object", "properties": {"a": {"type": "string"}, "k": {"const": 1}}, "required": ["a", "k"]},
                    {"type": "object", "properties": {"b": {}, "k": {"const": 2}}, "required": ["k"]}]},
         {"type": "object", "properties": {"a": {"type": "string"}, "k": {"anyOf": [{"const": 1}, {"const": 2}]}, "b": {}},
          "required": ["k"]}),
        ({"allOf": [{"properties": {"a": {}}, "required": ["a"]}, {"properties": {"b": {}}, "required": ["b"]}]},
         {"type": "object", "properties": {"a": {}, "b": {}}, "required": ["a", "b"]}),
        ({"$ref": "#/$defs/A", "$defs": {"A": {"type": "object", "properties": {"a": {}}}}},
         {"$defs": {"A": {"type": "object", "properties": {"a": {}}}}, "type": "object", "properties": {"a": {}}}),
        ({"$ref": "#"}, {"type": "object", "properties": {}}),
        ({"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}},
         {"$defs": {"A": {"$ref": "#/$defs/A"}}, "type": "object", "properties": {}}),
    ],
)  # fmt: skip
def test_a_tools_input_is_one_object(schema: dict[str, Any], sent: dict[str, Any]) -> None:
    tool = Tool(name="f", parameters=msgspec.Raw(json.dumps(schema).encode()))

    assert encoded(tools=(tool,))["tools"][0]["input_schema"] == sent
    if schema:
        own = passed({"messages": [], "tools": [{"name": "f", "input_schema": schema, "x": 1}]})["tools"]
        assert own == [{"name": "f", "input_schema": sent, "x": 1}]


def test_stop_sequences_can_be_seen() -> None:
    assert passed({"messages": [], "stop_sequences": ["\n", "END", ""]})["stop_sequences"] == ["END"]
    assert encoded(stop=("\n", "END", ""))["stop_sequences"] == ["END"]
    assert "stop_sequences" not in encoded(stop=("\n",))


@pytest.mark.parametrize(("stop", "named"), [(("\n", "END"), ("stop",)), (("END", ""), ())])
def test_a_stop_sequence_that_is_left_out_is_named(stop: tuple[str, ...], named: tuple[str, ...]) -> None:
    request = ChatRequest(model="m", messages=(Message(role="user", parts=(Text(text="Hi"),)),), stop=stop)

    assert named == dropped(ANTHROPIC, request)


def test_an_output_keeps_to_a_closed_schema_in_anthropics_words() -> None:
    schema = {
        "$schema": "x",
        "type": "object",
        "description": "A day.",
        "additionalProperties": True,
        "properties": {
            "n": {"type": "integer", "minimum": 1, "maximum": 9},
            "at": {"type": "string", "format": "date"},
            "by": {"type": "string", "format": "phone", "pattern": "^a$"},
            "of": {"oneOf": [{"type": "object", "properties": {}}, {"$ref": "#/$defs/A", "description": "d"}]},
            "in": {"type": "array", "items": {"type": "object"}, "minItems": 1, "uniqueItems": True},
            "minimum": {"enum": ["a"]},
        },
        "$defs": {"A": {"type": ["object", "null"]}},
        "required": ["n"],
    }
    closed = {"additionalProperties": False}
    sent = {
        "type": "object",
        "description": "A day.",
        "properties": {
            "n": {"type": "integer", "description": "{minimum: 1, maximum: 9}"},
            "at": {"type": "string", "format": "date"},
            "by": {"type": "string", "description": '{format: "phone", pattern: "^a$"}'},
            "of": {"anyOf": [{"type": "object", "properties": {}, **closed}, {"$ref": "#/$defs/A"}]},
            "in": {
                "type": "array",
                "items": {"type": "object", **closed},
                "minItems": 1,
                "description": "{uniqueItems: true}",
            },
            "minimum": {"enum": ["a"]},
        },
        "$defs": {"A": {"type": ["object", "null"], **closed}},
        "required": ["n"],
        **closed,
    }
    raw = msgspec.Raw(json.dumps(schema).encode())

    wanted = encoded(response_format=ResponseFormat(mode="json_schema", schema=raw))["output_config"]
    own = passed({"messages": [], "output_config": {"format": {"type": "json_schema", "schema": schema}}})[
        "output_config"
    ]
    strict = encoded(tools=(Tool(name="f", parameters=raw, strict=True), Tool(name="g", parameters=raw)))["tools"]

    assert {"format": {"type": "json_schema", "schema": sent}} == wanted == own
    assert [sent, schema] == [tool["input_schema"] for tool in strict]


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


@pytest.mark.parametrize(
    ("model", "thinking", "effort"),
    [
        ("claude-sonnet-4-5", {"type": "enabled", "budget_tokens": 1_024}, None),
        ("claude-sonnet-4-6", {"type": "adaptive"}, "low"),
        ("claude-opus-4-8", {"type": "adaptive"}, "low"),
        ("m", {"type": "adaptive"}, "low"),
    ],
)
def test_an_effort_is_a_budget_for_models_that_know_no_other(model: str, thinking: Any, effort: str | None) -> None:
    sent = encoded(model=model, thinking=Thinking(effort="low"))

    assert (thinking, effort) == (sent["thinking"], sent.get("output_config", {}).get("effort"))


def test_the_mark_of_a_text_of_blanks_goes_to_what_stands_before() -> None:
    mark = msgspec.Raw(b'{"type":"ephemeral"}')
    said = (Text(text="Hi"), Text(text="\n", cache_control=mark))
    request = ChatRequest(model="m", messages=(Message(role="user", parts=said),))

    sent = json.loads(ANTHROPIC.encode(request, attempt()))

    assert [{**text("Hi"), "cache_control": {"type": "ephemeral"}}] == sent["messages"][0]["content"]
