"""Video on every interface: a job is made, asked after and fetched, and charged once, by the second and the resolution."""

import asyncio
import http.client
import json
import threading
from base64 import b64decode, b64encode
from contextlib import closing
from typing import Any

import pytest

from domain.dialects.audio_duration import seconds_of
from tests.behaviour.error_shape import check_error
from tests.behaviour.non_chat_answers import VIDEO, video
from tests.behaviour.plain_calls import AIGNE_VIDEO, TIMEOUT_S, Response, aigne_video, ask
from tests.behaviour.stub import Stub
from tests.behaviour.test_audio import last_call
from tests.support.hub import HubProcess
from tests.support.provider import Received, Reply, answering

PIXEL = {"type": "file", "data": "iVBORw==", "mimeType": "image/png"}


def video_result(hub: HubProcess, model: str = "oai/video", **more: Any) -> Response:
    return ask(hub, AIGNE_VIDEO, aigne_video(model, **more))


def test_a_video_is_made_polled_and_fetched(hub: HubProcess, stub: Stub) -> None:
    received = video_result(hub, seconds="8", size="1792x1024", image=PIXEL)

    assert 200 == received.status
    made = received.json()
    call_id = received.header("x-request-id")
    file = {"type": "file", "data": b64encode(VIDEO).decode(), "mimeType": "video/mp4", "filename": f"{call_id}.mp4"}
    assert [file] == made["videos"]
    assert (8, "oai/video", "oai/video", call_id) == tuple(
        made[name] for name in ("seconds", "model", "modelWithProvider", "modelCallId")
    )
    assert {"inputTokens": 0, "outputTokens": 0, "aigneHubCredits": 4} == made["usage"]
    assert ("4", "provider", {"video_seconds": 8}) == last_call(hub)
    assert "1024p" == hub.cli("call", "show", call_id or "")["size"]
    requested = [(request.method, request.path.removeprefix("/oai/v1/")) for request in stub.requests]
    assert [
        ("POST", "videos"),
        ("GET", "videos/video_8_1792x1024"),
        ("GET", "videos/video_8_1792x1024/content"),
    ] == requested
    assert {
        "model": "video",
        "prompt": "a cat",
        "seconds": "8",
        "size": "1792x1024",
        "input_reference": {"image_url": "data:image/png;base64,iVBORw=="},
    } == stub.requests[0].json()
    assert all("content-type" not in request.headers for request in stub.requests[1:])


def test_what_was_made_is_charged_and_not_what_was_held(hub: HubProcess, stub: Stub) -> None:
    """Nobody said how long or how large, so eight seconds at the dearest are held; four of 720p came."""
    video_result(hub)

    call = hub.cli("call", "list", "--limit", "1")[0]
    assert ("0.4", "4", {"video_seconds": 4}) == (
        call["charge"],
        hub.cli("call", "show", call["id"])["hold"],
        last_call(hub)[2],
    )
    assert "4" == stub.requests[0].json()["seconds"]


def test_however_often_a_job_is_polled_it_is_one_call_and_one_charge(hub: HubProcess, stub: Stub) -> None:
    """G9."""
    stub.will(*[answering(200, video("in_progress", progress=n)) for n in range(1_000)])

    received = video_result(hub)

    assert (200, "0.4") == (received.status, received.header("x-aihub-charge"))
    assert 1_002 == len(stub.requests)
    newest = hub.cli("call", "show", hub.cli("call", "list", "--limit", "1")[0]["id"])
    assert (received.header("x-request-id"), 1) == (newest["id"], len(newest["attempts"]))


def test_the_echo_videos_without_a_key(hub: HubProcess) -> None:
    received = video_result(hub, "echo/echo", seconds="3")

    video_job = b64decode(received.json()["videos"][0]["data"])
    assert b"ftypisom" == video_job[4:12]
    assert 1 == seconds_of(video_job), "the echo has one file, whatever length was requested"
    assert ("0.03", "provider", {"video_seconds": 3}) == last_call(hub)
    assert video_job == b64decode(video_result(hub, "echo/echo", seconds="3").json()["videos"][0]["data"])


@pytest.mark.usefixtures("free")
@pytest.mark.parametrize(("error", "status", "created"), [
    ({"code": "moderation_blocked", "message": "That is not filmed."}, 400, 1),
    ({"code": "server_error", "message": "Not just now."},       502, 2),  # tried once more: a video that failed costs nothing
    (None,                                                   502, 2),
])  # fmt: skip
def test_a_job_that_failed_costs_nothing(
    hub: HubProcess, stub: Stub, error: dict[str, str] | None, status: int, created: int
) -> None:
    stub.will(
        *[answering(200, video(word, error=error if word == "failed" else None)) for word in ("queued", "failed")] * 2
    )

    reported = check_error(video_result(hub), AIGNE_VIDEO, status)

    assert error is None or error["message"] in reported["message"]
    assert created == len([request for request in stub.requests if request.method == "POST"])


@pytest.mark.usefixtures("free")
@pytest.mark.parametrize("nonsense", [b"", b"[]", b"{", b'{"status": "queued"}', b'{"id": 7, "status": "queued"}'])
def test_nonsense_instead_of_a_job_is_a_502_and_costs_nothing(hub: HubProcess, stub: Stub, nonsense: bytes) -> None:
    stub.always(answering(200, nonsense))

    check_error(video_result(hub), AIGNE_VIDEO, 502)
    assert "POST" == stub.only.method, "a job may be behind it, so none is made elsewhere"


def test_a_request_that_gets_no_answer_is_sent_again(hub: HubProcess, stub: Stub) -> None:
    troubles = [answering(500, b"{}"), answering(429, b"{}", {"retry-after": "0"}), answering(503, b"{}")]
    stub.will(answering(200, video("queued")), *troubles)

    received = video_result(hub)

    assert (200, "0.4") == (received.status, received.header("x-aihub-charge"))
    assert 1 == len([request for request in stub.requests if request.method == "POST"])


@pytest.mark.usefixtures("free")
@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_job_that_is_lost_costs_the_caller_nothing_and_is_not_made_twice(
    hub: HubProcess, stub: Stub, status: int
) -> None:
    """The operator may be charged for it, so its cost is unknown; and its credential is not put away for it."""
    stub.will(answering(200, video("queued")), *[answering(status, b'{"error": {"message": "no"}}')] * 10)

    assert "taken on and then lost" in check_error(video_result(hub), AIGNE_VIDEO, 502)["message"]

    assert 1 == len([request for request in stub.requests if request.method == "POST"])
    call = hub.cli("call", "show", hub.cli("call", "list", "--limit", "1")[0]["id"])
    assert ("provider_failed", True) == (call["ending"], call["cost_unknown"])
    credentials = [row for row in hub.cli("credential", "list") if row["provider"] == "oai"]
    assert [True, True] == [credential["active"] for credential in credentials]


def test_a_caller_who_leaves_finds_the_video_under_its_key(hub: HubProcess, stub: Stub) -> None:
    """The provider charges for it whether anybody waits or not; so it is made, charged once, and kept."""
    requested, left = threading.Event(), threading.Event()

    async def slow(request: Received, reply: Reply) -> None:
        requested.set()
        assert await asyncio.to_thread(left.wait, TIMEOUT_S)
        await answering(200, video("in_progress"))(request, reply)

    stub.will(answering(200, video("queued")), slow)
    key = {"idempotency-key": f"left-{hub.interface}"}
    body = json.dumps(aigne_video("oai/video")).encode()
    with closing(http.client.HTTPConnection("127.0.0.1", hub.port, timeout=TIMEOUT_S)) as connection:
        sent = {**key, "authorization": f"Bearer {hub.key}", "content-type": "application/json"}
        connection.request("POST", AIGNE_VIDEO, body, sent)
        assert requested.wait(TIMEOUT_S)
    left.set()

    again = ask(hub, AIGNE_VIDEO, body, headers=key)

    assert (200, "true", "0.4") == (
        again.status,
        again.header("idempotent-replayed"),
        again.header("x-aihub-charge"),
    )
    assert 4 == len(stub.requests)


@pytest.mark.usefixtures("nothing_moves")
@pytest.mark.parametrize(("more", "field"), [
    ({"prompt": ""},                                                 "input.prompt"),
    ({"prompt": None},                                               "input.prompt"),
    ({"seconds": "0"},                                               "input.seconds"),
    ({"seconds": "601"},                                             "input.seconds"),
    ({"seconds": "9" * 5_000},                                       "input.seconds"),
    ({"seconds": 1.5},                                               "input.seconds"),
    ({"seconds": True},                                              "input.seconds"),
    ({"size": 720},                                                  "input.size"),
    ({"size": ""},                                                   "input.size"),
    ({"image": {"type": "local", "path": "/etc/x"}},                 "input.image.path"),
    ({"image": {"type": "robot"}},                                   "input.image.type"),
    ({"referenceImages": [PIXEL, {"type": "local"}]},                "input.referenceImages[1].path"),
    ({"modelOptions": {}},                                           "input.modelOptions.model"),
    ({"modelOptions": {"model": "oai/video", "seconds": "x"}},        "input.seconds"),
    ({"negativePrompt": "dogs"},                                     "negativePrompt"),
    ({"lastFrame": PIXEL},                                           "lastFrame"),
    ({"modelOptions": {"model": "oai/video", "fps": 24}},             "fps"),
    ({"modelOptions": {"model": "ant/m"}},                           "video"),
])  # fmt: skip
def test_what_cannot_be_filmed_is_refused_by_name(hub: HubProcess, more: dict[str, Any], field: str) -> None:
    assert field == check_error(video_result(hub, **more), AIGNE_VIDEO, 400)["param"]


@pytest.mark.usefixtures("nothing_moves")
def test_what_has_no_price_for_video_is_not_filmed(hub: HubProcess) -> None:
    assert "unpriced_feature" == check_error(video_result(hub, "oai/m"), AIGNE_VIDEO, 400)["code"]
    assert "unpriced_feature" == check_error(video_result(hub, "oai/whisper"), AIGNE_VIDEO, 400)["code"]


@pytest.mark.usefixtures("nothing_moves")
@pytest.mark.parametrize("body", [b"", b"[]", b'{"input": 1}', b'{"input": {"prompt": "\xff"}}', b"[" * 9_999])
def test_what_is_no_call_at_all_is_refused(hub: HubProcess, body: bytes) -> None:
    check_error(ask(hub, AIGNE_VIDEO, body), AIGNE_VIDEO, 400)


def test_a_video_is_quoted_before_it_is_made(hub: HubProcess, stub: Stub) -> None:
    requested = {"route": AIGNE_VIDEO, "request": aigne_video("oai/video", seconds="12", size="1280x720")}

    reported = ask(hub, "/v1/quote", requested).json()

    assert ("1.2", "1.2") == (reported["charge_max"], reported["charge_expected"])
    assert [] == stub.requests


def test_the_answer_to_a_key_that_was_used_is_the_same_video(hub: HubProcess, stub: Stub) -> None:
    first, second = (
        ask(hub, AIGNE_VIDEO, aigne_video("oai/video"), headers={"idempotency-key": f"video-{hub.interface}"})
        for _ in range(2)
    )

    assert ("true", first.header("x-request-id")) == (
        second.header("idempotent-replayed"),
        second.header("x-request-id"),
    )
    assert first.json() == second.json()
    assert 3 == len(stub.requests)


def test_models_of_video_are_reported_apart(hub: HubProcess) -> None:
    listed = {model["id"]: model for model in ask(hub, "/v1/models").json()["data"]}
    assert ["video"] == listed["oai/video"]["operations"]
    assert ("0.1", [{"size": "1024p", "quality": None, "video_second": "0.5"}]) == (
        listed["oai/video"]["pricing"]["video_second"],
        listed["oai/video"]["pricing"]["variants"],
    )
    videos = ask(hub, "/api/ai/models?type=video", key="").json()
    assert {("oai", "video", "video"), ("echo", "echo", "video")} == {
        (model["provider"], model["model"], model["type"]) for model in videos
    }
    types = {model["type"] for model in ask(hub, "/api/ai/models", key="").json() if model["model"] == "dall"}
    assert "image_generation" in types


def test_the_body_that_the_client_sends_is_understood(hub: HubProcess, stub: Stub) -> None:
    """It repeats the model beside the options, always asks for a URL, and says who is asking."""
    requested = {
        "input": {"prompt": "a cat", "model": "oai/video", "seconds": "4", "outputFileType": "url",
                  "modelOptions": {"model": "oai/video", "size": "1280x720", "seconds": "8"}, "image": None, "size": None},
        "agent": "chat", "options": {"userContext": {}, "memories": [], "streaming": False},
    }  # fmt: skip

    assert 200 == ask(hub, AIGNE_VIDEO, json.dumps(requested).encode()).status
    assert {"model": "video", "prompt": "a cat", "seconds": "4", "size": "1280x720"} == stub.requests[0].json()
