"""Each field of a canonical request in Gemini's form."""

from typing import Any

import msgspec
import pytest

from adapters.providers.google import GOOGLE
from domain.model_api.requests import Audio, Document, Image, Message, Part, ProviderPart, ResponseFormat, Text
from tests.support.google import QUESTION, WEATHER, config, model, raw, sent, user


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


def test_an_empty_turn_becomes_an_empty_text() -> None:
    body = sent(user(Text(text="")), model(Text(text="")), user(Text(text="Was it empty?"), Text(text="")))

    assert [[{"text": ""}], [{"text": ""}], [{"text": "Was it empty?"}]] == [
        content["parts"] for content in body["contents"]
    ]


@pytest.mark.parametrize(
    ("field", "value", "reported"),
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
def test_settings(field: str, value: Any, reported: Any) -> None:
    assert reported == config(**{field: value})


def test_the_hubs_cap_goes_before_the_callers() -> None:
    assert {"maxOutputTokens": 50} == sent(cap=50, output_tokens_max=100)["generationConfig"]


def test_a_schema_for_the_answer_is_json_schema() -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    wanted = ResponseFormat(mode="json_schema", name="answer", schema=raw(schema), strict=True)

    assert {"responseMimeType": "application/json", "responseJsonSchema": schema} == config(response_format=wanted)


def inline(media_type: str, data: str) -> Any:
    return {"inlineData": {"mimeType": media_type, "data": data}}


def linked(url: str, media_type: str | None) -> Any:
    return {"fileData": {"fileUri": url} | ({} if media_type is None else {"mimeType": media_type})}


@pytest.mark.parametrize(
    ("part", "reported"),
    [
        (Image(media_type="image/webp", data="AAAA"), inline("image/webp", "AAAA")),
        (Image(url="https://x.test/a.PNG?w=1"), linked("https://x.test/a.PNG?w=1", "image/png")),
        (Image(url="https://x.test/a"), linked("https://x.test/a", "image/jpeg")),
        (Image(url="https://x.test/video.mp4"), linked("https://x.test/video.mp4", "image/jpeg")),
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
        (Document(file_id="gs://bucket/a", name="b.csv"), linked("gs://bucket/a", "text/csv")),
        (
            ProviderPart(dialect="openai", name="video_url", block=raw({"video_url": {"url": "https://youtu.be/1"}})),
            linked("https://youtu.be/1", "video/mp4"),
        ),
        (
            ProviderPart(dialect="openai", name="video_url", block=raw({"video_url": "data:video/webm;base64,AAAA"})),
            inline("video/webm", "AAAA"),
        ),
        (
            ProviderPart(dialect="openai", name="document_url", block=raw({"document_url": "https://x.test/a"})),
            linked("https://x.test/a", "application/pdf"),
        ),
        (
            ProviderPart(dialect="openai", name="audio_url", block=raw({"audio_url": {"url": "https://x.test/a.wav"}})),
            linked("https://x.test/a.wav", "audio/wav"),
        ),
        (
            ProviderPart(dialect="google", name="executableCode", block=raw({"executableCode": {"code": "1"}})),
            {"executableCode": {"code": "1"}},
        ),
    ],
)
def test_images_audio_documents_and_video(part: Part, reported: Any) -> None:
    assert [{"text": "See:"}, reported] == sent(user(Text(text="See:"), part))["contents"][0]["parts"]


def test_one_detail_for_all_images_is_the_requests_resolution() -> None:
    low, high = (Image(url="https://x.test/a.png", detail=detail) for detail in ("low", "high"))

    assert {"mediaResolution": "MEDIA_RESOLUTION_LOW"} == sent(user(low, low))["generationConfig"]
    assert {"mediaResolution": "MEDIA_RESOLUTION_HIGH"} == sent(user(high))["generationConfig"]


@pytest.mark.parametrize(
    ("name", "value", "reported"),
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
def test_fields_of_openais_that_gemini_has_too(name: str, value: Any, reported: Any) -> None:
    assert reported == config(extra={name: raw(value)})


def test_googles_own_fields_and_tiers_are_next_to_the_config() -> None:
    own = {"google": {"cached_content": "cachedContents/1", "safety_settings": [{"category": "c", "threshold": "t"}]}}
    body = sent(extra={"extra_body": raw(own), "service_tier": raw("flex")})

    assert ("cachedContents/1", [{"category": "c", "threshold": "t"}], "flex") == (
        body["cachedContent"],
        body["safetySettings"],
        body["serviceTier"],
    )


def test_googles_own_tools_are_next_to_the_functions() -> None:
    search, files = {"type": "google_search"}, {"type": "file_search", "file_search_store_names": ["s/1"]}
    extra = {"tools[1].google_search": raw(search), "tools[2].file_search": raw(files)}
    body = sent(tools=(WEATHER,), extra=extra)

    assert [{"googleSearch": {}}, {"fileSearch": {"file_search_store_names": ["s/1"]}}] == body["tools"][1:]
    for name, value in (("web_search_options", b"{}"), ("tools[0].web_search", b'{"type":"web_search"}')):
        assert [{"googleSearch": {}}] == sent(extra={name: msgspec.Raw(value)})["tools"]
