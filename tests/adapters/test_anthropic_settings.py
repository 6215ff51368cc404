"""What of the settings of a request Anthropic takes: sampling, tools, stop sequences, output formats, efforts."""

import json
from typing import Any

import msgspec
import pytest

from adapters.providers.anthropic import ANTHROPIC
from domain.model_api.requests import (
    ChatRequest,
    Message,
    ResponseFormat,
    Text,
    Thinking,
    Tool,
)
from tests.support.anthropic_fitting import encoded, passed
from tests.support.unsupported import dropped

KIMIS = "functions.look:0"
PNG = {"type": "base64", "media_type": "image/png", "data": "iVBORw0K"}


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
def test_sampling_is_requested_as_far_as_the_model_takes_it(model: str, said: set[str], sent: set[str]) -> None:
    one = msgspec.Raw(b"1")
    requested = {"temperature": one, "top_p": one, "top_k": 1}

    assert passed({"messages": [], **dict.fromkeys(said, 1)}, model).keys() - {"messages"} == sent
    names = {"temperature", "top_p", "top_k"}
    assert names & encoded(model=model, **{name: requested[name] for name in said}).keys() == sent


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


def test_an_output_keeps_to_a_closed_schema_of_anthropics_keywords() -> None:
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
