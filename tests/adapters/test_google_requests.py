"""What the Gemini API is asked: each field of a canonical request in Gemini's words."""

import json
from typing import Any

import msgspec
import pytest

from adapters.providers.google import GOOGLE
from domain.chat import (
    Audio,
    ChatRequest,
    Document,
    Foreign,
    Image,
    Message,
    Part,
    Reasoning,
    ResponseFormat,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from tests.support.google import attempt

QUESTION = Message(role="user", parts=(Text(text="Hello"),))
WEATHER = Tool(name="weather", description="Tell it.", parameters=msgspec.Raw(b'{"type":"object","properties":{}}'))
SKIP = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="


def sent(*messages: Message, model: str = "gemini-3-flash-preview", cap: int | None = None, **fields: Any) -> Any:
    request = ChatRequest(model=model, messages=messages or (QUESTION,), **fields)
    assert GOOGLE.refuses(request) is None, GOOGLE.refuses(request)
    return json.loads(GOOGLE.encode(request, attempt(model, cap)))


def config(**fields: Any) -> Any:
    return sent(**fields).get("generationConfig", {})


def user(*parts: Part) -> Message:
    return Message(role="user", parts=parts)


def model(*parts: Part) -> Message:
    return Message(role="assistant", parts=parts)


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


def test_a_question_alone_is_contents_alone() -> None:
    assert {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]} == sent()


@pytest.mark.parametrize(
    ("name", "stream", "path"),
    [
        ("gemini-2.5-pro", False, "models/gemini-2.5-pro:generateContent"),
        ("gemini-2.5-pro", True, "models/gemini-2.5-pro:streamGenerateContent?alt=sse"),
        ("models/gemini-2.5-pro", False, "models/gemini-2.5-pro:generateContent"),
        ("tunedModels/mine", False, "tunedModels/mine:generateContent"),
        ("../../x?a#b", False, "models/..%2F..%2Fx%3Fa%23b:generateContent"),
        ("tunedModels/../x", False, "models/tunedModels%2F..%2Fx:generateContent"),
    ],
)
def test_the_model_and_whether_to_stream_stand_in_the_path(name: str, stream: bool, path: str) -> None:
    assert path == GOOGLE.path(name, stream)


@pytest.mark.parametrize(
    ("secret", "header"),
    [("AIza-1", ("x-goog-api-key", "AIza-1")), ("ya29.a0", ("authorization", "Bearer ya29.a0"))],
)
def test_a_key_and_an_access_token_each_have_their_header(secret: str, header: tuple[str, str]) -> None:
    assert header in GOOGLE.headers(secret)
    assert ("content-type", "application/json") in GOOGLE.headers(None)


def test_system_messages_are_one_instruction_wherever_they_stand() -> None:
    body = sent(
        Message(role="system", parts=(Text(text="Be brief."),)),
        QUESTION,
        Message(role="developer", parts=(Text(text="Be kind."),)),
    )

    assert {"parts": [{"text": "Be brief."}, {"text": "Be kind."}]} == body["systemInstruction"]
    assert 1 == len(body["contents"])


def test_turns_of_one_role_become_one_content() -> None:
    body = sent(QUESTION, user(Text(text="there")), model(Text(text="Hi")), user(Text(text="Bye")))

    assert ["user", "model", "user"] == [content["role"] for content in body["contents"]]
    assert [{"text": "Hello"}, {"text": "there"}] == body["contents"][0]["parts"]


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("temperature", msgspec.Raw(b"0.10"), {"temperature": 0.1}),
        ("top_p", msgspec.Raw(b"0.5"), {"topP": 0.5}),
        ("top_k", 40, {"topK": 40}),
        ("stop", ("a", "b"), {"stopSequences": ["a", "b"]}),
        ("seed", 7, {"seed": 7}),
        ("choices", 2, {"candidateCount": 2}),
        ("output_tokens_max", 100, {"maxOutputTokens": 100}),
        ("response_format", ResponseFormat(mode="text"), {}),
        ("response_format", ResponseFormat(mode="json_object"), {"responseMimeType": "application/json"}),
        ("user", "someone", {}),
    ],
)
def test_settings(field: str, value: Any, told: Any) -> None:
    assert told == config(**{field: value})


def test_the_hubs_cap_goes_before_the_callers() -> None:
    assert {"maxOutputTokens": 50} == sent(cap=50, output_tokens_max=100)["generationConfig"]


def test_a_schema_for_the_answer_is_json_schema() -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    wanted = ResponseFormat(mode="json_schema", name="answer", schema=raw(schema), strict=True)

    assert {"responseMimeType": "application/json", "responseJsonSchema": schema} == config(response_format=wanted)


# --- tools ----------------------------------------------------------------------------------------------


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
    ("choice", "told"),
    [
        (ToolChoice(mode="auto"), None),
        (ToolChoice(mode="none"), {"mode": "NONE"}),
        (ToolChoice(mode="required"), {"mode": "ANY"}),
        (ToolChoice(mode="tool", name="weather"), {"mode": "ANY", "allowedFunctionNames": ["weather"]}),
    ],
)
def test_whether_a_function_must_be_called(choice: ToolChoice, told: Any) -> None:
    assert told == sent(tools=(WEATHER,), tool_choice=choice).get("toolConfig", {}).get("functionCallingConfig")


def test_a_strict_function_is_called_by_its_schema() -> None:
    strict = msgspec.structs.replace(WEATHER, strict=True)

    assert {"functionCallingConfig": {"mode": "VALIDATED"}} == sent(tools=(strict,))["toolConfig"]


def test_a_set_of_allowed_functions() -> None:
    allowed = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [{"function": {"name": "a"}},
                                                                                       {"name": "b"}]}}  # fmt: skip
    body = sent(tools=(WEATHER,), extra={"tool_choice.allowed_tools": raw(allowed)})

    assert {"mode": "ANY", "allowedFunctionNames": ["a", "b"]} == body["toolConfig"]["functionCallingConfig"]


def test_results_stand_right_after_their_calls_in_a_content_of_their_own() -> None:
    calls = (ToolCall(id="1", name="weather", arguments='{"c":"Oslo"}'), ToolCall(id="2", name="now", arguments=""))
    results = (
        Text(text="And?"),
        ToolResult(call_id="2", parts=(Text(text="noon"),)),
        ToolResult(call_id="1", parts=(Text(text='{"t": 3}'),)),
    )
    asked, called, answered, said = sent(QUESTION, model(*calls), user(*results))["contents"]

    assert ("user", "model", "user", "user") == (asked["role"], called["role"], answered["role"], said["role"])
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
        (("[1]",), False, {"output": "[1]"}),
        (("{oops",), False, {"output": "{oops"}),
        ((), False, {"output": ""}),
        (("a", "b"), False, {"output": ["a", "b"]}),
        (("no such city",), True, {"error": "no such city"}),
        (('{"id": 12345678901234567890}',), False, {"output": '{"id": 12345678901234567890}'}),
    ],
)
def test_what_a_tool_said(parts: tuple[str, ...], is_error: bool, response: Any) -> None:
    result = ToolResult(call_id="1", parts=tuple(Text(text=text) for text in parts), is_error=is_error)
    body = sent(QUESTION, model(ToolCall(id="1", name="weather", arguments="{}")), user(result))

    assert response == body["contents"][2]["parts"][0]["functionResponse"]["response"]


def test_a_picture_in_a_result_goes_inside_it_or_for_older_models_beside_it() -> None:
    picture = Image(media_type="image/png", data="iVBORw0=")
    result = ToolResult(call_id="1", parts=(Text(text="Look"), picture))
    talk = (QUESTION, model(ToolCall(id="1", name="shot", arguments="{}")), user(result))
    part = {"inlineData": {"mimeType": "image/png", "data": "iVBORw0="}}

    newer, older = sent(*talk)["contents"], sent(*talk, model="gemini-2.5-flash")["contents"]

    assert [part] == newer[2]["parts"][0]["functionResponse"]["parts"]
    assert 3 == len(newer)
    assert [part] == older[3]["parts"]


# --- thinking -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "thinking", "told"),
    [
        ("gemini-3-pro-preview", Thinking(effort="low"), {"includeThoughts": True, "thinkingLevel": "low"}),
        ("gemini-flash-latest", Thinking(effort="max"), {"includeThoughts": True, "thinkingLevel": "high"}),
        ("gemini-2.5-pro", Thinking(effort="medium"), {"includeThoughts": True, "thinkingBudget": 8192}),
        ("gemini-2.5-pro", Thinking(tokens_max=5000), {"includeThoughts": True, "thinkingBudget": 5000}),
        ("gemini-3-pro-preview", Thinking(tokens_max=5000), {"includeThoughts": True, "thinkingBudget": 5000}),
        (
            "gemini-3-pro-preview",
            Thinking(effort="low", tokens_max=9),
            {"includeThoughts": True, "thinkingLevel": "low"},
        ),
        ("gemini-3-pro-preview", Thinking(), {"includeThoughts": True}),
        ("gemini-2.5-pro", Thinking(), {"includeThoughts": True, "thinkingBudget": -1}),
        ("gemini-2.5-flash", Thinking(enabled=False), {"thinkingBudget": 0}),
        ("gemini-3-pro-preview", Thinking(effort="high", implicit=True), {"thinkingLevel": "high"}),
    ],
)
def test_how_hard_to_think(name: str, thinking: Thinking, told: Any) -> None:
    assert told == sent(model=name, thinking=thinking)["generationConfig"]["thinkingConfig"]


def test_thoughts_that_shall_not_be_shown_are_not_asked_for() -> None:
    extra = {"thinking.display": msgspec.Raw(b'"omitted"')}

    assert {"thinkingLevel": "low"} == config(thinking=Thinking(effort="low"), extra=extra)["thinkingConfig"]


def test_signatures_go_back_to_the_parts_that_they_came_with() -> None:
    turn = model(
        Reasoning(text="Hm.", signature="google:dGhvdWdodA=="),
        Text(text="I look.", signature="google:dGV4dA=="),
        ToolCall(id="1", name="weather", arguments="{}", signature="google:Y2FsbA=="),
        ToolCall(id="2", name="now", arguments="{}"),
    )
    results = user(*(ToolResult(call_id=call_id, parts=(Text(text="ok"),)) for call_id in "12"))

    assert [
        {"thought": True, "text": "Hm.", "thoughtSignature": "dGhvdWdodA=="},
        {"text": "I look.", "thoughtSignature": "dGV4dA=="},
        {"functionCall": {"id": "1", "name": "weather", "args": {}}, "thoughtSignature": "Y2FsbA=="},
        {"functionCall": {"id": "2", "name": "now", "args": {}}},
    ] == sent(QUESTION, turn, results)["contents"][1]["parts"]


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


# --- media ----------------------------------------------------------------------------------------------


def inline(media_type: str, data: str) -> Any:
    return {"inlineData": {"mimeType": media_type, "data": data}}


def linked(url: str, media_type: str | None) -> Any:
    return {"fileData": {"fileUri": url} | ({} if media_type is None else {"mimeType": media_type})}


@pytest.mark.parametrize(
    ("part", "told"),
    [
        (Image(media_type="image/webp", data="AAAA"), inline("image/webp", "AAAA")),
        (Image(url="https://x.test/a.PNG?w=1"), linked("https://x.test/a.PNG?w=1", "image/png")),
        (Image(url="https://x.test/a"), linked("https://x.test/a", None)),
        (Audio(data="AAAA", format="mp3"), inline("audio/mp3", "AAAA")),
        (Document(media_type="application/pdf", data="AAAA"), inline("application/pdf", "AAAA")),
        (Document(media_type="video/mp4", data="AAAA"), inline("video/mp4", "AAAA")),
        (Document(text="plain", name="a.txt"), {"text": "a.txt\n\nplain"}),
        (Document(url="https://x.test/a"), linked("https://x.test/a", "application/pdf")),
        (
            Document(file_id="https://generativelanguage.googleapis.com/v1beta/files/1"),
            linked("https://generativelanguage.googleapis.com/v1beta/files/1", None),
        ),
        (Document(file_id="gs://bucket/a.mp4"), linked("gs://bucket/a.mp4", "video/mp4")),
        (
            Foreign(dialect="openai", name="video_url", block=raw({"video_url": {"url": "https://youtu.be/1"}})),
            linked("https://youtu.be/1", "video/mp4"),
        ),
        (
            Foreign(dialect="openai", name="video_url", block=raw({"video_url": "data:video/webm;base64,AAAA"})),
            inline("video/webm", "AAAA"),
        ),
        (
            Foreign(dialect="google", name="executableCode", block=raw({"executableCode": {"code": "1"}})),
            {"executableCode": {"code": "1"}},
        ),
    ],
)
def test_pictures_sound_documents_and_video(part: Part, told: Any) -> None:
    assert [{"text": "See:"}, told] == sent(user(Text(text="See:"), part))["contents"][0]["parts"]


def test_one_detail_for_all_pictures_is_the_requests_resolution() -> None:
    low, high = (Image(url="https://x.test/a.png", detail=detail) for detail in ("low", "high"))

    assert {"mediaResolution": "MEDIA_RESOLUTION_LOW"} == sent(user(low, low))["generationConfig"]
    assert {"mediaResolution": "MEDIA_RESOLUTION_HIGH"} == sent(user(high))["generationConfig"]


# --- what only the caller's dialect has -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("frequency_penalty", 0.5, {"frequencyPenalty": 0.5}),
        ("presence_penalty", -1, {"presencePenalty": -1}),
        ("logprobs", True, {"responseLogprobs": True}),
        ("top_logprobs", 3, {"logprobs": 3}),
        ("modalities", ["text", "image"], {"responseModalities": ["TEXT", "IMAGE"]}),
        ("extra_body", {"google": {"thinking_config": {"thinking_level": "low"}}},
         {"thinkingConfig": {"thinking_level": "low"}}),
        ("metadata", {"a": "b"}, {}),
        ("prompt_cache_key", "k", {}),
        ("service_tier", "default", {}),
    ],
)  # fmt: skip
def test_fields_of_openais_that_gemini_has_too(name: str, value: Any, told: Any) -> None:
    assert told == config(extra={name: raw(value)})


def test_googles_own_fields_and_tiers_stand_beside_the_config() -> None:
    own = {"google": {"cached_content": "cachedContents/1", "safety_settings": [{"category": "c", "threshold": "t"}]}}
    body = sent(extra={"extra_body": raw(own), "service_tier": raw("flex")})

    assert ("cachedContents/1", [{"category": "c", "threshold": "t"}], "flex") == (
        body["cachedContent"],
        body["safetySettings"],
        body["serviceTier"],
    )


def test_googles_own_tools_stand_beside_the_functions() -> None:
    search, files = {"type": "google_search"}, {"type": "file_search", "file_search_store_names": ["s/1"]}
    extra = {"tools[1].google_search": raw(search), "tools[2].file_search": raw(files)}
    body = sent(tools=(WEATHER,), extra=extra)

    assert [{"googleSearch": {}}, {"fileSearch": {"file_search_store_names": ["s/1"]}}] == body["tools"][1:]
    assert [{"googleSearch": {}}] == sent(extra={"web_search_options": msgspec.Raw(b"{}")})["tools"]
