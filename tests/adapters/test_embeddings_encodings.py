"""Vectors come in the encoding that the request means, whichever the server knows."""

import json
from base64 import b64decode, b64encode
from struct import pack
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.providers.openai.embeddings import Encoding
from domain.catalog.vendors import UNKNOWN
from domain.model_api.call import ModelCall

NUMBERS, BASE64 = [0.5, -0.25], b64encode(pack("<2f", 0.5, -0.25)).decode()


def call(encoding: str | None) -> ModelCall:
    fields = {} if encoding is None else {"encoding_format": msgspec.Raw(json.dumps(encoding).encode())}
    return ModelCall(dialect="openai-embeddings", operation="embeddings", model="m", fields=fields, body_bytes=9)


def body(*vectors: Any, **more: Any) -> bytes:
    data = [{"object": "embedding", "index": at, "embedding": vector} for at, vector in enumerate(vectors)]
    return json.dumps({"object": "list", "data": data, "model": "m", "usage": {"prompt_tokens": 3}, **more}).encode()


def repaired(requested: str | None, answer: bytes) -> bytes:
    return Encoding(call(requested), UNKNOWN).whole(answer)


@pytest.mark.parametrize(("requested", "came", "given_"), [
    ("base64",  NUMBERS,  BASE64),
    ("float",   BASE64,   NUMBERS),
    (None,      BASE64,   NUMBERS),
])  # fmt: skip
def test_the_other_encoding_is_turned_round(requested: str | None, came: Any, given_: Any) -> None:
    answer = json.loads(repaired(requested, body(came, came, news=1.50)))

    assert [given_, given_] == [item["embedding"] for item in answer["data"]]
    assert json.loads(body(given_, given_, news=1.50)) == answer


@pytest.mark.parametrize(("requested", "came"), [
    ("base64", BASE64), ("float", NUMBERS), (None, NUMBERS), ("int8", BASE64), ("ubinary", NUMBERS),
    ("float", "no base64!"), ("float", "AAA="), ("base64", ["a"]), ("base64", [1e300]),
])  # fmt: skip
def test_every_other_body_stays_as_it_came(requested: str | None, came: Any) -> None:
    assert body(came) == repaired(requested, body(came))


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1))
def test_no_number_is_lost(numbers: list[float]) -> None:
    packed = json.loads(repaired("base64", body(numbers)))["data"][0]["embedding"]

    assert pack(f"<{len(numbers)}f", *numbers) == b64decode(packed)
    assert numbers == json.loads(repaired("float", body(packed)))["data"][0]["embedding"]
