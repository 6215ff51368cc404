"""A caller of Gemini's API at a provider of it: what changes on the way, and what never does."""

import json

import msgspec
import pytest

from adapters.providers.google import GOOGLE
from adapters.providers.registry import DIALECTS
from domain.dialects.signatures import as_thought_signature
from domain.model_api.call import ModelCall
from domain.model_api.events import Broken, Ended
from tests.support.google import attempt

COUNTING = DIALECTS["google-count-tokens"]
FOREIGN = as_thought_signature({"signature": "of another vendor"})


def passed(body: str, cap: int | None = None) -> bytes:
    fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    call = ModelCall(dialect="google", model="x", fields=fields, body_bytes=len(body))
    return GOOGLE.pass_through(call, attempt(output_cap=cap))


ODD = '{"contents":[{"parts":[{"text":"a", "n":[1e400,1.0]}]}],"generationConfig":{"temperature":1.00,"topK":40.0},"z":-0}'


def test_nothing_changes_where_nothing_must() -> None:
    assert ODD == passed(ODD).decode()


@pytest.mark.parametrize("config", [
    '{"temperature":1.00}', '{"temperature":1.00,"maxOutputTokens":9}', '{"temperature":1.00,"max_output_tokens":9}'
])  # fmt: skip
def test_a_cap_of_the_hubs_takes_the_place_of_the_callers(config: str) -> None:
    sent = passed(f'{{"contents":[],"generationConfig":{config}}}', cap=77)

    assert b'{"contents":[],"generationConfig":{"temperature":1.00,"maxOutputTokens":77}}' == sent
    assert {"contents": [], "generationConfig": {"maxOutputTokens": 77}} == json.loads(
        passed('{"contents":[]}', cap=77)
    )


def test_another_vendors_signature_is_left_out_with_its_thought() -> None:
    """Google rejects what it did not sign; its own signatures stay."""
    thought = f'{{"thought":true,"text":"Hm.","thoughtSignature":"{FOREIGN}"}}'
    call = f'{{"functionCall":{{"name":"f","args":{{"n":1e400}}}},"thought_signature":"{FOREIGN}"}}'
    own = '{"text":"a","thoughtSignature":"Z29vZ2xl"}'
    user = '{"role":"user","parts":[{"text":"b","n":1.0}]}'

    sent = passed(f'{{"contents":[{user},{{"role":"model","parts":[{thought},{call},{own}]}}]}}').decode()

    called = '{"functionCall":{"name":"f","args":{"n":1e400}}}'
    assert f'{{"contents":[{user},{{"role":"model","parts":[{called},{own}]}}]}}' == sent


@pytest.mark.parametrize(("body", "expected"), [
    ('{"contents":[1.0]}', '{"contents":[1.0]}'),
    ('{"contents":[],"tools":[]}', '{"generateContentRequest":{"model":"models/gemini-3","contents":[],"tools":[]}}'),
])  # fmt: skip
def test_a_count_of_more_than_contents_names_the_model_as_google_does(body: str, expected: str) -> None:
    fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    call = ModelCall(dialect="google-count-tokens", model="x", fields=fields, body_bytes=9)

    assert expected == COUNTING.pass_through(call, attempt("gemini-3")).decode()
    assert "models/gemini-3:countTokens" == COUNTING.path("gemini-3", False)
    assert (Ended(),) == COUNTING.decode(b'{"totalTokens": 5}')
    assert isinstance(COUNTING.decode(b"{}")[0], Broken)
