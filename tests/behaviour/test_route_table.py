"""The route table as the law of what costs and of what is open (G13): a route that is added is tested from then on."""

import re
from typing import Any, cast

import pytest

from entrypoints.http.routes import routes
from entrypoints.http.wire import Route
from tests.behaviour.conftest import People
from tests.behaviour.dashboard import sign_in
from tests.behaviour.error_shape import check_error
from tests.behaviour.multipart_forms import form, recording
from tests.behaviour.plain_calls import (
    AIGNE,
    AIGNE_IMAGE,
    AIGNE_VIDEO,
    CAMEL_CASE,
    CHAT,
    COMPLETIONS,
    EDITS,
    EMBEDDINGS,
    IMAGES,
    MESSAGES,
    MODERATIONS,
    RECEIVED,
    RERANK,
    RESPONSES,
    SPEECH,
    TRANSLATED,
    aigne_body,
    aigne_image,
    aigne_video,
    anthropic_body,
    ask,
    camel_case_body,
    openai_body,
    responses_body,
)
from tests.behaviour.stub import Stub
from tests.support.hub import HubProcess

# The table needs no hub to be read, only to be served.
TABLE: tuple[Route, ...] = routes(cast(Any, None))
# The published AIGNE client asks for the hub and its models without its key.
CATALOGUES = {f"/api/{name}{path}" for name in ("ai", "ai-providers") for path in ("/models", "/chat/models")}
OPEN = {"/", "/healthz", "/readyz", "/__blocklet__.js", "/openapi.json"} | CATALOGUES
# The pages of the dashboard have a session instead of a key, and lead to signing in without one.
RELAY = "/dashboard/relay"  # The playground's calls are answered as those of the API are, but under a session.
PAGES = [route for route in TABLE if route.template.startswith("/dashboard") and RELAY not in route.template]
OPEN |= {route.template for route in PAGES if route.template.startswith(("/dashboard/sign-in", "/dashboard/static"))}
GUARDED = [route for route in TABLE if route.template not in OPEN and route not in PAGES]
SPENDING = [route for route in TABLE if route.spends]


def ranked(model: str) -> dict[str, Any]:
    return {"model": model, "query": "cat", "documents": ["a cat", "a dog"]}


# What to ask of each route that spends. A new one fails here until it is said how it is asked.
REQUESTED: dict[str, list[Any]] = {
    CHAT: [openai_body(model, stream=stream) for model in ("oai/m", "ant/m", "duplicate") for stream in (False, True)],
    COMPLETIONS: [
        {"model": model, "prompt": "Hello", "stream": stream}
        for model in ("oai/m", "ant/m", "echo")
        for stream in (False, True)
    ],
    IMAGES: [{"model": model, "prompt": "a cat"} for model in ("oai/painter", "oai/dall", "echo")],
    EDITS: [form({"image": ("a.png", b"x")}, model="oai/dall", prompt="a cat")],
    SPEECH: [{"model": model, "input": "Hello", "voice": "alloy"} for model in ("oai/tts", "oai/speaker", "echo")],
    RECEIVED: [recording(model) for model in ("oai/whisper", "oai/listener", "echo")],
    TRANSLATED: [recording("oai/whisper")],
    MODERATIONS: [{"model": "oai/m", "input": "Hello"}],
    EMBEDDINGS: [{"model": model, "input": "Hello"} for model in ("oai/m", "voy/m", "echo")],
    RESPONSES: [responses_body(model, stream=stream) for model in ("rsp/m", "oai/m", "ant/m") for stream in (False, True)],
    MESSAGES: [anthropic_body(model, stream=stream) for model in ("ant/m", "oai/m", "echo") for stream in (False, True)],
    AIGNE: [aigne_body(model, streaming) for model in ("oai/m", "ant/m", "duplicate") for streaming in (False, True)],
    AIGNE_IMAGE: [aigne_image("oai/painter"), aigne_image("oai/dall", image=[{"type": "file", "data": "eA=="}])],
    AIGNE_VIDEO: [aigne_video("oai/video"), aigne_video("echo", seconds="8", size="1280x720")],
    RERANK: [ranked(model) for model in ("oai/m", "oai/ranker", "voy/m", "echo")],
    "/v2/rerank": [ranked("oai/ranker")],
    **{path: [openai_body("oai/m"), camel_case_body("oai/m")] for path in CAMEL_CASE},
}  # fmt: skip
# AIGNE Hub's other names for the same.
SAME = {
    "/api/v2/embeddings": EMBEDDINGS,
    "/api/v1/embeddings": EMBEDDINGS,
    "/api/v2/image/generations": IMAGES,
    "/api/v1/image/generations": IMAGES,
    "/api/images/generations": IMAGES,
    "/api/v1/audio/speech": SPEECH,
    "/api/v1/audio/transcriptions": RECEIVED,
    "/api/v2/audio/speech": SPEECH,
    "/api/v2/audio/transcriptions": RECEIVED,
}
REQUESTED |= {path: REQUESTED[name] for path, name in SAME.items()}
AZURE = "/openai/deployments/{deployment:path}"
REQUESTED[AZURE] = [openai_body("any"), {"messages": [{"role": "user", "content": "Hello"}], "stream": True}]
GENERATED = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}
EMBEDDED = {"content": {"parts": [{"text": "Hello"}]}}
# Gemini's paths name the model and what is asked of it, so these are asked by their paths.
METHODS: dict[str, Any] = {
    "oai/m:generateContent": GENERATED,
    "goo/gem:generateContent": GENERATED,
    "ant/m:streamGenerateContent": GENERATED,
    "oai/m:streamGenerateContent?alt=sse": GENERATED,
    "oai/m:embedContent": EMBEDDED,
    "voy/m:batchEmbedContents": {"requests": [EMBEDDED]},
}
REQUESTED |= {RELAY + path: REQUESTED[path] for path in (CHAT, IMAGES, EMBEDDINGS, SPEECH, AIGNE_VIDEO)}
REQUESTED |= {f"/{version}/models/{{model:path}}": list(METHODS.values()) for version in ("v1", "v1beta")}


def path_of(route: Route) -> str:
    path = route.template.replace("{model:path}", "echo/echo").replace("{response}", "resp_1")
    path = path.replace("{deployment:path}", "oai/m/chat/completions")
    return re.sub(r"\{\w+\}", "anything", path)  # what the management API names


def requested(route: Route) -> list[tuple[str, Any]]:
    """The paths and bodies by which a route is asked."""
    if not route.spends:
        return [(path_of(route), None)]
    if "{model:path}" in route.template:
        return [(route.template.replace("{model:path}", method), body) for method, body in METHODS.items()]
    return [(path_of(route), body) for body in REQUESTED[route.template]]


def name_of(route: Route) -> str:
    return f"{route.method} {route.template}"


def test_the_index_names_every_route(hub: HubProcess) -> None:
    assert {name_of(route) for route in TABLE if route.template != "/"} == set(ask(hub, "/").json()["routes"])


def test_calling_a_model_spends_and_reading_does_not() -> None:
    assert set(REQUESTED) == {route.template for route in SPENDING}
    assert not [route for route in SPENDING if route.method == "GET"], "G9: GET never creates a charge"


@pytest.mark.parametrize("route", SPENDING, ids=name_of)
def test_whatever_spends_is_refused_at_zero_balance_and_no_provider_receives_of_it(
    hub: HubProcess, stub: Stub, people: People, route: Route
) -> None:
    for path, body in requested(route):
        for key in ({}, {"idempotency-key": "k"}):
            if path.startswith(RELAY):
                key |= sign_in(hub, people.poor).headers
            received = ask(hub, path, body, key=people.poor, method=route.method, headers=key)

            check_error(received, path.partition("?")[0], 402)
    assert [] == stub.requests
    assert [] == hub.cli("call", "list", "--user", "poor")


@pytest.mark.parametrize("route", GUARDED, ids=name_of)
def test_whatever_is_not_open_is_refused_without_a_valid_key(
    hub: HubProcess, stub: Stub, people: People, route: Route
) -> None:
    for path, body in requested(route):
        for key in ("", "ahk_wrong", people.revoked):
            check_error(ask(hub, path, body, key=key, method=route.method), path.partition("?")[0], 401)
    assert [] == stub.requests


@pytest.mark.parametrize("route", [route for route in PAGES if route.template not in OPEN], ids=name_of)
def test_a_page_without_a_session_leads_to_signing_in(hub: HubProcess, people: People, route: Route) -> None:
    for key in ("", hub.key):
        received = ask(hub, path_of(route), key=key, method=route.method)

        assert (303, b"") == (received.status, received.body)
        assert str(received.header("location")).startswith("/dashboard")


@pytest.mark.parametrize("route", [route for route in TABLE if route.template in OPEN], ids=name_of)
def test_what_is_open_reveals_nothing_about_anyone(hub: HubProcess, people: People, route: Route) -> None:
    received = ask(hub, path_of(route), key="", method=route.method)

    refused = (400, 401, 404) if route in PAGES else ()
    assert received.status in (200, *refused)
    # There they are values of a field, and a word of the page that signs the owner in.
    roles = () if route.template == "/openapi.json" or route in PAGES else ("owner", "guest")
    public = (*roles, "sk-", "ahk_", str(hub.data_dir))
    for word in public if route.template in CATALOGUES else ("oai", *public):
        assert word.encode() not in received.body
