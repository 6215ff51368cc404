"""Tools, calls and results, reasoning and signatures in Gemini's form."""

from typing import Any

import msgspec
import pytest

from domain.dialects.signatures import signed_by_google
from domain.model_api.requests import Image, Reasoning, Text, Thinking, Tool, ToolCall, ToolChoice, ToolResult
from tests.support.google import QUESTION, WEATHER, config, model, sent, user

SKIP = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="


def test_functions_are_declared_and_one_without_parameters_has_no_schema() -> None:
    body = sent(tools=(WEATHER, Tool(name="now"), Tool(name="then", parameters=msgspec.Raw(b"{}"))))

    declared = [
        {"name": "weather", "description": "Tell it.", "parametersJsonSchema": {"type": "object", "properties": {}}},
        {"name": "now"},
        {"name": "then"},
    ]
    assert [{"functionDeclarations": declared}] == body["tools"]
    assert "toolConfig" not in body


@pytest.mark.parametrize(
    ("choice", "reported"),
    [
        (ToolChoice(mode="auto"), None),
        (ToolChoice(mode="none"), {"mode": "NONE"}),
        (ToolChoice(mode="required"), {"mode": "ANY"}),
        (ToolChoice(mode="tool", name="weather"), {"mode": "ANY", "allowedFunctionNames": ["weather"]}),
    ],
)
def test_whether_a_function_must_be_called(choice: ToolChoice, reported: Any) -> None:
    assert reported == sent(tools=(WEATHER,), tool_choice=choice).get("toolConfig", {}).get("functionCallingConfig")


def test_a_strict_function_is_called_by_its_schema() -> None:
    strict = msgspec.structs.replace(WEATHER, strict=True)

    assert {"functionCallingConfig": {"mode": "VALIDATED"}} == sent(tools=(strict,))["toolConfig"]


def test_results_stand_right_after_their_calls_in_a_content_of_their_own() -> None:
    calls = (ToolCall(id="1", name="weather", arguments='{"c":"Oslo"}'), ToolCall(id="2", name="now", arguments=""))
    results = (
        Text(text="And?"),
        ToolResult(call_id="2", parts=(Text(text="noon"),)),
        ToolResult(call_id="1", parts=(Text(text='{"t": 3}'),)),
    )
    requested, called, answered, said = sent(QUESTION, model(*calls), user(*results))["contents"]

    assert ("user", "model", "user", "user") == (requested["role"], called["role"], answered["role"], said["role"])
    assert [{"id": "1", "name": "weather", "args": {"c": "Oslo"}}, {"id": "2", "name": "now", "args": {}}] == [
        part["functionCall"] for part in called["parts"]
    ]
    assert [
        {"id": "2", "name": "now", "response": {"output": "noon"}},
        {"id": "1", "name": "weather", "response": {"t": 3}},
    ] == [part["functionResponse"] for part in answered["parts"]]
    assert [{"text": "And?"}] == said["parts"]


@pytest.mark.parametrize(
    ("parts", "is_error", "response"),
    [
        (('{"a": [1]}',), False, {"a": [1]}),
        (("[1]",), False, {"output": [1]}),
        (("7",), False, {"output": "7"}),
        (("{oops",), False, {"output": "{oops"}),
        ((), False, {"output": ""}),
        (("a", "b"), False, {"output": ["a", "b"]}),
        (("no such city",), True, {"error": "no such city"}),
        (('{"id": 12345678901234567890}',), False, {"output": '{"id": 12345678901234567890}'}),
    ],
)
def test_the_output_of_a_tool_is_encoded(parts: tuple[str, ...], is_error: bool, response: Any) -> None:
    result = ToolResult(call_id="1", parts=tuple(Text(text=text) for text in parts), is_error=is_error)
    body = sent(QUESTION, model(ToolCall(id="1", name="weather", arguments="{}")), user(result))

    assert response == body["contents"][2]["parts"][0]["functionResponse"]["response"]


def test_a_result_with_only_an_image_has_no_other_content() -> None:
    result = ToolResult(call_id="1", parts=(Image(url="gs://b/a.jpg"),))
    body = sent(QUESTION, model(ToolCall(id="1", name="shot", arguments="{}")), user(result))

    file = {"fileData": {"fileUri": "gs://b/a.jpg", "mimeType": "image/jpeg"}}
    reported = {"id": "1", "name": "shot", "response": {}, "parts": [file]}
    assert reported == body["contents"][2]["parts"][0]["functionResponse"]


def test_googles_tools_next_to_functions_are_enabled_for_gemini_3() -> None:
    extra = {"tools[1].google_search": msgspec.Raw(b'{"type":"google_search"}')}
    config = {"includeServerSideToolInvocations": True, "functionCallingConfig": {"mode": "VALIDATED"}}

    assert config == sent(tools=(WEATHER,), extra=extra)["toolConfig"]
    assert "toolConfig" not in sent(extra=extra)
    assert "toolConfig" not in sent(tools=(WEATHER,), extra=extra, model="gemini-2.5-pro")


def test_an_image_in_a_result_is_inside_it_or_for_older_models_next_to_it() -> None:
    image = Image(media_type="image/png", data="iVBORw0=")
    result = ToolResult(call_id="1", parts=(Text(text="Look"), image))
    talk = (QUESTION, model(ToolCall(id="1", name="shot", arguments="{}")), user(result))
    part = {"inlineData": {"mimeType": "image/png", "data": "iVBORw0="}}

    newer, older = sent(*talk)["contents"], sent(*talk, model="gemini-2.5-flash")["contents"]

    assert [part] == newer[2]["parts"][0]["functionResponse"]["parts"]
    assert 3 == len(newer)
    assert [part] == older[3]["parts"]


@pytest.mark.parametrize(
    ("name", "thinking", "reported"),
    [
        ("gemini-3-pro-preview", Thinking(effort="low"), {"includeThoughts": True, "thinkingLevel": "LOW"}),
        ("gemini-flash-latest", Thinking(effort="max"), {"includeThoughts": True, "thinkingLevel": "HIGH"}),
        ("gemini-2.5-pro", Thinking(effort="medium"), {"includeThoughts": True, "thinkingBudget": 8192}),
        ("gemini-2.5-pro", Thinking(tokens_max=5000), {"includeThoughts": True, "thinkingBudget": 5000}),
        ("gemini-3-pro-preview", Thinking(tokens_max=5000), {"includeThoughts": True, "thinkingBudget": 5000}),
        (
            "gemini-3-pro-preview",
            Thinking(effort="low", tokens_max=9),
            {"includeThoughts": True, "thinkingLevel": "LOW"},
        ),
        ("gemini-3-pro-preview", Thinking(), {"includeThoughts": True}),
        ("gemini-2.5-pro", Thinking(), {"includeThoughts": True, "thinkingBudget": -1}),
        ("gemini-2.5-flash", Thinking(enabled=False), {"thinkingBudget": 0}),
        ("gemini-3-pro-preview", Thinking(effort="high", implicit=True), {"thinkingLevel": "HIGH"}),
    ],
)
def test_how_hard_to_think(name: str, thinking: Thinking, reported: Any) -> None:
    assert reported == sent(model=name, thinking=thinking)["generationConfig"]["thinkingConfig"]


def test_omitted_thoughts_are_not_requested() -> None:
    extra = {"thinking.display": msgspec.Raw(b'"omitted"')}

    assert {"thinkingLevel": "LOW"} == config(thinking=Thinking(effort="low"), extra=extra)["thinkingConfig"]


def test_signatures_go_back_to_the_parts_that_they_came_with() -> None:
    turn = model(
        Reasoning(text="Hm.", signature=signed_by_google("dGhvdWdodA==")),
        Text(text="I look.", signature=signed_by_google("dGV4dA==")),
        ToolCall(id="1", name="weather", arguments="{}", signature=signed_by_google("Y2FsbA==")),
        ToolCall(id="2", name="now", arguments="{}"),
    )
    results = user(*(ToolResult(call_id=call_id, parts=(Text(text="ok"),)) for call_id in "12"))

    assert [
        {"thought": True, "text": "Hm.", "thoughtSignature": "dGhvdWdodA=="},
        {"text": "I look.", "thoughtSignature": "dGV4dA=="},
        {"functionCall": {"id": "1", "name": "weather", "args": {}}, "thoughtSignature": "Y2FsbA=="},
        {"functionCall": {"id": "2", "name": "now", "args": {}}},
    ] == sent(QUESTION, turn, results)["contents"][1]["parts"]


def test_unsigned_reasoning_is_googles_own() -> None:
    talk = (QUESTION, model(Reasoning(text="Hm."), Text(text="Yes.")), user(Text(text="Why?")))

    assert [{"thought": True, "text": "Hm."}, {"text": "Yes."}] == sent(*talk)["contents"][1]["parts"]


def test_what_another_vendor_signed_is_left_out_and_its_calls_are_marked_as_not_googles() -> None:
    turn = model(
        Reasoning(text="Hm.", signature="EqQBCgIYAhIM"),
        Reasoning(redacted="EmwKAhgBEgy"),
        ToolCall(id="1", name="weather", arguments="{}"),
    )
    talk = (QUESTION, turn, user(ToolResult(call_id="1", parts=(Text(text="ok"),))))
    call = {"functionCall": {"id": "1", "name": "weather", "args": {}}}

    assert [{**call, "thoughtSignature": SKIP}] == sent(*talk)["contents"][1]["parts"]
    assert [call] == sent(*talk, model="gemini-2.5-pro")["contents"][1]["parts"]
