"""Tools, their schemas and their results, as servers of OpenAI's dialect accept them."""

from typing import Any

import msgspec
import pytest

from domain.model_api.requests import Image, Text, Tool, ToolResult
from tests.adapters.test_compatible_vendors import passed
from tests.adapters.test_openai_requests import encoded, request, user


def test_an_image_from_a_tool_follows_the_results() -> None:
    result = ToolResult(call_id="a", parts=(Text(text="See."), Image(url="https://x.test/a.png")))
    shown = ToolResult(call_id="b", parts=(Image(url="https://x.test/b.png"),))
    sent = encoded(request(user(result, shown, Text(text="Well?"))))["messages"]

    assert [
        {"role": "tool", "tool_call_id": "a", "content": "See."},
        {"role": "tool", "tool_call_id": "b", "content": "The result is in the next message."},
    ] == sent[:2]
    assert ["text", "image_url", "text", "image_url", "text"] == [part["type"] for part in sent[2]["content"]]
    assert "tool call b" in sent[2]["content"][2]["text"]
    assert {"url": "https://x.test/b.png"} == sent[2]["content"][3]["image_url"]


@pytest.mark.parametrize(("parameters", "sent"), [
    (b"{}",                                         {"type": "object", "properties": {}}),
    (b'{"properties":{"a":{"type":"string"}}}',     {"type": "object", "properties": {"a": {"type": "string"}}}),
    (b'{"type":"object","x":1}',                    {"type": "object", "x": 1}),
])  # fmt: skip
def test_a_functions_schema_is_an_object(parameters: bytes, sent: dict[str, Any]) -> None:
    """OpenAI: schema must be a JSON Schema of 'type: "object"', got 'type: "None"'."""
    tool = Tool(name="f", parameters=msgspec.Raw(parameters))

    assert sent == encoded(request(user(Text(text="a")), tools=(tool,)))["tools"][0]["function"]["parameters"]


def test_a_choice_that_only_openai_has_is_made_by_the_tools_alone() -> None:
    tools = [{"type": "function", "function": {"name": name}} for name in "ab"]
    allowed = {"mode": "required", "tools": [tools[1]]}
    fields = {"tools": tools, "tool_choice": {"type": "allowed_tools", "allowed_tools": allowed}}

    sent = passed("mistral", fields)

    assert ([tools[1]], "required") == (sent["tools"], sent["tool_choice"])
    assert fields["tool_choice"] == passed("openai", fields)["tool_choice"]
    assert {**fields, "tool_choice": {"type": "allowed_tools"}}.items() <= passed(
        "groq", {**fields, "tool_choice": {"type": "allowed_tools"}}
    ).items()
