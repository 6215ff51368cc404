"""OpenAI's dialect: answers that break, and answers that are refusals."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.providers.dialect import ServerEvent
from adapters.providers.openai import OPENAI
from domain.model_api.events import Broken, Ended, Started, TextDelta
from tests.adapters.openai_events import (
    TRANSCRIPTS,
    chunk,
    delta,
    failure_of,
    folded,
    reported,
    server_events,
    whole,
)


@pytest.mark.parametrize(
    "data",
    [b"{", b"nonsense", b"[1]", b'"text"', b"\xff\xfe"],
)
def test_a_chunk_that_is_no_chunk_is_malformed(data: bytes) -> None:
    assert "malformed" == failure_of(folded([ServerEvent("", data, data)])).kind


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"<html>", b"{}", b'{"choices":[]}', b'{"id":"x","choices":null}', b'{"choices":[{"index":0}]}'],
)
def test_a_whole_answer_without_a_message_is_malformed(body: bytes) -> None:
    assert "malformed" == failure_of(OPENAI.decode(body)).kind


def test_nesting_without_end_is_malformed_and_no_crash() -> None:
    deep = b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"

    assert "malformed" == failure_of(OPENAI.decode(deep)).kind
    assert "malformed" == failure_of(folded([ServerEvent("", deep, deep)])).kind


def test_an_error_in_the_stream_breaks_it_after_its_content() -> None:
    events = folded(server_events((TRANSCRIPTS / "error_in_stream.sse").read_bytes()))

    failure = failure_of(events)
    assert "maybe" == reported(events)["choices"][0]["text"]
    assert ("request_rejected", 400, "tool_use_failed", "openai") == (
        failure.kind,
        failure.status,
        failure.code,
        failure.dialect,
    )
    assert "Tool choice is required, but model did not call a tool" == failure.message
    assert b"failed_generation" in failure.body


@pytest.mark.parametrize(
    ("error", "kind", "status"),
    [
        ({"message": "m", "code": 429}, "overloaded", 429),
        ({"message": "m", "code": "503"}, "unavailable", 503),
        ({"message": "m", "code": 401}, "credential_rejected", 401),
        ({"message": "m", "type": "server_error"}, "unavailable", 0),
        ({"message": "m", "code": "rate_limit_exceeded"}, "overloaded", 0),
        ({"message": "m", "type": "invalid_request_error", "code": "slow_down"}, "overloaded", 0),
        ({"message": "m", "type": "invalid_request_error", "code": None}, "request_rejected", 0),
        ("m", "unavailable", 0),
    ],
)
def test_an_error_under_http_200_has_the_kind_of_its_code(error: Any, kind: str, status: int) -> None:
    for failure in (
        failure_of(folded([chunk(error=error)])),
        failure_of(OPENAI.decode(whole({}, error=error, choices=[]))),
    ):
        assert (kind, status, "m") == (failure.kind, failure.status, failure.message)


def test_vllms_bare_error_object_is_an_error() -> None:
    data = b'{"object":"error","message":"too long","type":"BadRequestError","param":null,"code":400}'

    assert ("request_rejected", "too long") == (
        (failure := failure_of(folded([ServerEvent("", data, data)]))).kind,
        failure.message,
    )


def test_an_unknown_event_yields_nothing() -> None:
    assert () == folded([ServerEvent("", b'{"hello":"there"}', b""), ServerEvent("", b"", b": comment\n\n")])


def test_a_chunk_without_id_and_choices_does_not_start_the_answer() -> None:
    """Azure's first chunk holds only what its content filter found."""
    opening = {"id": "", "model": "", "choices": [], "prompt_filter_results": [{"prompt_index": 0}]}
    data = json.dumps(opening).encode()

    events = folded([ServerEvent("", data, data), delta({"content": "Hi"})])

    assert (Started(id="chatcmpl-1", model="gpt-4o"), TextDelta(text="Hi")) == events


WORDS = (
    *("id", "model", "choices", "usage", "error", "x_groq", "delta", "message", "content", "tool_calls"),
    *("function", "index", "text", "type", "finish_reason", "prompt_tokens", "completion_tokens"),
    *("total_tokens", "code", "status", "reasoning_details"),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(WORDS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON, st.sampled_from(["", "error"]))
def test_whatever_json_a_provider_sends_nothing_is_raised(value: Any, name: str) -> None:
    data = json.dumps(value).encode()

    events = OPENAI.decode(data)
    streamed = folded([ServerEvent(name, data, data)])
    refused = OPENAI.failure(500, {}, data)

    assert isinstance(events[-1], Ended | Broken)
    assert not any(isinstance(event, Ended) for event in streamed)
    assert refused.message


@given(st.binary(), st.integers(300, 599), st.text(max_size=40))
def test_whatever_bytes_a_provider_sends_nothing_is_raised(data: bytes, status: int, wait: str) -> None:
    failure = OPENAI.failure(status, {"retry-after": wait, "retry-after-ms": wait, "date": wait}, data)

    assert isinstance(OPENAI.decode(data)[-1], Ended | Broken)
    assert (status, data) == (failure.status, failure.body)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "request_rejected"),
        (401, "credential_rejected"),
        (402, "credential_rejected"),
        (403, "credential_rejected"),
        (404, "request_rejected"),
        (408, "unavailable"),
        (409, "unavailable"),
        (413, "request_rejected"),
        (422, "request_rejected"),
        (429, "overloaded"),
        (500, "unavailable"),
        (502, "unavailable"),
        (503, "unavailable"),
        (529, "overloaded"),
        (302, "malformed"),
    ],
)
def test_the_kind_of_a_failure_is_its_status(status: int, kind: str) -> None:
    lying = b'{"error":{"message":"rate limit, please retry","type":"rate_limit_error"}}'

    failure = OPENAI.failure(status, {}, lying)

    assert (kind, status, "openai", lying) == (failure.kind, failure.status, failure.dialect, failure.body)


@pytest.mark.parametrize(
    ("body", "message", "code"),
    [
        (
            b'{"error":{"message":"No.","type":"invalid_request_error","code":"model_not_found"}}',
            "No.",
            "model_not_found",
        ),
        (b'{"error":{"message":"No.","type":"requests","code":null}}', "No.", "requests"),
        (b'{"error":{"message":"No.","code":429},"user_id":"u"}', "No.", "429"),
        (b'{"error":"model not found"}', "model not found", None),
        (b'{"message":"Unauthorized"}', "Unauthorized", None),
        (b'{"object":"error","message":"No.","type":"BadRequestError","code":400}', "No.", "400"),
        (b'{"detail":"Not authenticated"}', "Not authenticated", None),
        (b'{"detail":[{"loc":["body","n"],"msg":"must be positive"}]}', "must be positive", None),
        (b"upstream connect error", "upstream connect error", None),
        (
            b"<html><body>Bad gateway</body></html>",
            "The provider answered HTTP 400 with a web page instead of JSON.",
            None,
        ),
        (b"", "The provider answered HTTP 400 without a body.", None),
        (b"{}", "The provider answered HTTP 400 without an error message.", None),
        (b"[]", "The provider answered HTTP 400 without an error message.", None),
    ],
)
def test_the_message_is_found_in_every_shape(body: bytes, message: str, code: str | None) -> None:
    failure = OPENAI.failure(400, {}, body)

    assert (message, code) == (failure.message, failure.code)


DATE = "Wed, 21 Oct 2026 07:28:00 GMT"


@pytest.mark.parametrize(
    ("headers", "wait_ms"),
    [
        ({}, None),
        ({"retry-after": "20"}, 20_000),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "1.5"}, 1_500),
        ({"retry-after-ms": "1234"}, 1_234),
        ({"retry-after-ms": "1234.9", "retry-after": "20"}, 1_234),
        ({"retry-after-ms": "soon", "retry-after": "20"}, 20_000),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": DATE}, 30_000),
        ({"retry-after": "Wed, 21 Oct 2026 07:27:30 GMT", "date": DATE}, 0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "9" * 400}, None),
    ],
)
def test_the_wait_is_read_from_the_headers(headers: dict[str, str], wait_ms: int | None) -> None:
    assert wait_ms == OPENAI.failure(429, headers, b"").retry_after_ms
