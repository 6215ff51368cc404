"""Images in Google's and Ideogram's dialects: requests, answers, refusals."""

import json
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.providers.dialect import ProviderDialect
from adapters.providers.images import GOOGLE_IMAGES, IDEOGRAM, IMAGES
from adapters.providers.openai.images import IMAGES as OPENAI_IMAGES
from domain.model_api.call import Attempt, Target
from domain.model_api.events import Broken, Ended, UsageReported
from domain.model_api.images import ImageResult, ImagesRequest
from domain.usage import Usage

IMAGEN, GEMINI, IDEO = "imagen-4.0-generate-001", "gemini-2.5-flash-image", "ideogram-v3-turbo"


def attempt(model: str) -> Attempt:
    target = Target(provider="p", dialect="d", base_url="https://p.test", model=model, credential_id=None, sealed=None)
    return Attempt(call_id="call_1", target=target, timeout_ms=1)


def requested(model: str = IMAGEN, extra: dict[str, Any] | None = None, **more: Any) -> ImagesRequest:
    raw = {name: msgspec.Raw(json.dumps(value).encode()) for name, value in (extra or {}).items()}
    return ImagesRequest(model=f"p/{model}", prompt="a cat", extra=raw, **more)


@pytest.mark.parametrize(("model", "request_", "path", "body"), [
    (IMAGEN, requested(count=3, size="1024x1024"), "models/imagen-4.0-generate-001:predict",
     {"instances": [{"prompt": "a cat"}], "parameters": {"sampleCount": 3, "aspectRatio": "1:1"}}),
    (IMAGEN, requested(extra={"aspect_ratio": "16:9"}), "models/imagen-4.0-generate-001:predict",
     {"instances": [{"prompt": "a cat"}], "parameters": {"sampleCount": 1, "aspectRatio": "16:9"}}),
    (GEMINI, requested(GEMINI, size="1024x1536"), "models/gemini-2.5-flash-image:generateContent",
     {"contents": [{"role": "user", "parts": [{"text": "a cat"}]}],
      "generationConfig": {"responseModalities": ["IMAGE"], "imageConfig": {"aspectRatio": "2:3"}}}),
])  # fmt: skip
def test_what_google_is_sent(model: str, request_: ImagesRequest, path: str, body: dict[str, Any]) -> None:
    assert GOOGLE_IMAGES.refuses(request_) is None
    assert path == GOOGLE_IMAGES.path(model, False)
    assert body == json.loads(GOOGLE_IMAGES.encode(request_, attempt(model)))


def test_what_ideogram_is_sent() -> None:
    request = requested(IDEO, count=2, size="1536x1024", answer="url", extra={"seed": 7, "negative_prompt": "Hüte"})
    headers = dict(IDEOGRAM.headers("secret"))

    assert IDEOGRAM.refuses(request) is None
    assert ("ideogram-v3/generate", "ideogram-v3/generate") == (
        IDEOGRAM.path(IDEO, False),
        IDEOGRAM.path("ideogram-v3", False),
    )
    body = b"Content-Type: " + headers["content-type"].encode() + b"\r\n\r\n" + IDEOGRAM.encode(request, attempt(IDEO))
    parsed: Any = BytesParser(policy=HTTP).parsebytes(body)
    fields = {
        part.get_param("name", header="content-disposition"): part.get_payload(decode=True).decode()
        for part in parsed.iter_parts()
    }
    assert {
        "prompt": "a cat",
        "num_images": "2",
        "rendering_speed": "TURBO",
        "seed": "7",
        "negative_prompt": "Hüte",
        "aspect_ratio": "3x2",
    } == fields
    assert "secret" == headers["api-key"]


@pytest.mark.parametrize(("dialect", "request_", "field"), [
    (GOOGLE_IMAGES, requested(answer="url"),                   "response_format"),
    (GOOGLE_IMAGES, requested(format="webp"),                  "output_format"),
    (GOOGLE_IMAGES, requested(count=5),                        "n"),
    (GOOGLE_IMAGES, requested(GEMINI, count=2),                "n"),
    (GOOGLE_IMAGES, requested(size="1024x1536"),               "size"),
    (GOOGLE_IMAGES, requested(size="4096x4096"),               "size"),
    (GOOGLE_IMAGES, requested(size="big"),                     "size"),
    (GOOGLE_IMAGES, requested(quality="high"),                 "quality"),
    (GOOGLE_IMAGES, requested(background="transparent"),       "background"),
    (GOOGLE_IMAGES, requested(extra={"stream": True}),         "stream"),
    (GOOGLE_IMAGES, requested(extra={"image": None}),          "image"),
    (IDEOGRAM,        requested(IDEO, answer="b64_json"),        "response_format"),
    (IDEOGRAM,        requested(IDEO, count=9),                  "n"),
    (IDEOGRAM,        requested(IDEO, extra={"rendering_speed": "QUALITY"}), "rendering_speed"),
    (IDEOGRAM,        requested(IDEO, extra={"style_type": "aihub-8d1f6b0c4e5a49d7"}), "prompt"),
])  # fmt: skip
def test_an_unsupported_field_is_refused_by_name(dialect: ProviderDialect, request_: ImagesRequest, field: str) -> None:
    lack = dialect.refuses(request_)

    assert lack is not None
    assert field == lack.field


@pytest.mark.parametrize(("dialect", "answer", "images", "usage"), [
    (GOOGLE_IMAGES, {"predictions": [{"bytesBase64Encoded": "AA==", "mimeType": "image/png"}, {"raiFilteredReason": "x"}]},
     [ImageResult(base64="AA==")], None),
    (GOOGLE_IMAGES, {"candidates": [{"content": {"parts": [{"text": "Here"}, {"inlineData": {"mimeType": "image/png", "data": "AA=="}}]}}],
                       "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 1290, "totalTokenCount": 1295}},
     [ImageResult(base64="AA==")], Usage(input_tokens=5, output_image_tokens=1290)),
    (GOOGLE_IMAGES, {"candidates": [{"content": {"parts": [{"inlineData": {"data": "AA=="}}]}}],
                       "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 1300, "totalTokenCount": 1305,
                                         "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1290}]}},
     [ImageResult(base64="AA==")], Usage(input_tokens=5, output_tokens=10, output_image_tokens=1290)),
    (IDEOGRAM, {"created": "2026", "data": [{"url": "https://i.test/1", "prompt": "A cat"}, {"url": None, "is_image_safe": False}]},
     [ImageResult(url="https://i.test/1", revised_prompt="A cat")], None),
])  # fmt: skip
def test_what_is_understood(
    dialect: ProviderDialect, answer: dict[str, Any], images: list[ImageResult], usage: Usage | None
) -> None:
    *said, ended = dialect.decode(json.dumps(answer).encode())

    assert isinstance(ended, Ended)
    assert images == [event for event in said if isinstance(event, ImageResult)]
    assert ([] if usage is None else [usage]) == [event.usage for event in said if isinstance(event, UsageReported)]


@pytest.mark.parametrize(("dialect", "answer", "kind"), [
    (GOOGLE_IMAGES, {"promptFeedback": {"blockReason": "SAFETY"}},                              "request_rejected"),
    (GOOGLE_IMAGES, {"candidates": [{"finishReason": "IMAGE_SAFETY"}]},                         "request_rejected"),
    (GOOGLE_IMAGES, {"predictions": [{"raiFilteredReason": "people"}]},                         "request_rejected"),
    (GOOGLE_IMAGES, {"candidates": [{"content": {"parts": [{"text": "I cannot"}]}, "finishReason": "STOP"}]}, "malformed"),
    (IDEOGRAM,        {"data": [{"is_image_safe": False}]},                                       "request_rejected"),
    (IDEOGRAM,        {"data": []},                                                               "malformed"),
])  # fmt: skip
def test_an_image_that_was_not_made(dialect: ProviderDialect, answer: dict[str, Any], kind: str) -> None:
    (broken,) = dialect.decode(json.dumps(answer).encode())

    assert isinstance(broken, Broken)
    assert kind == broken.failure.kind


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["data", "url", "predictions", "candidates", "content", "parts", "inlineData", "usageMetadata", "bytesBase64Encoded",
         "promptTokenCount", "candidatesTokenCount", "usage", "input_tokens", "output_tokens", "error", "promptFeedback"]), inner, max_size=4),
)  # fmt: skip


@pytest.mark.parametrize("dialect", [*IMAGES, *OPENAI_IMAGES], ids=lambda dialect: dialect.name)
@given(answer=JSON)
def test_whatever_comes_one_ending_comes_out(dialect: ProviderDialect, answer: Any) -> None:
    endings = [event for event in dialect.decode(json.dumps(answer).encode()) if isinstance(event, (Ended, Broken))]

    assert 1 == len(endings)
