"""A caller of Anthropic's dialect is read strictly, and what bounds the charge of its call is found."""

import json
from typing import Any

import pytest

from domain.model_api.call import ModelCall
from domain.refusals import BadRequest
from entrypoints.http.dialects.anthropic import ANTHROPIC_CALLER
from entrypoints.http.dialects.dialect import ErrorBody
from entrypoints.refusals.record import ErrorKind

_HELLO = [{"role": "user", "content": "Hello"}]


def _body(**fields: Any) -> bytes:
    said = {"model": "claude-test", "max_tokens": 100, "messages": _HELLO} | fields
    return json.dumps({name: value for name, value in said.items() if value is not ...}).encode()


def _call(**fields: Any) -> ModelCall:
    call = ANTHROPIC_CALLER.read(_body(**fields))
    assert isinstance(call, ModelCall)
    return call


def test_a_call_knows_what_bounds_its_charge() -> None:
    body = _body(stream=True, new_field={"a": 1})
    call = ANTHROPIC_CALLER.read(body)

    assert isinstance(call, ModelCall)
    assert (call.dialect, call.model, call.stream, call.wants_usage) == ("anthropic", "claude-test", True, True)
    assert (call.output_tokens_max, call.cap_field, call.choices) == (100, "max_tokens", 1)
    assert (call.body_bytes, call.opaque_input, call.hosted_tools) == (len(body), None, ())
    assert bytes(call.fields["new_field"]) == b'{"a": 1}'


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"model": ...}, "model"),
        ({"model": ""}, "model"),
        ({"model": 3}, "model"),
        ({"messages": ...}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": {}}, "messages"),
        ({"messages": ["hi"]}, "messages.0"),
        ({"messages": [{"content": "hi"}]}, "messages.0.role"),
        ({"messages": [{"role": "tool", "content": "hi"}]}, "messages.0.role"),
        ({"messages": [{"role": "user"}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": None}]}, "messages.0.content"),
        ({"messages": [*_HELLO, {"role": "user", "content": 3}]}, "messages.1.content"),
        ({"messages": [{"role": "user", "content": [{"text": "hi"}]}]}, "messages.0.content.0.type"),
        ({"messages": [{"role": "user", "content": ["hi"]}]}, "messages.0.content.0"),
        ({"max_tokens": ...}, "max_tokens"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": 1.0}, "max_tokens"),
        ({"max_tokens": "100"}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"max_tokens": 2**31 + 1}, "max_tokens"),
        ({"max_tokens": 10**40}, "max_tokens"),
        ({"stream": "yes"}, "stream"),
        ({"stream": None}, "stream"),
        ({"tools": {}}, "tools"),
        ({"tools": [{"type": 3}]}, "tools.0.type"),
    ],
)
def test_what_a_plan_needs_is_checked_when_the_call_is_read(fields: dict[str, Any], field: str) -> None:
    complaint = ANTHROPIC_CALLER.read(_body(**fields))

    assert isinstance(complaint, BadRequest)
    assert complaint.field == field
    assert "; give" in complaint.problem or field[-1].isdigit()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not valid JSON"),
        (b'{"model": "a"', "not valid JSON"),
        (b"{} trailing", "not valid JSON"),
        (b'{"model":"\xff","max_tokens":1,"messages":[]}', "not valid JSON"),
        (b"[1]", "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b'{"messages":' + b"[" * 100_000, "nested too deeply"),
    ],
)
def test_a_body_that_is_no_json_object_is_a_bad_request(body: bytes, words: str) -> None:
    complaint = ANTHROPIC_CALLER.read(body)

    assert isinstance(complaint, BadRequest)
    assert complaint.field is None
    assert words in complaint.problem


def _image(**source: Any) -> dict[str, Any]:
    return {"type": "image", "source": source}


def _document(**source: Any) -> dict[str, Any]:
    return {"type": "document", "source": source}


def _result(*blocks: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": "t", "content": list(blocks)}


_TEXT = {"type": "text", "text": 'an "url" of a "file"'}


@pytest.mark.parametrize(
    ("blocks", "field"),
    [
        ([_TEXT], None),
        ([_image(type="base64", media_type="image/png", data="aGk=")], None),
        ([_document(type="text", media_type="text/plain", data="hi")], None),
        ([_TEXT, _image(type="url", url="https://x/a")], None),
        ([_document(type="url", url="https://x/a")], "messages.0.content.0.source"),
        ([_document(type="file", file_id="f")], "messages.0.content.0.source"),
        ([_document(type="base64", media_type="application/pdf", data="aGk=")], "messages.0.content.0.source"),
        (
            [_document(type="content", content=[_TEXT, _document(type="url", url="https://x/a")])],
            "messages.0.content.0.source.content.1.source",
        ),
        ([_result(_TEXT, _document(type="url", url="https://x/a"))], "messages.0.content.0.content.1.source"),
        ([{"type": "container_upload", "file_id": "f"}], "messages.0.content.0"),
        ([{"type": "search_result", "source": "https://x/a", "title": "url", "content": [_TEXT]}], None),
    ],
)
def test_input_that_does_not_stand_in_the_body_is_named(blocks: list[Any], field: str | None) -> None:
    assert _call(messages=[{"role": "user", "content": blocks}]).opaque_input == field


@pytest.mark.parametrize(
    ("blocks", "images"),
    [
        ([_TEXT], 0),
        ([_image(type="base64", media_type="image/png", data="aGk="), _image(type="url", url="https://x/a")], 2),
        ([_result(_TEXT, _image(type="file", file_id="f"))], 1),
    ],
)
def test_images_are_counted_for_they_may_cost_more_than_their_bytes(blocks: list[Any], images: int) -> None:
    assert _call(messages=[{"role": "user", "content": blocks}]).images == images


def test_an_escape_hides_no_document() -> None:
    plain = _body(messages=[{"role": "user", "content": [_document(type="url", url="x")]}])
    call = ANTHROPIC_CALLER.read(plain.replace(b'"document"', b'"\\u0064ocument"'))

    assert isinstance(call, ModelCall)
    assert call.opaque_input == "messages.0.content.0.source"


def test_blocks_nested_beyond_reason_are_not_trusted() -> None:
    block: dict[str, Any] = _image(type="url", url="https://x/a")
    for _ in range(50):
        block = _result(block)

    assert _call(messages=[{"role": "user", "content": [block]}]).opaque_input == "messages.0" + 8 * ".content.0"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"container": "c_1"}, "container"),
        ({"container": None}, None),
        ({"mcp_servers": [{"type": "url", "url": "https://x", "name": "x"}]}, "mcp_servers"),
        ({"mcp_servers": []}, None),
        ({"tools": [{"name": "f", "input_schema": {}}, {"type": "bash_20250124", "name": "bash"}]}, None),
    ],
)
def test_what_others_hold_is_named(fields: dict[str, Any], field: str | None) -> None:
    assert _call(**fields).opaque_input == field


@pytest.mark.parametrize(
    ("kind", "hosted"),
    [
        ("web_search_20250305", True),
        ("code_execution_20260120", True),
        ("advisor_20260301", True),
        ("web_fetch_20250910", True),
        ("tool_search_tool_bm25_20251119", True),
        ("bash_20250124", False),
        ("text_editor_20250728", False),
        ("computer_20250124", False),
        ("memory_20250818", False),
        ("custom", False),
        (None, False),
    ],
)
def test_tools_that_anthropic_runs_are_hosted_tools(kind: str | None, hosted: bool) -> None:
    tool = {"name": "x", "input_schema": {"type": "object"}, "type": kind}

    assert _call(tools=[tool]).hosted_tools == ((kind,) if hosted else ())


# --- errors -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("invalid_request", "invalid_request_error"),
        ("authentication", "authentication_error"),
        ("permission", "permission_error"),
        ("not_found", "not_found_error"),
        ("insufficient_credit", "billing_error"),
        ("too_large", "request_too_large"),
        ("rate_limit", "rate_limit_error"),
        ("overloaded", "overloaded_error"),
        ("conflict", "conflict_error"),
        ("provider", "api_error"),
        ("internal", "api_error"),
    ],
)
def test_an_error_has_anthropics_shape_and_the_facts(kind: ErrorKind, word: str) -> None:
    error = ErrorBody(
        status=400,
        kind=kind,
        message="no",
        code="c",
        param="p",
        facts={"short_by_nanos": 5, "payment_link": None, "type": "x"},
        request_id="r",
    )
    expected = {
        "type": "error",
        "error": {"type": word, "message": "no", "code": "c", "param": "p", "short_by_nanos": 5},
        "request_id": "r",
    }

    assert json.loads(ANTHROPIC_CALLER.error(error)) == expected
    said = ANTHROPIC_CALLER.stream_error(error)
    assert said.startswith(b"event: error\ndata: {")
    assert said.endswith(b"}\n\n")
    assert json.loads(said.split(b"data: ")[1]) == expected


@pytest.mark.parametrize(
    ("tools", "uses_max"),
    [
        ([{"type": "web_search_20250305", "name": "web_search", "max_uses": 3}], 3),
        (
            [{"type": "web_search_20250305", "name": "s", "max_uses": 3}, {"type": "web_fetch_20250910", "name": "f"}],
            None,
        ),
        ([{"type": "web_search_20250305", "name": "s", "max_uses": 3}, {"name": "f", "input_schema": {}}], 3),
        ([{"type": "advisor_20260301", "name": "advisor", "max_uses": 3}], None),
    ],
)
def test_hosted_tools_are_bounded_only_where_each_of_them_is(tools: list[Any], uses_max: int | None) -> None:
    assert _call(tools=tools).hosted_uses_max == uses_max
