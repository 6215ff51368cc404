"""Requests of Gemini's API in canonical words."""

import base64
import json
from typing import Any

import pytest

from domain.model_api.call import ModelCall
from domain.model_api.requests import (
    Audio,
    ChatRequest,
    Document,
    Image,
    Message,
    ProviderPart,
    Reasoning,
    Text,
    Thinking,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from domain.refusals import BadRequest
from entrypoints.http.dialects.google import google_caller

CALLER = google_caller("goo/m", stream=False)
USER: Any = {"role": "user", "parts": [{"text": "Hello"}]}


def read(**fields: Any) -> ModelCall:
    call = CALLER.read(json.dumps({"contents": [USER], **fields}).encode())
    assert isinstance(call, ModelCall), call
    return call


def requested(**fields: Any) -> ChatRequest:
    request = CALLER.to_request(read(**fields))
    assert isinstance(request, ChatRequest), request
    return request


def parts(*given: Any, role: str = "user") -> tuple[Any, ...]:
    return requested(contents=[{"role": role, "parts": list(given)}]).messages[0].parts


@pytest.mark.parametrize("spelled", [
    {"systemInstruction": {"parts": [{"text": "Be brief."}]}, "generationConfig": {"maxOutputTokens": 9, "topK": 40.0}},
    {"system_instruction": {"parts": [{"text": "Be brief."}]}, "generation_config": {"max_output_tokens": "9", "top_k": 40}},
])  # fmt: skip
def test_names_are_read_in_either_case_and_numbers_in_any_spelling(spelled: Any) -> None:
    request = requested(**spelled)

    assert (9, 40) == (request.output_tokens_max, request.top_k)
    assert Message(role="system", parts=(Text(text="Be brief."),)) == request.messages[0]
    assert Message(role="user", parts=(Text(text="Hello"),)) == request.messages[1]


def test_what_the_config_requests_has_canonical_forms() -> None:
    request = requested(
        generationConfig={
            "temperature": 0.10,
            "topP": 0.5,
            "stopSequences": ["END"],
            "candidateCount": 2,
            "seed": 7,
            "presencePenalty": 0.5,
            "responseLogprobs": True,
            "logprobs": 3,
            "responseModalities": ["TEXT", "IMAGE"],
            "responseMimeType": "application/json",
            "responseSchema": {"type": "ARRAY", "items": {"type": "STRING", "nullable": True}, "minItems": "1"},
        },
        safetySettings=[{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
    )

    assert (("END",), 2, 7) == (request.stop, request.choices, request.seed)
    assert (b"0.1", b"0.5") == (bytes(request.temperature or b""), bytes(request.top_p or b""))
    extra = {name: json.loads(bytes(raw)) for name, raw in request.extra.items()}
    assert [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}] == extra.pop("safetySettings")
    assert {
        "presence_penalty": 0.5,
        "logprobs": True,
        "top_logprobs": 3,
        "modalities": ["text", "image"],
    } == extra
    assert request.response_format is not None
    assert {"type": "array", "items": {"type": ["string", "null"]}, "minItems": 1} == json.loads(
        bytes(request.response_format.schema or b"")
    )


@pytest.mark.parametrize(("config", "expected"), [
    ({"thinkingBudget": 0}, Thinking(enabled=False)),
    ({"thinkingBudget": -1}, Thinking()),
    ({"thinkingBudget": 2_000, "includeThoughts": True}, Thinking(tokens_max=2_000)),
    ({"thinkingLevel": "HIGH", "includeThoughts": True}, Thinking(effort="high")),
    ({"thinkingLevel": "low"}, Thinking(effort="low", implicit=True)),
    ({"includeThoughts": True}, Thinking()),
    ({"includeThoughts": False}, None),
])  # fmt: skip
def test_thinking_is_requested_by_level_or_budget(config: Any, expected: Thinking | None) -> None:
    assert expected == requested(generationConfig={"thinkingConfig": config}).thinking


@pytest.mark.parametrize(("mode", "names", "choice", "left"), [
    ("AUTO", [], ToolChoice(mode="auto"), ["a", "b"]),
    ("NONE", [], ToolChoice(mode="none"), ["a", "b"]),
    ("ANY", [], ToolChoice(mode="required"), ["a", "b"]),
    ("ANY", ["b"], ToolChoice(mode="tool", name="b"), ["b"]),
    ("VALIDATED", ["a"], ToolChoice(mode="auto"), ["a"]),
])  # fmt: skip
def test_a_choice_of_functions_leaves_the_others_out(mode: str, names: Any, choice: ToolChoice, left: Any) -> None:
    config = {"functionCallingConfig": {"mode": mode, **({"allowedFunctionNames": names} if names else {})}}
    tools = [{"functionDeclarations": [{"name": "a"}, {"name": "b", "parametersJsonSchema": {"type": "object"}}]}]

    request = requested(tools=tools, toolConfig=config)

    assert (choice, left) == (request.tool_choice, [tool.name for tool in request.tools])


def test_googles_own_tools_are_kept_by_name_and_bound_nothing() -> None:
    call = read(tools=[{"googleSearch": {}}, {"codeExecution": {}}])

    assert (("googleSearch", "codeExecution"), None) == (call.hosted_tools, call.hosted_uses_max)
    assert ["tools[0].google_search", "tools[1].code_execution"] == list(
        requested(tools=[{"googleSearch": {}}, {"codeExecution": {}}]).extra
    )


# --- parts ----------------------------------------------------------------------------------------------

PDF = base64.b64encode(b"%PDF-").decode()


@pytest.mark.parametrize(("part", "expected"), [
    ({"inlineData": {"mimeType": "image/png", "data": "-_=="}}, Image(media_type="image/png", data="+/==")),
    ({"inline_data": {"mime_type": "audio/mpeg", "data": "AA=="}}, Audio(data="AA==", format="mp3")),
    ({"inlineData": {"mimeType": "application/pdf", "data": PDF}}, Document(media_type="application/pdf", data=PDF)),
    ({"inlineData": {"mimeType": "text/plain", "data": "SGk="}}, Document(media_type="text/plain", text="Hi")),
    ({"fileData": {"mimeType": "image/png", "fileUri": "https://x/y.png"}}, Image(url="https://x/y.png")),
    ({"text": "Hm.", "thought": True}, Reasoning(text="Hm.")),
])  # fmt: skip
def test_a_part_has_its_canonical_place(part: Any, expected: Any) -> None:
    assert (expected,) == parts(part)


def test_a_part_without_one_is_kept_whole_by_its_name() -> None:
    video = {"fileData": {"mimeType": "video/mp4", "fileUri": "https://youtu.be/x"}}

    [part] = parts(video)

    assert isinstance(part, ProviderPart)
    assert ("google", "fileData", video) == (part.dialect, part.name, json.loads(bytes(part.block)))


def test_calls_without_ids_are_answered_by_name_in_their_order() -> None:
    calls = [{"functionCall": {"name": "f", "args": {"n": 1}}}, {"functionCall": {"name": "f", "args": {"n": 2}}}]
    results = [{"functionResponse": {"name": "f", "response": {"output": f"r{n}"}}} for n in (1, 2)]

    reported = requested(contents=[USER, {"role": "model", "parts": calls}, {"role": "user", "parts": results}])

    made = [part for part in reported.messages[1].parts if isinstance(part, ToolCall)]
    answers = [part for part in reported.messages[2].parts if isinstance(part, ToolResult)]
    assert ['{"n":1}', '{"n":2}'] == [call.arguments for call in made]
    assert [call.id for call in made] == [answer.call_id for answer in answers]
    assert made[0].id != made[1].id
    assert [(Text(text="r1"),), (Text(text="r2"),)] == [answer.parts for answer in answers]


@pytest.mark.parametrize(("response", "text", "is_error"), [
    ({"result": {"t": 3}}, '{"t":3}', False),
    ({"t": 3, "unit": "c"}, '{"t":3,"unit":"c"}', False),
    ({"error": "no such city"}, "no such city", True),
    ({}, "", False),
])  # fmt: skip
def test_a_functions_answer_is_its_text(response: Any, text: str, is_error: bool) -> None:
    call = {"functionCall": {"id": "c1", "name": "f", "args": {}}}
    result = {"functionResponse": {"id": "c1", "name": "f", "response": response}}

    reported = requested(contents=[{"role": "model", "parts": [call]}, {"role": "user", "parts": [result]}])

    assert ToolResult(call_id="c1", parts=(Text(text=text),), is_error=is_error) == reported.messages[1].parts[0]


# --- what bounds the charge -----------------------------------------------------------------------------


@pytest.mark.parametrize(("part", "images", "opaque"), [
    ({"inlineData": {"mimeType": "image/png", "data": "AA=="}}, 1, None),
    ({"inlineData": {"mimeType": "audio/wav", "data": "AA=="}}, 0, None),
    ({"inlineData": {"mimeType": "application/pdf", "data": "AA=="}}, 0, "contents[0].parts[0].inlineData"),
    ({"inlineData": {"mimeType": "video/mp4", "data": "AA=="}}, 0, "contents[0].parts[0].inlineData"),
    ({"file_data": {"mime_type": "text/plain", "file_uri": "https://x/y"}}, 0, "contents[0].parts[0].fileData"),
    ({"functionResponse": {"name": "f", "parts": [{"inlineData": {"mimeType": "image/png", "data": "AA=="}}]}}, 1, None),
])  # fmt: skip
def test_what_no_byte_bounds_is_named(part: Any, images: int, opaque: str | None) -> None:
    call = read(contents=[{"role": "user", "parts": [part]}])

    assert (images, opaque) == (call.images, call.opaque_input)


def test_a_cached_content_is_bounded_by_the_context_alone() -> None:
    assert "cachedContent" == read(cachedContent="cachedContents/x").opaque_input


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"contents":"x"}', b"\xff", b'{"contents":[{"parts":["\\ud800"]}]}']
)
def test_whatever_comes_is_a_call_or_a_complaint(body: bytes) -> None:
    call = CALLER.read(body)

    assert isinstance(call, BadRequest) or isinstance(CALLER.to_request(call), BadRequest | ChatRequest)
