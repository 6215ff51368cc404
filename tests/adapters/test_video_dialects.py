"""Video in OpenAI's and Google's dialects: requests, the next step after each answer, refusals."""

import json
from base64 import b64encode
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.providers.dialect import PollStep, ProviderDialect, Step
from adapters.providers.video import VIDEO
from adapters.providers.video.google import GOOGLE_VIDEO, VERTEX_VIDEO
from adapters.providers.video.openai import OPENAI_VIDEO
from domain.failures import Failure
from domain.model_api.call import Attempt, Target
from domain.model_api.events import Broken, Ended, UsageReported
from domain.model_api.video import SECONDS_UNREQUESTED_MAX, FirstFrame, VideoRequest, VideoResult
from domain.usage import Usage

VEO, SORA = "veo-3.1-generate-preview", "sora-2"
OPERATION = f"models/{VEO}/operations/abc-1"
DATA = FirstFrame(media_type="image/png", base64="iVBORw==")
LINK = FirstFrame(media_type="image/png", url="https://i.test/1.png")
MP4 = b"\0\0\0\x14ftypisom"


def attempt(model: str = VEO) -> Attempt:
    target = Target(provider="p", dialect="d", base_url="https://p.test", model=model, credential_id=None, sealed=None)
    return Attempt(call_id="call_1", target=target, timeout_ms=1)


def requested(extra: dict[str, Any] | None = None, **more: Any) -> VideoRequest:
    raw = {name: msgspec.Raw(json.dumps(value).encode()) for name, value in (extra or {}).items()}
    return VideoRequest(model="p/video", prompt="a cat", extra=raw, **more)


def next_of(dialect: ProviderDialect, request: VideoRequest, answer: Any, model: str = VEO) -> Step:
    assert dialect.job is not None
    return dialect.job(request, attempt(model), answer if isinstance(answer, bytes) else json.dumps(answer).encode())


def poll_step(step: Step) -> PollStep:
    assert isinstance(step, PollStep), step
    return step


def failure(step: Step) -> Failure:
    assert not isinstance(step, PollStep)
    assert isinstance(step[-1], Broken)
    return step[-1].failure


def made(content: bytes, seconds: int, size: str | None) -> Step:
    video = VideoResult(base64=b64encode(content).decode(), media_type="video/mp4", seconds=seconds, size=size)
    return (video, UsageReported(usage=Usage(video_seconds=seconds)), Ended())


# --- OpenAI ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("request_", "body"), [
    (requested(), {"model": SORA, "prompt": "a cat", "seconds": "4"}),
    (requested(seconds=12, size="1792x1024", image=DATA),
     {"model": SORA, "prompt": "a cat", "seconds": "12", "size": "1792x1024",
      "input_reference": {"image_url": "data:image/png;base64,iVBORw=="}}),
    (requested(image=LINK), {"model": SORA, "prompt": "a cat", "seconds": "4",
                         "input_reference": {"image_url": "https://i.test/1.png"}}),
])  # fmt: skip
def test_what_openais_kind_is_sent(request_: VideoRequest, body: dict[str, Any]) -> None:
    assert OPENAI_VIDEO.refuses(request_) is None
    assert "videos" == OPENAI_VIDEO.path(SORA, False)
    assert body == json.loads(OPENAI_VIDEO.encode(request_, attempt(SORA)))


@pytest.mark.parametrize("status", ["queued", "in_progress", "processing"])
def test_a_video_is_polled_until_it_is_completed_and_then_fetched(status: str) -> None:
    begun = poll_step(next_of(OPENAI_VIDEO, requested(), {"id": "video/1", "status": status}))
    polled = poll_step(begun.then(json.dumps({"id": "video/1", "status": status}).encode()))
    done = poll_step(polled.then(b'{"id": "video/1", "status": "completed", "seconds": "8", "size": "1792x1024"}'))

    assert [("videos/video%2F1", True)] * 2 == [(step.path, step.waits) for step in (begun, polled)]
    assert ("videos/video%2F1/content", False, b"") == (done.path, done.waits, done.body)
    assert made(MP4, 8, "1024p") == done.then(MP4)


@pytest.mark.parametrize(("reported", "seconds", "size"), [
    ({},                                  12, "720p"),   # as asked for
    ({"seconds": 8},                       8, "720p"),
    ({"seconds": "8.5"},                   9, "720p"),   # a begun second is a whole one
    ({"seconds": "0"},                    12, "720p"),
    ({"seconds": "grants", "size": 7},      12, "720p"),
    ({"seconds": "9" * 50},               12, "720p"),
    ({"size": "auto"},                    12, None),
])  # fmt: skip
def test_values_that_a_video_does_not_report_are_as_requested(
    reported: dict[str, Any], seconds: int, size: str
) -> None:
    request = requested(seconds=12, size="1280x720")

    done = poll_step(next_of(OPENAI_VIDEO, request, {"id": "v", "status": "completed", **reported}))

    assert made(MP4, seconds, size) == done.then(MP4)


@pytest.mark.parametrize(("video", "kind", "code"), [
    ({"status": "failed"},                                                            "unavailable", None),
    ({"status": "expired"},                                                           "unavailable", None),
    ({"status": "failed", "error": {"code": "moderation_blocked", "message": "No."}}, "request_rejected", "moderation_blocked"),
    ({"status": "failed", "error": {"code": "server_error", "message": "No."}},       "unavailable", "server_error"),
    ({"error": {"code": "rate_limit_exceeded", "message": "No."}},                    "overloaded", "rate_limit_exceeded"),
    ({"status": "queued"},                                                            "malformed", None),
    ({"status": "completed"},                                                         "malformed", None),
    ({"status": "queued", "id": ".."},                                                "malformed", None),
    ([],                                                                              "malformed", None),
    (b"\xff",                                                                         "malformed", None),
])  # fmt: skip
def test_a_video_that_will_not_be_is_a_failure(video: Any, kind: str, code: str | None) -> None:
    failed = failure(next_of(OPENAI_VIDEO, requested(), video))

    assert (kind, code) == (failed.kind, failed.code)


@pytest.mark.parametrize("content", [b"", b'{"error": {"message": "gone"}}'])
def test_a_download_that_is_no_video_is_malformed(content: bytes) -> None:
    done = poll_step(next_of(OPENAI_VIDEO, requested(), {"id": "v", "status": "completed"}))

    assert "malformed" == failure(done.then(content)).kind


# --- Google ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("request_", "body"), [
    (requested(), {"instances": [{"prompt": "a cat"}], "parameters": {"durationSeconds": 8}}),
    (requested({"negativePrompt": "dogs", "aspectRatio": "9:16"}, seconds=4, size="1080p"),
     {"instances": [{"prompt": "a cat"}],
      "parameters": {"negativePrompt": "dogs", "aspectRatio": "9:16", "durationSeconds": 4, "resolution": "1080p"}}),
    (requested(size="720x1280"), {"instances": [{"prompt": "a cat"}],
                              "parameters": {"durationSeconds": 8, "resolution": "720p", "aspectRatio": "9:16"}}),
    (requested(size="4K", image=DATA, last_frame=DATA, references=(DATA,)),
     {"instances": [{"prompt": "a cat",
                     "image": {"bytesBase64Encoded": "iVBORw==", "mimeType": "image/png"},
                     "lastFrame": {"bytesBase64Encoded": "iVBORw==", "mimeType": "image/png"},
                     "referenceImages": [{"image": {"bytesBase64Encoded": "iVBORw==", "mimeType": "image/png"},
                                          "referenceType": "asset"}]}],
      "parameters": {"durationSeconds": 8, "resolution": "4k"}}),
])  # fmt: skip
def test_what_google_is_sent(request_: VideoRequest, body: dict[str, Any]) -> None:
    assert GOOGLE_VIDEO.refuses(request_) is None
    assert f"models/{VEO}:predictLongRunning" == GOOGLE_VIDEO.path(VEO, False)
    assert body == json.loads(GOOGLE_VIDEO.encode(request_, attempt()))


@pytest.mark.parametrize(("model", "extra", "parameters"), [
    (VEO,                    {},                                    {"generateAudio": True}),
    (VEO,                    {"generateAudio": False, "seed": 7},   {"generateAudio": False, "seed": 7}),
    ("veo-2.0-generate-001", {},                                    {}),
])  # fmt: skip
def test_vertex_gets_the_field_for_audio(model: str, extra: dict[str, Any], parameters: dict[str, Any]) -> None:
    assert VERTEX_VIDEO.refuses(requested(extra)) is None
    sent = json.loads(VERTEX_VIDEO.encode(requested(extra), attempt(model)))

    assert {**parameters, "durationSeconds": 8} == sent["parameters"]


def test_an_operation_of_the_gemini_api_is_polled_by_its_name_and_its_file_is_fetched() -> None:
    request = requested(seconds=6, size="1080p")
    begun = poll_step(next_of(GOOGLE_VIDEO, request, {"name": OPERATION}))
    polled = poll_step(begun.then(json.dumps({"name": OPERATION, "done": False}).encode()))
    samples = [{"video": {"uri": "https://elsewhere.test/v1beta/files/f-1_x:download?alt=media"}}]
    response = {"@type": "x", "generateVideoResponse": {"generatedSamples": samples}}
    done = poll_step(polled.then(json.dumps({"name": OPERATION, "done": True, "response": response}).encode()))

    assert [(OPERATION, b"", True)] * 2 == [(step.path, step.body, step.waits) for step in (begun, polled)]
    assert ("files/f-1_x:download?alt=media", False) == (done.path, done.waits), "of the host that the operator named"
    assert made(MP4, 6, "1080p") == done.then(MP4)


def test_an_operation_of_vertex_is_polled_by_a_method_and_brings_its_video() -> None:
    begun = poll_step(next_of(VERTEX_VIDEO, requested(), {"name": "projects/p/locations/l/operations/1"}))
    videos = [{"bytesBase64Encoded": b64encode(MP4).decode(), "mimeType": "video/mp4"}]

    assert (f"models/{VEO}:fetchPredictOperation", {"operationName": "projects/p/locations/l/operations/1"}) == (
        begun.path,
        json.loads(begun.body),
    )
    assert made(MP4, 8, "720p") == begun.then(
        json.dumps({"name": "x", "done": True, "response": {"videos": videos}}).encode()
    )


@pytest.mark.parametrize("dialect", [GOOGLE_VIDEO, VERTEX_VIDEO])
@pytest.mark.parametrize(("operation", "kind"), [
    ({"done": True, "error": {"code": 3, "message": "That is not filmed."}},   "request_rejected"),
    ({"done": True, "error": {"code": 8, "message": "Too much."}},             "overloaded"),
    ({"done": True, "error": {"code": 7, "message": "Not yours."}},            "unavailable"),
    ({"done": True, "error": {}},                                              "unavailable"),
    ({"done": True},                                                           "malformed"),
    ({"done": True, "response": {"generateVideoResponse": {"generatedSamples": [{"video": {"uri": "gs://b/o"}}]}}}, "malformed"),
    ({"done": True, "response": {"videos": [{"gcsUri": "gs://b/o"}]}},         "malformed"),
    ({"done": True, "response": {"generateVideoResponse": {"raiMediaFilteredReasons": ["faces"]}}}, "request_rejected"),
    ({"done": True, "response": {"raiMediaFilteredReasons": ["faces"]}},       "request_rejected"),
    ({},                                                                       "malformed"),
    ({"name": "../../v1/keys"},                                                "malformed"),
    ({"name": "models/../../v1/keys"},                                         "malformed"),
    ({"name": "operations/1?x=y"},                                             "malformed"),
    ({"name": "https://elsewhere.test/"},                                      "malformed"),
    ([],                                                                       "malformed"),
])  # fmt: skip
def test_an_operation_that_brings_nothing_is_a_failure(dialect: ProviderDialect, operation: Any, kind: str) -> None:
    assert kind == failure(next_of(dialect, requested(), operation)).kind


@pytest.mark.parametrize(("dialect", "request_", "field"), [
    (OPENAI_VIDEO, requested(last_frame=DATA),                                   "lastFrame"),
    (OPENAI_VIDEO, requested(references=(DATA,)),                                "referenceImages"),
    (OPENAI_VIDEO, requested({"aspectRatio": "16:9"}),                           "aspectRatio"),
    (GOOGLE_VIDEO, requested(image=LINK),                                        "image"),
    (GOOGLE_VIDEO, requested(last_frame=LINK),                                   "lastFrame"),
    (GOOGLE_VIDEO, requested(references=(DATA, LINK)),                           "referenceImages"),
    (GOOGLE_VIDEO, requested(size="1024x1792"),                                  "size"),
    (GOOGLE_VIDEO, requested(size="720x720"),                                    "size"),
    (GOOGLE_VIDEO, requested(size="480p"),                                       "size"),
    (GOOGLE_VIDEO, requested({"aspectRatio": "16:9"}, size="1280x720"),          "aspectRatio"),
    (GOOGLE_VIDEO, requested({"seed": 7}),                                       "seed"),
    (GOOGLE_VIDEO, requested({"sampleCount": 4}),                                "sampleCount"),
    (VERTEX_VIDEO, requested({"sampleCount": 4}),                                "sampleCount"),
    (VERTEX_VIDEO, requested({"storageUri": "gs://b"}),                          "storageUri"),
    (VERTEX_VIDEO, requested({"durationSeconds": 60}),                           "durationSeconds"),
])  # fmt: skip
def test_an_unsupported_field_is_refused_by_name(dialect: ProviderDialect, request_: VideoRequest, field: str) -> None:
    refused = dialect.refuses(request_)

    assert refused is not None
    assert (field, dialect.name) == (refused.field, refused.dialect)


@given(st.sampled_from(VIDEO), st.none() | st.integers(1, 600), st.sampled_from([None, "720p", "1280x720", "4k"]))
def test_no_dialect_asks_for_more_seconds_than_are_held(
    dialect: ProviderDialect, seconds: int | None, size: str | None
) -> None:
    sent = json.loads(dialect.encode(requested(seconds=seconds, size=size), attempt()))

    length = int(sent["seconds"] if "seconds" in sent else sent["parameters"]["durationSeconds"])
    assert length == seconds if seconds else length <= SECONDS_UNREQUESTED_MAX


WORDS = st.sampled_from(["id", "status", "name", "done", "error", "code", "response", "videos", "video", "uri", "seconds",
                         "generateVideoResponse", "generatedSamples", "size", "message"])  # fmt: skip
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from(VIDEO), JSON_VALUES.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=40))
def test_any_answer_of_a_provider_is_a_step(dialect: ProviderDialect, body: bytes) -> None:
    step = next_of(dialect, requested(), body)

    if isinstance(step, PollStep):
        assert "://" not in step.path
        assert ".." not in step.path
    else:
        assert isinstance(step[-1], (Ended, Broken))
