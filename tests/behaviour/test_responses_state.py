"""What the Responses API keeps at OpenAI, the hub does not: it says so by name, and nothing is charged unseen."""

from typing import Any

import openai
import pytest

from tests.behaviour.conftest import People
from tests.behaviour.plain_calls import RESPONSES, ask, responses_body
from tests.behaviour.sdks import openai_sdk
from tests.behaviour.stub import Stub
from tests.support.hub import HubProcess


def test_the_hub_keeps_no_answers(hub: HubProcess, stub: Stub) -> None:
    with openai_sdk(hub) as client:
        for ask_for in (client.responses.retrieve, client.responses.delete):
            with pytest.raises(openai.NotFoundError, match="keeps no answers"):
                ask_for("resp_123")
    assert [] == stub.requests


def test_background_is_refused_while_answers_are_charged(hub: HubProcess, stub: Stub) -> None:
    received = ask(hub, RESPONSES, responses_body(background=True))

    assert (400, "usage_unavailable") == (received.status, received.json()["error"]["code"])
    assert "background" == received.json()["error"]["param"]
    assert [] == stub.requests


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"background": True}, "background"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input[0].item_reference"),
    ],
)
@pytest.mark.parametrize("model", ["oai/m", "ant/m"])
def test_what_only_openai_keeps_is_refused_by_name_elsewhere(
    hub: HubProcess, stub: Stub, model: str, more: dict[str, Any], param: str
) -> None:
    received = ask(hub, RESPONSES, responses_body(model, **more))

    error = received.json()["error"]
    assert (400, "unsupported_parameter") == (received.status, error["code"])
    assert error["param"].endswith(param)
    assert [] == stub.requests


@pytest.mark.parametrize(
    ("more", "dropped"),
    [
        ({"store": True, "client_metadata": {"app": "x"}}, None),
        ({"truncation": "auto"}, "truncation"),
        ({"include": ["message.input_image.image_url"]}, "include.message.input_image.image_url"),
    ],
)
@pytest.mark.parametrize("model", ["oai/m", "ant/m"])
def test_what_the_answer_is_as_useful_without_is_left_out_elsewhere(
    hub: HubProcess, stub: Stub, model: str, more: dict[str, Any], dropped: str | None
) -> None:
    received = ask(hub, RESPONSES, responses_body(model, **more))

    assert (200, dropped, False) == (received.status, received.header("x-aihub-dropped"), received.json()["store"])
    assert more.keys().isdisjoint(stub.only.json())


def test_a_wallet_too_small_lowers_the_cap_and_reports_it(hub: HubProcess, stub: Stub, people: People) -> None:
    received = ask(hub, RESPONSES, responses_body(), key=people.small)

    cap = received.header("x-aihub-output-cap")
    assert cap is not None
    assert (200, int(cap)) == (received.status, stub.only.json()["max_output_tokens"])
