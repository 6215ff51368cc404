"""A provider that speaks two of OpenAI's dialects is asked in the one that has words for all that is asked."""

import json
from typing import Any

import pytest

from tests.behaviour.conftest import RATE
from tests.behaviour.plain_calls import MESSAGES, anthropic_body, ask
from tests.behaviour.stub import Stub
from tests.behaviour.stub_answers import TEXT
from tests.support.hub import HubProcess

SECRET = "sk-two-dialects-canary-5Tt"
CALLED = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
TURNS = [{"role": "user", "content": "Look."}, {"role": "assistant", "content": [CALLED]}]


@pytest.fixture
def bilingual(hub: HubProcess, stub: Stub) -> str:
    """A vendor that is known to speak chat completions and Responses, under a name of its own here."""
    stub.knows("xai", SECRET)
    if "xai" not in {provider["name"] for provider in hub.cli("provider", "list")}:
        hub.script(
            ["provider", "add", "xai", "--base-url", stub.url("xai")],
            [f"secret={SECRET}", "credential", "add", "xai"],
            ["rate", "set", "xai/m", *RATE],
        )
    return "xai/m"


@pytest.mark.parametrize(("shown", "path"), [("It is a cat.", "chat/completions"), ([IMAGE], "responses")])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_an_image_that_a_tool_shows_is_sent_where_it_can_be(
    hub: HubProcess, stub: Stub, bilingual: str, shown: Any, path: str, stream: bool
) -> None:
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": shown}
    messages = [*TURNS, {"role": "user", "content": [result]}]

    received = ask(hub, MESSAGES, {**anthropic_body(bilingual, stream=stream), "messages": messages})

    assert received.status == 200, received.body
    assert TEXT in json.dumps(received.json(), ensure_ascii=False) if not stream else b"message_stop" in received.body
    assert stub.only.path == f"/xai/v1/{path}"
    assert ("aGk=" in stub.only.body.decode()) == (path == "responses")


def test_what_neither_can_express_is_refused_by_name(hub: HubProcess, stub: Stub, bilingual: str) -> None:
    received = ask(hub, MESSAGES, anthropic_body(bilingual, container="c"))

    assert (400, []) == (received.status, stub.requests)
    assert "container" in received.json()["error"]["message"]
