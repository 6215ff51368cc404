"""The provider shell over real sockets, where an answer is a job: asked after along one line, until there is an end."""

import base64
import json
from collections.abc import Sequence
from typing import Any

import pytest

from adapters.providers.http import HttpProviders
from adapters.providers.polling import pause_ms
from adapters.providers.transport import Http1Transport
from adapters.providers.video import VIDEO
from domain.failures import Failure
from domain.model_api.call import Attempt, ModelCall, Target
from domain.model_api.events import Broken, Ended
from domain.model_api.video import VideoRequest, VideoResult
from ports.providers import Chunk
from tests.adapters.http_attempts import SECRET, RowVault, breach, events_of, outcome
from tests.behaviour.non_chat_answers import VIDEO as MP4
from tests.behaviour.non_chat_answers import video, video_job
from tests.support.provider import Handler, Received, Reply, StubProvider, answering

pytestmark = pytest.mark.anyio

CALL = ModelCall(dialect="aigne-video", operation="video", model="acme/video", fields={}, body_bytes=10)
VEO = "models/veo-3.1/operations/1"
POLLS = 1_000


async def polite(request: Received, reply: Reply) -> None:
    content_type, body = video_job(request)
    await reply.send(200, {"content-type": content_type}, body)


async def video_result(
    script: Sequence[Handler], dialect: str = "openai-video", secret: str = SECRET
) -> tuple[Failure | list[Chunk], list[Received]]:
    """What came of a video, and what the provider was asked: these answers, and polite ones after them."""
    left = list(script)

    async def handler(request: Received, reply: Reply) -> None:
        await (left.pop(0) if left else polite)(request, reply)

    transport = Http1Transport()
    try:
        async with StubProvider(handler) as stub:
            target = Target(
                provider="acme", dialect=dialect, base_url=f"{stub.base_url}?api-version=7", model="veo-3.1",
                credential_id="cred_1", sealed=RowVault().seal(secret.encode(), "credential:cred_1"),
            )  # fmt: skip
            providers = HttpProviders(transport, {}, RowVault(), {each.name: each for each in VIDEO}, poll_ms=0)
            attempt = Attempt(call_id="call_1", target=target, timeout_ms=10_000)
            found = await outcome(providers, attempt, CALL, VideoRequest(model="veo-3.1", prompt="a cat"))
            return found, stub.requests
    finally:
        await transport.aclose()


def chunks_of(found: Failure | list[Chunk]) -> list[Chunk]:
    assert not isinstance(found, Failure), found
    return found


async def test_a_job_is_one_answer_however_often_it_is_polled() -> None:
    found, requests = await video_result([answering(200, video("in_progress"))] * POLLS)

    chunks = chunks_of(found)
    assert POLLS + 2 == len(chunks), "a chunk for each answer, so that somebody can look at the time"
    assert all(chunk == Chunk(b"", ()) for chunk in chunks[:-1])
    assert [VideoResult, Ended] == [
        type(event) for event in chunks[-1].events if isinstance(event, (VideoResult, Ended, Broken))
    ]
    assert {f"Bearer {SECRET}"} == {request.headers["authorization"] for request in requests}
    assert {1} == {request.connection for request in requests}
    assert all(request.path.endswith("?api-version=7") for request in requests)


async def test_a_video_of_vertex_is_polled_with_a_body() -> None:
    videos = [{"bytesBase64Encoded": base64.b64encode(MP4).decode()}]
    answers: list[dict[str, Any]] = [{"name": VEO}, {"name": VEO}, {"done": True, "response": {"videos": videos}}]

    found, requests = await video_result(
        [answering(200, json.dumps(reported).encode()) for reported in answers], "google-vertex-video"
    )

    assert isinstance(chunks_of(found)[-1].events[0], VideoResult)
    assert [("POST", {"operationName": VEO})] * 2 == [(request.method, request.json()) for request in requests[1:]]
    assert all("application/json" == request.headers["content-type"] for request in requests)


async def test_a_download_may_move_on_its_own_server() -> None:
    sample = {"video": {"uri": "https://generativelanguage.googleapis.com/v1beta/files/f1:download?alt=media"}}
    done = {"done": True, "response": {"generateVideoResponse": {"generatedSamples": [sample]}}}
    moved = answering(302, b"", {"location": "/download/f1"})
    script = [answering(200, json.dumps({"name": VEO}).encode()), answering(200, json.dumps(done).encode()), moved]

    found, requests = await video_result([*script, answering(200, MP4)], "google-video")

    assert [("GET", f"/v1/{VEO}?api-version=7"), ("GET", "/v1/files/f1:download?alt=media&api-version=7"),
            ("GET", "/download/f1")] == [(request.method, request.path) for request in requests[1:]]  # fmt: skip
    assert all(SECRET == request.headers["x-goog-api-key"] for request in requests)
    (made,) = [event for event in events_of(chunks_of(found)) if isinstance(event, VideoResult)]
    assert base64.b64encode(MP4).decode() == made.base64


@pytest.mark.parametrize(
    "location", ["https://elsewhere.test/video", "http://127.0.0.1:1/video", "//elsewhere.test/", ""]
)
async def test_a_redirect_to_another_server_is_not_followed(location: str) -> None:
    script = [answering(200, video("completed")), answering(302, b"", {"location": location})]

    found, requests = await video_result(script)

    failure = breach(chunks_of(found))
    assert ("malformed", True) == (failure.kind, failure.is_final)
    assert 2 == len(requests)


async def test_a_redirect_that_leads_in_a_circle_ends() -> None:
    there, back = (answering(302, b"", {"location": path}) for path in ("/v1/a", "/v1/b"))

    found, requests = await video_result([answering(200, video("completed")), there, back, there, back, there, back])

    assert "malformed" == breach(chunks_of(found)).kind
    assert 5 == len(requests)


async def cut(request: Received, reply: Reply) -> None:
    await reply.start(200, {"content-type": "application/json", "content-length": "100"})
    await reply.write(b"{")
    await reply.cut()


async def test_a_passing_failure_is_tried_again_on_a_new_connection() -> None:
    script = [answering(200, video("queued")), cut, answering(500, b"{}"), answering(200, video("completed")), cut]

    found, requests = await video_result(script)

    assert isinstance(chunks_of(found)[-1].events[-1], Ended)
    assert ["POST"] + ["GET"] * 5 == [request.method for request in requests]


async def test_what_does_not_pass_is_given_up_and_final() -> None:
    found, requests = await video_result([answering(200, video("queued")), *[answering(503, b"{}")] * 30])

    failure = breach(chunks_of(found))
    assert ("unavailable", True) == (failure.kind, failure.is_final)
    assert 11 == len(requests)


async def test_the_secret_is_removed_from_everything() -> None:
    says_it = json.dumps(
        {"status": "failed", "error": {"message": f"key {SECRET} has no quota", "code": SECRET}}
    ).encode()

    for script in ([answering(200, says_it)], [answering(200, video("queued")), answering(404, says_it)]):
        failure = breach(chunks_of((await video_result(script))[0]))
        assert SECRET not in f"{failure!r}"


async def test_a_job_that_is_refused_outright_is_an_ordinary_failure() -> None:
    found, _ = await video_result([answering(400, b'{"error": {"message": "no such size", "code": "bad_size"}}')])

    assert isinstance(found, Failure)
    assert ("request_rejected", 400, False) == (found.kind, found.status, found.is_final)


@pytest.mark.parametrize(("poll_ms", "pauses_ms"), [
    (5_000, [250, 500, 1_000, 2_000, 4_000, 5_000, 5_000]),
    (600,   [250, 500, 600, 600]),
    (0,     [0, 0, 0]),
])  # fmt: skip
async def test_a_job_is_polled_soon_at_first_and_then_at_a_steady_interval(poll_ms: int, pauses_ms: list[int]) -> None:
    assert pauses_ms == [pause_ms(requested, poll_ms) for requested in range(len(pauses_ms))]
    assert poll_ms == pause_ms(10**6, poll_ms)
