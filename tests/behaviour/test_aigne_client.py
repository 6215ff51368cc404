"""AIGNE Hub's published client, unmodified, gets from this hub what it would get from its own."""

import json
import os
import shutil
import subprocess
import sys
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from domain.dialects.audio_duration import seconds_of
from tests.behaviour.non_chat_answers import VIDEO
from tests.behaviour.plain_calls import AIGNE, AIGNE_IMAGE, CAMEL_CASE, aigne_body, aigne_image, ask, camel_case_body
from tests.behaviour.stub import Stub
from tests.behaviour.stub_answers import (
    ARGUMENTS,
    TEXT,
    anthropic_whole,
    openai_call_deltas,
    openai_calls,
    openai_stream,
    openai_whole,
)
from tests.support.hub import HubProcess
from tests.support.provider import answering, streaming

SCRIPT = Path(__file__).parents[1] / "aigne" / "client.mjs"
CLIENT = Path(sys.prefix) / "aigne"
NODE = shutil.which("node")
TIMEOUT_S = 60
# 11 tokens at one credit per million and 7 at two.
CREDITS = 0.000025

with_client = pytest.mark.skipif(
    NODE is None or not (CLIENT / "node_modules").is_dir(), reason="AIGNE's client is not installed: it needs Node"
)


def reported(hub: HubProcess, question: str) -> Any:
    """What the client made of the hub's answer."""
    assert NODE is not None
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(hub.data_dir),
        "AIGNE_CLIENT": str(CLIENT),
        "AIGNE_HUB_API_URL": hub.url,
        "KEY": hub.key,
    }
    ran = subprocess.run(
        [NODE, str(SCRIPT), question], env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@with_client
def test_the_client_finds_the_hub_and_its_models(hub: HubProcess, stub: Stub) -> None:
    models = {(model["provider"], model["model"]): model for model in reported(hub, "models")}

    assert {("oai", "m"), ("ant", "m"), ("echo", "echo")} <= set(models)
    assert ("chat", "0.000001", "0.000002") == tuple(
        models["oai", "m"][name] for name in ("type", "input_credits_per_token", "output_credits_per_token")
    )


@with_client
@pytest.mark.parametrize(("question", "by"), [("whole", "oai/m"), ("crosswise", "ant/m"), ("image", "ant/m")])
def test_the_client_gets_a_whole_answer_with_its_charge(hub: HubProcess, stub: Stub, question: str, by: str) -> None:
    answer = reported(hub, question)

    assert (TEXT, "m-2024-01-01", by) == (answer["text"], answer["model"], answer["modelWithProvider"])
    assert {"inputTokens": 11, "outputTokens": 7, "aigneHubCredits": CREDITS} == answer["usage"]
    assert hub.cli("call", "show", answer["modelCallId"])["charge"] == "0.000025"
    if question == "image":
        assert b'"media_type":"image/png"' in stub.only.body


@with_client
def test_the_client_gets_a_streamed_answer(hub: HubProcess, stub: Stub) -> None:
    answer = reported(hub, "stream")

    assert (TEXT, 2) == (answer["text"], answer["pieces"])
    assert CREDITS == answer["usage"]["aigneHubCredits"]


@with_client
def test_the_client_gets_tool_calls_and_answers_them(hub: HubProcess, stub: Stub) -> None:
    stub.will(answering(200, openai_whole(openai_calls(ARGUMENTS), "tool_calls")))
    (call,) = reported(hub, "tools")["toolCalls"]

    assert {"name": "weather", "arguments": json.loads(ARGUMENTS)} == call["function"]
    assert "required" == json.loads(stub.only.body)["tool_choice"]

    stub.reset()
    reported(hub, "answered")
    messages = json.loads(stub.only.body)["messages"]
    assert {"city": "Rome"} == messages[1]["content"][0]["input"]
    assert "tool_result" == messages[2]["content"][0]["type"]


@with_client
def test_the_client_gets_structured_output(hub: HubProcess, stub: Stub) -> None:
    stub.will(answering(200, openai_whole({"role": "assistant", "content": ARGUMENTS})))

    assert json.loads(ARGUMENTS) == reported(hub, "structured")["json"]
    assert "place" == json.loads(stub.only.body)["response_format"]["json_schema"]["name"]


@with_client
def test_the_client_gets_images_made_and_changed(hub: HubProcess, stub: Stub) -> None:
    made = reported(hub, "painted")

    assert [("file", "image/png")] == [(image["type"], image["mimeType"]) for image in made["images"]]
    assert made["usage"]["inputTokens"] > 0
    assert made["usage"]["aigneHubCredits"] > 0
    assert "/images/generations" in stub.only.path

    stub.reset()
    reported(hub, "repainted")
    assert "/images/edits" in stub.only.path
    assert json.loads(stub.only.body)["images"][0]["image_url"].startswith("data:image/png;base64,")


@with_client
def test_the_client_gets_a_video(hub: HubProcess, stub: Stub) -> None:
    """With a key of its caller's the same video comes again."""
    answer = reported(hub, "video")

    made = answer["made"]
    assert made == answer["again"]
    assert [("file", "video/mp4", VIDEO)] == [
        (video["type"], video["mimeType"], b64decode(video["data"])) for video in made["videos"]
    ]
    assert {"inputTokens": 0, "outputTokens": 0, "aigneHubCredits": 0.8} == made["usage"]
    assert (8, "oai/video") == (made["seconds"], made["model"])
    assert "0.8" == hub.cli("call", "show", made["modelCallId"])["charge"]
    assert ["POST", "GET", "GET"] == [request.method for request in stub.requests]
    assert {"seconds": "8", "size": "1280x720"}.items() < stub.requests[0].json().items()
    assert ["video"] == [video["model"] for video in answer["models"] if video["provider"] == "oai"]


@with_client
def test_the_client_videos_without_a_key_of_any_provider(hub: HubProcess) -> None:
    (video,) = reported(hub, "echoed")["videos"]

    assert 1 == seconds_of(b64decode(video["data"]))


@with_client
def test_the_client_raises_what_the_hub_refuses(hub: HubProcess, stub: Stub) -> None:
    refused = reported(hub, "refused")

    assert "`nobody/m` is not served" in refused["message"]
    assert [] == stub.requests


def test_a_native_stream_adds_up_to_the_whole_answer(hub: HubProcess, stub: Stub) -> None:
    for deltas, message in (
        ([{"content": TEXT[:3]}, {"content": TEXT[3:]}], {"role": "assistant", "content": TEXT}),
        (openai_call_deltas(ARGUMENTS, "{}"), openai_calls(ARGUMENTS, "{}")),
    ):
        stub.will(answering(200, openai_whole(message)), streaming(*openai_stream(*deltas)))
        whole = ask(hub, AIGNE, aigne_body("oai/m", False)).json()
        streamed = added_up(ask(hub, AIGNE, aigne_body("oai/m", True)).body)

        ids = [(one.pop("modelCallId"), one["usage"].pop("modelCallId")) for one in (whole, streamed)]
        assert ids[0] != ids[1]
        assert all(of_answer == of_usage for of_answer, of_usage in ids)
        assert whole == streamed


def test_a_broken_native_stream_ends_with_an_error_event(hub: HubProcess, stub: Stub) -> None:
    stub.will(streaming(*openai_stream()[:2]))

    received = ask(hub, AIGNE, aigne_body("oai/m", True)).body.decode()

    assert "event: error\ndata: " in received
    assert "usage" not in received


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"input": {"messages": [], "modelOptions": {"model": "oai/m"}}}, "input.messages"),
        ({"input": {"messages": [{"role": "user", "content": "x"}], "modelOptions": {}}}, "input.modelOptions.model"),
        (aigne_body("oai/m", False, messages=[{"role": "robot", "content": "x"}]), "input.messages[0].role"),
        (aigne_body("oai/m", False, modelOptions={"model": "oai/m", "maxTokens": 0}), "input.modelOptions.max_tokens"),
        (
            aigne_body("oai/m", False, messages=[{"role": "user", "content": [{"type": "local", "path": "/etc/x"}]}]),
            "input.messages[0].content[0].path",
        ),
        (
            aigne_body(
                "oai/m",
                False,
                messages=[{"role": "user", "content": [{"type": "url", "url": "u", "mimeType": "video/mp4"}]}],
            ),
            "input.messages[0].content[0].url",
        ),
    ],
)
def test_a_bad_native_call_is_refused_by_the_name_of_its_field(
    hub: HubProcess, stub: Stub, nothing_moves: None, body: dict[str, Any], field: str
) -> None:
    received = ask(hub, AIGNE, body)

    assert (400, field) == (received.status, received.json()["error"]["param"])


@pytest.mark.parametrize(
    ("requested", "field"),
    [
        ({}, "input.prompt"),
        ({"prompt": ""}, "input.prompt"),
        ({"n": 11}, "input.n"),
        ({"image": [{"type": "local"}]}, "input.image[0].path"),
        ({"modelOptions": {}}, "input.modelOptions.model"),
        ({"modelOptions": {"model": "oai/painter", "size": 5}}, "input.modelOptions.size"),
    ],
)
def test_a_bad_native_image_is_refused_by_the_name_of_its_field(
    hub: HubProcess, stub: Stub, nothing_moves: None, requested: dict[str, Any], field: str
) -> None:
    body: dict[str, Any] = {"input": {"modelOptions": {"model": "oai/painter"}}} if not requested else {}
    received = ask(hub, AIGNE_IMAGE, body or aigne_image("oai/painter", **requested))

    assert (400, field) == (received.status, received.json()["error"]["param"])


def test_native_fields_reach_the_provider_in_its_own_form(hub: HubProcess, stub: Stub) -> None:
    stub.will(answering(200, anthropic_whole()))
    options = {"model": "ant/m", "topP": 0.5, "reasoningEffort": 6000, "cacheConfig": {"ttl": "1h"}}
    ask(hub, AIGNE, aigne_body("ant/m", False, modelOptions=options, messages=CONVERSATION))

    sent = json.loads(stub.only.body)
    assert {"type": "ephemeral", "ttl": "1h"} == sent["system"][-1]["cache_control"]
    assert "thinking" in sent


def test_fields_in_camel_case_are_understood(hub: HubProcess, stub: Stub) -> None:
    received = ask(hub, "/api/v2/chat/completions", camel_case_body("oai/m"))

    assert (200, TEXT) == (received.status, received.json()["choices"][0]["message"]["content"])
    sent = json.loads(stub.only.body)
    assert (9, 0.5) == (sent["max_tokens"], sent["top_p"])
    assert "maxTokens" not in sent


@pytest.mark.parametrize(
    ("model", "code"), [("oai/m", None), ("nobody/m", "model_not_found"), ("bare", "model_not_found")]
)
def test_the_status_of_a_model_reports_why_it_cannot_be_called(hub: HubProcess, model: str, code: str | None) -> None:
    status = ask(hub, f"/api/v2/status?model={model}").json()

    assert (code is None, code) == (status["available"], status.get("reason"))
    assert (None if code is None else 404) == status.get("code")


def test_the_status_reports_an_empty_wallet(hub: HubProcess, people: Any) -> None:
    status = ask(hub, "/api/v2/status?model=oai/m", key=people.poor).json()

    assert (False, 402, "insufficient_credit") == (status["available"], status["code"], status["reason"])
    assert ("NOT_ENOUGH", "https://pay.example.com/credit") == (status["type"], status["link"])


def test_fields_of_messages_in_camel_case_are_understood(hub: HubProcess, stub: Stub) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"toolCalls": 1}'}}
    image = {"type": "imageUrl", "imageUrl": {"url": "data:image/png;base64,eA=="}}
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "What is imageUrl?"}, image]},
        {"role": "assistant", "content": None, "toolCalls": [call]},
        {"role": "tool", "toolCallId": "c1", "content": "7"},
    ]

    received = ask(hub, CAMEL_CASE[0], {"model": "oai/m", "messages": messages})

    assert 200 == received.status, received.body
    question, called, result = json.loads(stub.only.body)["messages"]
    text, sent = question["content"]
    assert ("What is imageUrl?", "image_url", image["imageUrl"]) == (text["text"], sent["type"], sent["image_url"])
    assert ([call], "c1") == (called["tool_calls"], result["tool_call_id"])
    assert "toolCalls" not in called
    assert "toolCallId" not in result


def test_the_usage_names_the_call(hub: HubProcess) -> None:
    received = ask(hub, "/api/v2/chat", aigne_body("oai/m", False))

    usage = received.json()["usage"]
    assert received.header("x-request-id") == usage["modelCallId"]
    assert "creditPrefix" not in usage, "the client accepts only $, € and ¥, and a credit may be none of them"


CONVERSATION = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}]


def added_up(body: bytes) -> dict[str, Any]:
    """What the client makes of the deltas."""
    whole: dict[str, Any] = {}
    for line in body.decode().splitlines():
        if line.startswith("data: "):
            delta = json.loads(line[6:])["delta"]
            for name, text in delta.get("text", {}).items():
                whole[name] = whole.get(name, "") + text
            whole |= delta.get("json", {})
    return whole
