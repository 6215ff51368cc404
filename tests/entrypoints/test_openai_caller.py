"""OpenAI's dialect, the caller's side: reading a request, and saying what is wrong with it."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.model_api.call import ModelCall
from domain.refusals import BadRequest
from entrypoints.http.dialects.openai_chat import OPENAI_CALLER

HELLO = [{"role": "user", "content": "Hello"}]


def body(**fields: Any) -> bytes:
    return json.dumps({"model": "gpt-4o", "messages": HELLO, **fields}).encode()


def call(**fields: Any) -> ModelCall:
    read = OPENAI_CALLER.read(body(**fields))
    assert isinstance(read, ModelCall), read
    return read


def asking(*parts: Any) -> dict[str, Any]:
    return {"messages": [*HELLO, {"role": "user", "content": list(parts)}]}


def test_a_request_is_read() -> None:
    sent = b'{"model":"gpt-4o","messages":[{"role":"user","content":"Hi"}],"max_tokens":5,"n":2,"stream":true,"x": 1.0}'

    assert ModelCall(
        dialect="openai",
        model="gpt-4o",
        fields=msgspec.json.decode(sent, type=dict[str, msgspec.Raw]),
        body_bytes=len(sent),
        stream=True,
        wants_usage=False,
        output_tokens_max=5,
        cap_field="max_tokens",
        choices=2,
    ) == OPENAI_CALLER.read(sent)


def test_every_field_is_kept_as_the_bytes_that_came() -> None:
    read = OPENAI_CALLER.read(b'{ "model": "m", "messages": [{"role":"user","content":"\\u00e9"}], "x": {"a" : 1.50} }')

    assert isinstance(read, ModelCall)
    assert b'{"a" : 1.50}' == bytes(read.fields["x"])
    assert ["model", "messages", "x"] == list(read.fields)


@pytest.mark.parametrize(
    ("fields", "cap", "cap_field"),
    [
        ({}, None, None),
        ({"max_tokens": None, "max_completion_tokens": None}, None, None),
        ({"max_tokens": 1}, 1, "max_tokens"),
        ({"max_completion_tokens": 2**31}, 2**31, "max_completion_tokens"),
        ({"max_tokens": 7, "max_completion_tokens": 7}, 7, "max_completion_tokens"),
        ({"max_tokens": 7, "max_completion_tokens": None}, 7, "max_tokens"),
    ],
)
def test_the_output_cap_is_read_with_the_field_it_stood_in(
    fields: dict[str, Any], cap: int | None, cap_field: str | None
) -> None:
    read = call(**fields)

    assert (cap, cap_field) == (read.output_tokens_max, read.cap_field)


@pytest.mark.parametrize(
    ("fields", "stream", "wants_usage"),
    [
        ({}, False, True),
        ({"stream": None, "stream_options": None}, False, True),
        ({"stream": False}, False, True),
        ({"stream": True}, True, False),
        ({"stream": True, "stream_options": {}}, True, False),
        ({"stream": True, "stream_options": {"include_usage": False}}, True, False),
        ({"stream": True, "stream_options": {"include_usage": True}}, True, True),
    ],
)
def test_usage_is_wanted_in_a_stream_only_where_it_is_requested(
    fields: dict[str, Any], stream: bool, wants_usage: bool
) -> None:
    read = call(**fields)

    assert (stream, wants_usage) == (read.stream, read.wants_usage)


TEXT = {"type": "text", "text": "Look"}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


@pytest.mark.parametrize(
    ("parts", "opaque"),
    [
        ([TEXT], None),
        ([TEXT, IMAGE], None),
        ([{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}], None),
        ([{"type": "file", "file": {"file_id": "file-1"}}], "content[0].file"),
        ([{"type": "file", "file": {"file_data": "data:text/plain;base64,AAAA", "filename": "a.txt"}}], None),
        # A PDF is compressed: its tokens are more than its bytes.
        ([{"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA"}}], "content[0].file"),
        ([{"type": "video_url", "video_url": {"url": "https://x.test/a.mp4"}}], "content[0].video_url"),
    ],
)
def test_an_input_whose_tokens_do_not_stand_in_the_body_is_named(parts: list[Any], opaque: str | None) -> None:
    assert (opaque and f"messages[1].{opaque}") == call(**asking(*parts)).opaque_input


@pytest.mark.parametrize(
    ("parts", "images"),
    [
        ([TEXT], 0),
        ([TEXT, IMAGE, IMAGE], 2),
        ([{"type": "image_url", "image_url": "http://x.test/a.png"}], 1),
    ],
)
def test_images_are_counted_for_they_may_cost_more_than_their_bytes(parts: list[Any], images: int) -> None:
    assert images == call(**asking(*parts)).images


def test_an_escaped_field_name_hides_no_input() -> None:
    hidden = body(**asking({"type": "file", "file": {"file_id": "file-1"}}))
    escaped = hidden.replace(b'"file_id"', b'"file\\u005fid"').replace(b'"type": "file"', b'"type": "f\\u0069le"')

    read = OPENAI_CALLER.read(escaped)

    assert isinstance(read, ModelCall)
    assert "messages[1].content[0].file" == read.opaque_input


FUNCTION = {"type": "function", "function": {"name": "f"}}


@pytest.mark.parametrize(
    ("fields", "hosted"),
    [
        ({"tools": [FUNCTION, {"type": "custom", "custom": {"name": "c"}}]}, ()),
        ({"tools": [{"function": {"name": "f"}}]}, ()),
        ({"tools": [FUNCTION, {"type": "web_search"}, {"type": "web_search"}]}, ("web_search",)),
        ({"tools": [{"type": "code_interpreter"}], "web_search_options": {}}, ("code_interpreter", "web_search")),
        ({"web_search_options": {}}, ("web_search",)),
        ({"web_search_options": None, "plugins": []}, ()),
        ({"plugins": [{"id": "web"}]}, ("plugins",)),
    ],
)
def test_tools_that_the_provider_runs_are_named(fields: dict[str, Any], hosted: tuple[str, ...]) -> None:
    assert hosted == call(**fields).hosted_tools


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        (b"", None),
        (b"{", None),
        (b"nonsense", None),
        (b"[]", None),
        (b'"text"', None),
        (b"null", None),
        (b'{"model":"m","messages":[{"role":"user","content":"\xff"}]}', None),
        (b'{"model":"m","messages":[{"role":"user","content":"x"}],"y":"\xff"}', None),
        (b'{"model":"m","messages":[{"role":"user","content":"x"}]} {}', None),
        (b'{"messages":[{"role":"user","content":"x"}]}', "model"),
        (body(model=""), "model"),
        (body(model="  "), "model"),
        (body(model=5), "model"),
        (body(model=None), "model"),
        (b'{"model":"m"}', "messages"),
        (body(messages=[]), "messages"),
        (body(messages="Hello"), "messages"),
        (body(messages=["Hello"]), "messages[0]"),
        (body(messages=[*HELLO, {"content": "x"}]), "messages[1].role"),
        (body(messages=[{"role": "robot", "content": "x"}]), "messages[0].role"),
        (body(messages=[{"role": "user"}]), "messages[0].content"),
        (body(messages=[{"role": "user", "content": None}]), "messages[0].content"),
        (body(messages=[{"role": "user", "content": 5}]), "messages[0].content"),
        (body(messages=[{"role": "user", "content": ["x"]}]), "messages[0].content[0]"),
        (body(messages=[{"role": "user", "content": [{"text": "x"}]}]), "messages[0].content[0].type"),
        (body(messages=[*HELLO, {"role": "tool", "content": "x"}]), "messages[1].tool_call_id"),
        (body(stream="yes"), "stream"),
        (body(stream=1), "stream"),
        (body(stream=True, stream_options=[]), "stream_options"),
        (body(stream=True, stream_options={"include_usage": "yes"}), "stream_options.include_usage"),
        (body(n=0), "n"),
        (body(n=129), "n"),
        (body(n=1.0), "n"),
        (body(n=True), "n"),
        (body(max_tokens=0), "max_tokens"),
        (body(max_tokens=-1), "max_tokens"),
        (body(max_tokens=5.5), "max_tokens"),
        (body(max_tokens="5"), "max_tokens"),
        (body(max_tokens=2**31 + 1), "max_tokens"),
        (body(max_completion_tokens=10**30), "max_completion_tokens"),
        (body(max_tokens=5, max_completion_tokens=6), "max_tokens"),
        (body(stop=5), "stop"),
        (body(stop=["a", 5]), "stop[1]"),
        (body(tools={}), "tools"),
        (body(tools=[{"type": "function"}]), "tools[0].function"),
        (body(tools=[{"type": "function", "function": {}}]), "tools[0].function.name"),
        (body(tools=[FUNCTION, {"type": "function", "function": {"name": ""}}]), "tools[1].function.name"),
    ],
)
def test_what_is_wrong_is_named_by_its_path_with_a_remedy(sent: bytes, field: str | None) -> None:
    refused = OPENAI_CALLER.read(sent)

    assert isinstance(refused, BadRequest)
    assert field == refused.field
    sentences = refused.problem.split(". ")
    assert len(sentences) >= 2, refused.problem
    assert "`" not in refused.problem, refused.problem


def test_the_problem_reads_like_a_sentence() -> None:
    assert BadRequest(
        field="messages[0].content",
        problem="Expected text or a list or null, got a whole number. Send text or a list of content parts.",
    ) == OPENAI_CALLER.read(body(messages=[{"role": "user", "content": 5}]))


@pytest.mark.parametrize(
    "sent",
    [
        b'{"x":' + b"[" * 1_000_000,
        b'{"model":"m","messages":[{"role":"user","content":"x"}],"x":' + b"[" * 500_000 + b"]" * 500_000 + b"}",
        b'{"model":"m","messages":[{"role":"user","content":"x"}],"x":' + b'{"a":' * 1_000_000,
        b'{"model":"m","messages":[{"role":"user","content":"x","y":' + b"[" * 1_000_000,
    ],
)
def test_nesting_without_end_is_refused_and_no_crash(sent: bytes) -> None:
    refused = OPENAI_CALLER.read(sent)

    assert BadRequest(field=None, problem="The JSON is nested too deeply. Send it with fewer levels.") == refused


def test_the_last_of_two_equal_fields_counts() -> None:
    read = OPENAI_CALLER.read(b'{"model":"a","messages":[{"role":"user","content":"x"}],"n":9,"n":2,"model":"b"}')

    assert isinstance(read, ModelCall)
    assert ("b", 2, b'"b"', b"2") == (read.model, read.choices, bytes(read.fields["model"]), bytes(read.fields["n"]))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["role", "content", "type", "image_url", "file", "function", "name"]), inner)
    ),
    max_leaves=8,
)
FIELDS = ("model", "messages", "stream", "stream_options", "n", "max_tokens", "stop", "tools", "tool_choice")


@given(st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=5))
def test_whatever_json_a_caller_sends_nothing_is_raised(fields: dict[str, Any]) -> None:
    read = OPENAI_CALLER.read(body(**fields))

    if isinstance(read, ModelCall):
        OPENAI_CALLER.to_request(read)
        # Without a stream, its options are left out.
        assert set(read.fields) == {"model", "messages", *fields} - ({"stream_options"} - set(read.fields))
        assert "stream_options" not in read.fields or read.stream
    else:
        assert isinstance(read, BadRequest)


@given(st.binary())
def test_whatever_bytes_a_caller_sends_nothing_is_raised(sent: bytes) -> None:
    assert isinstance(OPENAI_CALLER.read(sent), BadRequest)
