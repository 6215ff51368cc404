"""Embeddings with the official SDK: passed through, translated, and by the echo; billed like any other call."""

from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.behaviour.conftest import People
from tests.behaviour.error_shape import check_error
from tests.behaviour.non_chat_answers import PACKED, VECTOR
from tests.behaviour.plain_calls import EMBEDDINGS, ask, wallet
from tests.behaviour.sdks import openai_sdk
from tests.behaviour.stub import Stub
from tests.support.hub import HubProcess
from tests.support.provider import answering

BOTH = pytest.mark.parametrize("model", ["oai/m", "voy/m"])


@pytest.fixture
def client(hub: HubProcess) -> Iterator[openai.OpenAI]:
    with openai_sdk(hub) as made:
        yield made


@BOTH
@pytest.mark.parametrize("form", [None, "float", "base64"])
def test_a_vector_comes_in_the_form_of_the_request(client: openai.OpenAI, model: str, form: Any) -> None:
    requested: dict[str, Any] = {} if form is None else {"encoding_format": form}

    answer = client.embeddings.create(model=model, input="Hello", **requested)

    vector: Any = answer.data[0].embedding
    assert (VECTOR if form != "base64" else PACKED) == vector
    assert (11, 11) == (answer.usage.prompt_tokens, answer.usage.total_tokens)


@BOTH
def test_a_batch_gives_a_vector_for_each_text_and_costs_what_the_provider_counted(
    client: openai.OpenAI, hub: HubProcess, model: str
) -> None:
    answer = client.embeddings.with_raw_response.create(model=model, input=["one", "two", "three"])

    assert [0, 1, 2] == [vector.index for vector in answer.parse().data]
    assert "0.000011" == answer.headers["x-aihub-charge"]
    newest = hub.cli("call", "list", "--limit", "1")[0]
    shown = hub.cli("call", "show", newest["id"])
    assert 0 <= shown["first_byte_ms"] <= 600_000, "since the call began, not since 1970"
    assert {"input_tokens": 11} == {unit: units for unit, units in shown["usage"].items() if units}


def test_what_passes_through_changes_nothing_but_the_name(hub: HubProcess, stub: Stub) -> None:
    tokens = {"model": "oai/org/model", "input": [[1, 2], [3]], "dimensions": 3, "user": "u", "unheard_of": 1.5}

    received = ask(hub, EMBEDDINGS, tokens)

    assert {**tokens, "model": "org/model"} == stub.only.json()
    assert b'"future_field": 1.5' in received.body, "the provider's own bytes"


def test_voyage_is_called_in_its_own_form(hub: HubProcess, stub: Stub) -> None:
    body = {"model": "voy/m", "input": "Hi", "dimensions": 3, "encoding_format": "float", "input_type": "query"}

    ask(hub, EMBEDDINGS, body)

    assert {"model": "m", "input": ["Hi"], "output_dimension": 3, "input_type": "query"} == stub.only.json()


@pytest.mark.usefixtures("nothing_moves")
@pytest.mark.parametrize(("model", "fields", "param"), [
    ("oai/m", {},                                     "input"),
    ("oai/m", {"input": ""},                          "input"),
    ("oai/m", {"input": []},                          "input"),
    ("oai/m", {"input": ["a", 1]},                    "input[1]"),
    ("oai/m", {"input": [1, -2]},                     "input[1]"),
    ("oai/m", {"input": [[1], []]},                   "input[1]"),
    ("oai/m", {"input": "a", "dimensions": 0},        "dimensions"),
    ("oai/m", {"input": "a", "encoding_format": "x"}, "encoding_format"),
    ("voy/m", {"input": [1, 2]},                      "input (tokens)"),
    ("voy/m", {"input": "a", "output_dtype": "int8"}, "output_dtype"),
    ("ant/m", {"input": "a"},                         "embeddings"),
])  # fmt: skip
def test_what_cannot_be_embedded_is_refused_by_name(
    hub: HubProcess, model: str, fields: dict[str, Any], param: str
) -> None:
    error = check_error(ask(hub, EMBEDDINGS, {"model": model, **fields}), EMBEDDINGS, 400)

    assert param == error["param"]


def test_a_model_that_only_embeds_is_not_chatted_with(hub: HubProcess, stub: Stub) -> None:
    body = {"model": "voy/m", "messages": [{"role": "user", "content": "Hello"}]}

    error = check_error(ask(hub, "/v1/chat/completions", body), "/v1/chat/completions", 400, "unsupported_parameter")

    assert "chat" == error["param"]
    assert [] == stub.requests


@BOTH
@pytest.mark.usefixtures("free")
@pytest.mark.parametrize(
    "nonsense", [b"", b"null", b"[]", b'{"data":[]}', b'{"data":[{"embedding":["x"]}]}', b"<html>"]
)
def test_nonsense_instead_of_vectors_is_a_502_and_costs_nothing(
    hub: HubProcess, stub: Stub, model: str, nonsense: bytes
) -> None:
    if model == "oai/m" and b"x" in nonsense:
        pytest.skip("what passes through is the caller's to read")
    stub.always(answering(200, nonsense))

    check_error(ask(hub, EMBEDDINGS, {"model": model, "input": "a"}), EMBEDDINGS, 502)


def test_vectors_that_nobody_counted_are_estimated(hub: HubProcess, stub: Stub) -> None:
    """Voyage reported 0 tokens for two texts: that is no count."""
    body = {"model": "voy/m", "input": ["hello", "world"]}
    stub.will(answering(200, b'{"data":[{"embedding":[1]},{"embedding":[2],"index":1}],"usage":{"total_tokens":0}}'))

    received = ask(hub, EMBEDDINGS, body)

    assert "0.000003" == received.header("x-aihub-charge"), "10 bytes of text are 3 tokens"
    assert {"prompt_tokens": 3, "total_tokens": 3} == received.json()["usage"]
    assert "estimated" == hub.cli("call", "list", "--limit", "1")[0]["usage_source"]


def test_the_echo_embeds_without_any_key(client: openai.OpenAI) -> None:
    answer = client.embeddings.create(model="echo/echo", input=["two words", "two words", "three words now"])

    first, second, third = (vector.embedding for vector in answer.data)
    assert first == second != third
    assert 8 == len(first)
    assert abs(sum(number * number for number in first) - 1) < 1e-6
    assert 7 == answer.usage.prompt_tokens


def test_an_idempotency_key_embeds_once(hub: HubProcess, stub: Stub) -> None:
    body = {"model": "oai/m", "input": "once"}
    first, again = (ask(hub, EMBEDDINGS, body, headers={"idempotency-key": f"e-{hub.interface}"}) for _ in range(2))

    assert first.body == again.body
    assert 1 == len(stub.requests)
    assert "true" == again.header("idempotent-replayed")


def test_a_small_wallet_holds_by_the_bytes_and_never_by_an_answer(hub: HubProcess, people: People) -> None:
    """The bound of 3,000 bytes and 1,500 tokens more, at a credit a million, is over 0.004."""
    check_error(ask(hub, EMBEDDINGS, {"model": "oai/m", "input": "a" * 3000}, key=people.small), EMBEDDINGS, 402)
    assert 200 == ask(hub, EMBEDDINGS, {"model": "oai/m", "input": "a"}, key=people.small).status
    assert "0" == wallet(hub, people.small)["held"]
