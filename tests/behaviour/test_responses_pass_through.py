"""The Responses API to a provider that speaks it: what goes through unchanged, and what is held and charged for it."""

import json
from typing import Any

import pytest

from tests.behaviour import responses_answers as rsp
from tests.behaviour.plain_calls import RESPONSES, ask, responses_body, wallet
from tests.behaviour.stub import Stub
from tests.support.hub import HubProcess
from tests.support.provider import answering, streaming

# Odd on purpose: the order of the keys, the white space, escapes, numbers that a float would not keep, unknown fields.
ODD = (
    '{"zeta" : [1.0, 1e400, 0.1000000000000000055511151231257827, -0],\n'
    '  "input":[{"content" :"Gr\\u00fc\\u00dfe \U0001f989","role":"user", "novel":{"b":1,"a":null}}],\t'
    '"temperature":1.00, "max_output_tokens" : 77,"model":"rsp/m", "vendor_knob":{"deep":[[[{}]]]},'
    '"metadata":{"user_id":"u"} , "alpha":"\\/"}'
)


def test_a_request_changes_in_nothing_but_the_models_name(hub: HubProcess, stub: Stub) -> None:
    assert 200 == ask(hub, RESPONSES, ODD.encode()).status

    at_provider = stub.only.body.decode()
    expected = json.loads(ODD.replace("rsp/m", "m"), parse_float=str, parse_int=str)
    assert expected == json.loads(at_provider, parse_float=str, parse_int=str)
    assert list(expected) == list(json.loads(at_provider)), "the keys keep their order"
    for value in ("[1.0, 1e400, 0.1000000000000000055511151231257827, -0]", "Gr\\u00fc\\u00dfe \U0001f989", "1.00"):
        assert value in at_provider, "each value goes byte for byte"
    assert stub.only.path.endswith("/v1/responses")


def test_an_answer_comes_back_byte_for_byte(hub: HubProcess, stub: Stub) -> None:
    said = rsp.whole(rsp.thought(), rsp.message(), rsp.call("{}"))
    stub.will(answering(200, said))

    assert said == ask(hub, RESPONSES, responses_body()).body


def test_a_stream_comes_back_byte_for_byte(hub: HubProcess, stub: Stub) -> None:
    events = rsp.stream(rsp.thought(), rsp.message(), rsp.call("{}"))
    events.insert(1, b": a comment\n\n")
    events.insert(2, b'event: response.novel\r\ndata: {"type":"response.novel",\r\ndata: "x":[]}\r\n\r\n')
    events[-1] += b"data: [DONE]\n\n"  # OpenRouter's
    stub.will(streaming(*events))

    assert b"".join(events) == ask(hub, RESPONSES, responses_body(stream=True)).body


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_it_is_charged_as_it_was_counted(hub: HubProcess, stub: Stub, stream: bool) -> None:
    before = wallet(hub)
    details: dict[str, Any] = {"input_tokens_details": {"cached_tokens": 0}}
    usage = {"input_tokens": 1000, "output_tokens": 500, "total_tokens": 1500, **details,
             "output_tokens_details": {"reasoning_tokens": 200}}  # fmt: skip
    stub.will(streaming(*rsp.stream(usage=usage)) if stream else answering(200, rsp.whole(usage=usage)))

    received = ask(hub, RESPONSES, responses_body(stream=stream))

    call = hub.cli("call", "show", str(received.header("x-request-id")))
    counted = {"input_tokens": 1000, "output_tokens": 300, "reasoning_tokens": 200}
    assert counted == {name: count for name, count in call["usage"].items() if count}
    assert ("completed", "0.002") == (
        call["ending"],
        call["charge"],
    )  # 1,000 tokens at 1 and 500 at 2 credits a million
    assert before != wallet(hub)


@pytest.mark.parametrize(
    ("more", "code", "param"),
    [
        ({"tools": [{"type": "web_search"}], "max_tool_calls": 2}, "unpriced_feature", "web_search"),
        ({"prompt": {"id": "pmpt_1"}}, "unpriced_feature", "prompt"),
        ({"background": True, "stream": True}, "usage_unavailable", "background"),
    ],
)
def test_what_has_no_price_or_no_count_is_refused_while_answers_are_charged(
    hub: HubProcess, stub: Stub, more: dict[str, Any], code: str, param: str
) -> None:
    received = ask(hub, RESPONSES, responses_body(**more))

    error = received.json()["error"]
    assert (400, code, param) == (received.status, error["code"], error["param"])
    assert [] == stub.requests


@pytest.mark.parametrize("more", [{"previous_response_id": "resp_1"}, {"conversation": "conv_1"}])
def test_what_openai_keeps_goes_through_under_the_bound_of_the_context(
    hub: HubProcess, stub: Stub, more: dict[str, Any]
) -> None:
    received = ask(hub, RESPONSES, responses_body(**more))

    assert 200 == received.status
    assert more.items() <= stub.only.json().items()
    # The context, 128,000 tokens at 1, and the longest answer, 4,096 at 2 credits a million.
    assert "0.136192" == hub.cli("call", "show", str(received.header("x-request-id")))["hold"]
