"""Legacy completions and moderations with the official SDK: passed through, translated, by the echo, and refused."""

from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.behaviour import non_chat_answers, stub_answers
from tests.behaviour.conftest import People
from tests.behaviour.error_shape import check_error
from tests.behaviour.plain_calls import COMPLETIONS, MODERATIONS, ask, events_of, wallet
from tests.behaviour.sdks import openai_sdk
from tests.behaviour.stub import Stub
from tests.support.hub import HubProcess
from tests.support.provider import answering, streaming

MODELS = pytest.mark.parametrize(("model", "text", "finish"), [
    ("oai/m", non_chat_answers.TEXT, "length"),
    ("ant/m", stub_answers.TEXT, "stop"),
])  # fmt: skip


@pytest.fixture
def client(hub: HubProcess) -> Iterator[openai.OpenAI]:
    with openai_sdk(hub) as made:
        yield made


@MODELS
def test_a_whole_completion(client: openai.OpenAI, model: str, text: str, finish: str) -> None:
    answer = client.completions.with_raw_response.create(model=model, prompt="Hello", max_tokens=100)

    said = answer.parse()
    assert (text, finish) == (said.choices[0].text, said.choices[0].finish_reason)
    assert said.usage is not None
    assert (11, 7, 18) == (said.usage.prompt_tokens, said.usage.completion_tokens, said.usage.total_tokens)
    assert "0.000025" == answer.headers["x-aihub-charge"]


@MODELS
@pytest.mark.parametrize("wants_usage", [False, True])
def test_a_streamed_completion(
    client: openai.OpenAI, hub: HubProcess, model: str, text: str, finish: str, wants_usage: bool
) -> None:
    chunks = list(
        client.completions.create(
            model=model, prompt="Hello", max_tokens=9, stream=True, stream_options={"include_usage": wants_usage}
        )
    )

    assert text == "".join(chunk.choices[0].text for chunk in chunks if chunk.choices)
    assert finish == [choice.finish_reason for chunk in chunks for choice in chunk.choices][-1]
    assert [18] * wants_usage == [chunk.usage.total_tokens for chunk in chunks if chunk.usage]
    assert "0.000025" == hub.cli("call", "list", "--limit", "1")[0]["charge"]


def test_openais_own_cap_is_sent_to_every_server_that_might_have_another(hub: HubProcess, stub: Stub) -> None:
    ask(hub, COMPLETIONS, {"model": "oai/m", "prompt": [1, 2], "unheard_of": 1.5, "suffix": "x"})
    ask(hub, COMPLETIONS, {"model": "ant/m", "prompt": "Hello", "temperature": 0.5, "best_of": 1})

    passed, translated = (request.json() for request in stub.requests)
    assert {"model": "m", "prompt": [1, 2], "unheard_of": 1.5, "suffix": "x", "max_tokens": 16} == passed
    assert ({"role": "user", "content": "Hello"}, 16) == (_plain(translated["messages"][0]), translated["max_tokens"])


def test_choices_and_best_of_and_an_echo_multiply_what_is_held(hub: HubProcess, people: People) -> None:
    """10 tokens of output for each of 5 tries at 2 prompts cost 0.0002; 0.004 covers not twenty times as much."""
    small = {"model": "oai/m", "prompt": ["a", "b"], "max_tokens": 10, "n": 2, "best_of": 5}
    assert 200 == ask(hub, COMPLETIONS, small, key=people.small).status

    error = check_error(ask(hub, COMPLETIONS, {**small, "max_tokens": 200}, key=people.small), COMPLETIONS, 402)

    assert "0.0056" <= error["bound"]
    check_error(ask(hub, COMPLETIONS, {**small, "echo": True}, key=people.small), COMPLETIONS, 402)


@pytest.mark.usefixtures("nothing_moves")
@pytest.mark.parametrize(("model", "fields", "param"), [
    ("oai/m", {"prompt": []},                            "prompt"),
    ("oai/m", {"prompt": 1},                             "prompt"),
    ("oai/m", {"prompt": "a", "n": 3, "best_of": 2},     "best_of"),
    ("oai/m", {"prompt": "a", "n": 129},                 "n"),
    ("oai/m", {"prompt": "a", "max_tokens": -1},         "max_tokens"),
    ("ant/m", {"prompt": "a", "suffix": "b"},            "suffix"),
    ("ant/m", {"prompt": "a", "echo": True},             "echo"),
    ("ant/m", {"prompt": "a", "best_of": 2},             "best_of"),
    ("ant/m", {"prompt": "a", "logprobs": 2},            "logprobs"),
    ("ant/m", {"prompt": ["a", "b"]},                    "prompt (tokens, or more than one)"),
    ("ant/m", {"prompt": [1, 2]},                        "prompt (tokens, or more than one)"),
    ("voy/m", {"prompt": "a"},                           "completions"),
])  # fmt: skip
def test_what_cannot_be_continued_is_refused_by_name(
    hub: HubProcess, model: str, fields: dict[str, Any], param: str
) -> None:
    error = check_error(ask(hub, COMPLETIONS, {"model": model, **fields}), COMPLETIONS, 400)

    assert param == error["param"]


def test_a_stream_that_is_cut_never_looks_complete(hub: HubProcess, stub: Stub) -> None:
    stub.will(streaming(*non_chat_answers.completion_stream(False)[:1], cut=True))

    received = ask(hub, COMPLETIONS, {"model": "oai/m", "prompt": "a", "stream": True})

    reported = events_of(received.body)
    assert "error" in reported[-1][1]
    assert b"[DONE]" not in received.body


@pytest.mark.usefixtures("free")
@pytest.mark.parametrize("nonsense", [b"", b"[]", b'{"choices":[]}'])
def test_nonsense_is_a_502(hub: HubProcess, stub: Stub, nonsense: bytes) -> None:
    stub.always(answering(200, nonsense))

    check_error(ask(hub, COMPLETIONS, {"model": "oai/m", "prompt": "a"}), COMPLETIONS, 502)
    check_error(ask(hub, MODERATIONS, {"model": "oai/m", "input": "a"}), MODERATIONS, 502)


def test_the_echo_continues_a_prompt_by_itself(client: openai.OpenAI) -> None:
    answer = client.completions.create(
        model="echo/echo", prompt=["one two three", "four"], max_tokens=2, n=2, echo=True
    )

    assert ["one two threeone two"] * 2 + ["fourfour"] * 2 == [choice.text for choice in answer.choices]
    assert ["length"] * 2 + ["stop"] * 2 == [choice.finish_reason for choice in answer.choices]


# --- moderations ----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("free")
def test_a_free_model_judges_for_nothing_and_is_logged_like_any_call(client: openai.OpenAI, hub: HubProcess) -> None:
    answer = client.moderations.with_raw_response.create(model="oai/omni-moderation-latest", input="Hello")

    assert answer.parse().results[0].flagged
    assert b"future_field" in answer.content
    assert "0" == answer.headers["x-aihub-charge"]
    newest = hub.cli("call", "list", "--limit", "1")[0]
    assert ("completed", "estimated") == (newest["ending"], newest["usage_source"])


def test_a_model_that_has_a_rate_is_charged_for_what_it_read(client: openai.OpenAI, hub: HubProcess) -> None:
    before = wallet(hub)
    image: Any = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}

    client.moderations.create(model="oai/m", input=[{"type": "text", "text": "Hello"}, image])

    assert before != wallet(hub)


@pytest.mark.usefixtures("nothing_moves")
@pytest.mark.parametrize(("fields", "param"), [
    ({},                                                    "input"),
    ({"input": []},                                         "input"),
    ({"input": ""},                                         "input"),
    ({"input": [{"type": "video_url"}]},                    "input[0].type"),
])  # fmt: skip
def test_what_cannot_be_judged_is_refused_by_name(hub: HubProcess, fields: dict[str, Any], param: str) -> None:
    error = check_error(ask(hub, MODERATIONS, {"model": "oai/m", **fields}), MODERATIONS, 400)

    assert param == error["param"]


def test_openais_default_model_is_meant_where_none_is_named(hub: HubProcess, stub: Stub) -> None:
    received = ask(hub, MODERATIONS, {"input": "a"})

    assert (200, "omni-moderation-latest") == (received.status, stub.only.json()["model"])


def test_only_openai_has_moderations(hub: HubProcess, stub: Stub) -> None:
    error = check_error(
        ask(hub, MODERATIONS, {"model": "ant/m", "input": "a"}), MODERATIONS, 400, "unsupported_parameter"
    )

    assert "moderation" == error["param"]


def test_the_echo_finds_nothing_harmful(client: openai.OpenAI) -> None:
    answer = client.moderations.create(model="echo/echo", input=["one", "two"])

    assert [False, False] == [result.flagged for result in answer.results]


def _plain(message: dict[str, Any]) -> dict[str, Any]:
    content = message["content"]
    return {**message, "content": content if isinstance(content, str) else content[0]["text"]}
