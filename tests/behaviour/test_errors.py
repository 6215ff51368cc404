"""Every way in which a request can be wrong, and the contract that the answers to it hold to.

**The contract.** An answer that is no success is JSON (`content-type: application/json`) with an `x-request-id`, the
id by which the operator finds it. Its body has the shape that the caller's own SDK turns into exceptions:

    OpenAI's dialect      {"error": {"message", "type", "param", "code", "request_id", …facts}}
    Anthropic's dialect   {"type": "error", "error": {"type", "message", "code", "param"?, …facts}, "request_id"}

`message` is a sentence that says what is wrong and what to do. `type` is one of the vendor's own words. `code` is the
refusal's own word, stable for programs. `param` is the field at fault as that dialect writes paths
(`messages[0].role`, `messages.0.role`); OpenAI's is null and Anthropic's left out where no field is. In Anthropic's
dialect the id also comes as `request-id`, where its SDK looks.

The dialect is that of the path; elsewhere it is Anthropic's for those who send `anthropic-version`, else OpenAI's.

An error holds nothing, charges nothing and reaches no provider. Who has no valid key learns nothing else: neither
what is wrong with the body nor which models there are.
"""

import gzip
import json
from typing import Any

import pytest

from tests.behaviour.conftest import BODY_BYTES_MAX, People
from tests.behaviour.error_shape import check_error, is_anthropic
from tests.behaviour.plain_calls import CHAT, MESSAGES, Response, ask, body_for, wallet
from tests.behaviour.raw_connection import RawLine
from tests.support.hub import HubProcess

pytestmark = pytest.mark.usefixtures("nothing_moves")
PATHS = pytest.mark.parametrize("path", [CHAT, MESSAGES])
MODELS = {CHAT: "oai/m", MESSAGES: "ant/m"}
DEEP = b"[" * 20_000 + b"]" * 20_000


def valid(path: str, **more: Any) -> dict[str, Any]:
    """A request that would be answered."""
    return body_for(path, MODELS[path], **more)


def with_raw(path: str, raw: bytes) -> bytes:
    """A request that would be answered, and one field more as these bytes."""
    return json.dumps(valid(path)).encode()[:-1] + b"," + raw + b"}"


@PATHS
@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "JSON"),
        (b"{nope", "JSON"),
        (b'{"model": "x"', "JSON"),
        (b"\x00\x01\x02", "JSON"),
        (b"[]", "JSON object"),
        (b'"text"', "JSON object"),
        (b"null", "JSON object"),
        (b"7", "JSON object"),
        (b'{"messages":[{"role":"user","content":"\xff\xfe"}],"model":"m","max_tokens":1}', "UTF-8"),
        ("{}".encode("utf-16"), ""),
        (DEEP, ""),
    ],
    ids=["empty", "no json", "cut off", "binary", "a list", "a text", "null", "a number", "not utf-8",
         "utf-16", "deep"],
)  # fmt: skip
def test_a_body_that_is_no_json_object_is_explained(hub: HubProcess, path: str, body: bytes, says: str) -> None:
    error = check_error(ask(hub, path, body), path, 400, "bad_request")

    assert says in error["message"]
    assert error.get("param") is None


@PATHS
def test_json_that_is_nested_without_end_is_refused_wherever_it_stands(hub: HubProcess, path: str) -> None:
    for place in (b'"x":' + DEEP, b'"metadata":' + DEEP, b'"tools":' + DEEP, b'"messages":' + DEEP):
        check_error(ask(hub, path, with_raw(path, place)), path, 400, "bad_request")


@PATHS
def test_not_a_number_is_no_json(hub: HubProcess, path: str) -> None:
    for raw in (b'"temperature":NaN', b'"temperature":Infinity', b'"max_tokens":01', b'"a":1,}'):
        check_error(ask(hub, path, with_raw(path, raw)), path, 400, "bad_request")


@PATHS
def test_invalid_utf_8_is_refused_also_in_a_field_that_nobody_reads(hub: HubProcess, path: str) -> None:
    error = check_error(ask(hub, path, with_raw(path, b'"x":"\xff"')), path, 400, "bad_request")

    assert "UTF-8" in error["message"]


WRONG_EVERYWHERE: list[tuple[str, Any, str]] = [
    ("model", None, "model"),
    ("model", 5, "model"),
    ("model", ["m"], "model"),
    ("model", "", "model"),
    ("messages", None, "messages"),
    ("messages", "Hello", "messages"),
    ("messages", {}, "messages"),
    ("messages", [], "messages"),
    ("messages", [1], "messages[0]"),
    ("messages", [{"role": "user", "content": "x"}, None], "messages[1]"),
    ("messages", [{"content": "x"}], "messages[0].role"),
    ("messages", [{"role": "king", "content": "x"}], "messages[0].role"),
    ("messages", [{"role": 1, "content": "x"}], "messages[0].role"),
    ("messages", [{"role": "user"}], "messages[0].content"),
    ("messages", [{"role": "user", "content": 5}], "messages[0].content"),
    ("messages", [{"role": "user", "content": [5]}], "messages[0].content[0]"),
    ("messages", [{"role": "user", "content": [{"text": "x"}]}], "messages[0].content[0].type"),
    ("max_tokens", 0, "max_tokens"),
    ("max_tokens", -1, "max_tokens"),
    ("max_tokens", "5", "max_tokens"),
    ("max_tokens", 1.5, "max_tokens"),
    ("max_tokens", True, "max_tokens"),
    ("max_tokens", 10**12, "max_tokens"),
    ("max_tokens", 10**40, "max_tokens"),
    ("max_tokens", [], "max_tokens"),
    ("stream", "yes", "stream"),
    ("stream", 1, "stream"),
    ("tools", {}, "tools"),
    ("tools", [1], "tools[0]"),
    ("tools", [{"type": 5}], "tools[0].type"),
]
WRONG_FOR_OPENAI: list[tuple[str, Any, str]] = [
    ("max_completion_tokens", 0, "max_completion_tokens"),
    ("n", 0, "n"),
    ("n", 129, "n"),
    ("n", "2", "n"),
    ("stop", 5, "stop"),
    ("stop", [5], "stop[0]"),
    ("stream_options", 5, "stream_options"),
    ("tools", [{"type": "function"}], "tools[0].function"),
    ("tools", [{"type": "function", "function": {}}], "tools[0].function.name"),
    ("messages", [{"role": "tool", "content": "x"}], "messages[0].tool_call_id"),
]


def as_anthropic(path: str) -> str:
    """`messages[0].role` as Anthropic writes it."""
    return path.replace("[", ".").replace("]", "")


@pytest.mark.parametrize(
    ("path", "field", "value", "param"),
    [
        *((CHAT, *case) for case in WRONG_EVERYWHERE + WRONG_FOR_OPENAI),
        *((MESSAGES, field, value, as_anthropic(param)) for field, value, param in WRONG_EVERYWHERE),
        (MESSAGES, "max_tokens", None, "max_tokens"),
    ],
)
def test_a_field_of_the_wrong_type_is_named(hub: HubProcess, path: str, field: str, value: Any, param: str) -> None:
    error = check_error(ask(hub, path, {**valid(path), field: value}), path, 400, "bad_request")

    assert param == error["param"]
    assert f"`{param}`" in error["message"]
    assert not any(kind in error["message"] for kind in ("`str`", "`int`", "`array`", "`object`"))
    assert any(word in error["message"].lower() for word in ("send", "give", "use", "name", "correct", "describe"))


@pytest.mark.parametrize(
    ("path", "field"),
    [(CHAT, "model"), (CHAT, "messages"), (MESSAGES, "model"), (MESSAGES, "messages"), (MESSAGES, "max_tokens")],
)
def test_a_field_that_is_missing_is_named(hub: HubProcess, path: str, field: str) -> None:
    body = valid(path)
    del body[field]

    error = check_error(ask(hub, path, body), path, 400, "bad_request")

    assert field == error["param"]


def test_two_output_caps_that_differ_are_refused(hub: HubProcess) -> None:
    body = valid(CHAT, max_tokens=5, max_completion_tokens=6)

    assert "max_tokens" == check_error(ask(hub, CHAT, body), CHAT, 400, "bad_request")["param"]


@PATHS
@pytest.mark.parametrize(
    ("model", "hint"),
    [
        ("oai/", "oai"),
        ("ehco/echo", "echo/echo"),
        ("no-such", ""),
        ("../../etc/passwd", ""),
        ("duplicate ", "left/duplicate"),
    ],
)
def test_an_unknown_model_is_refused_with_names_that_are_similar(
    hub: HubProcess, path: str, model: str, hint: str
) -> None:
    error = check_error(ask(hub, path, body_for(path, model)), path, 404, "model_not_found")

    assert "model" == error["param"]
    assert hint in error["message"]
    assert "GET /v1/models" in error["message"]


@PATHS
def test_a_model_without_a_rate_is_not_sold(hub: HubProcess, path: str) -> None:
    error = check_error(ask(hub, path, body_for(path, "oai/not-priced")), path, 404, "model_not_found")

    assert "model" == error["param"]
    assert "is not sold here. " in error["message"]
    assert "aihub" not in error["message"], "an operator's command is nothing to a caller"


@PATHS
def test_a_refusal_for_lack_of_credit_reports_what_is_short(hub: HubProcess, people: People, path: str) -> None:
    before = wallet(hub, people.poor)

    error = check_error(ask(hub, path, valid(path), key=people.poor), path, 402)

    assert error["code"] in ("insufficient_credit", "insufficient_quota")
    assert error["bound"] == error["shortfall"] > "0"
    assert "0" == error["available"]
    assert "https://pay.example.com/credit" == error["payment_link"]
    assert all(error[word] in error["message"] for word in ("bound", "available", "shortfall", "payment_link"))
    assert before == wallet(hub, people.poor)


@PATHS
def test_a_body_that_is_too_large_is_refused(hub: HubProcess, path: str) -> None:
    big = with_raw(path, b'"x":"' + b"x" * BODY_BYTES_MAX + b'"')

    error = check_error(ask(hub, path, big), path, 413, "body_too_large")

    assert str(BODY_BYTES_MAX) in error["message"]


@PATHS
def test_a_body_that_is_compressed_is_refused(hub: HubProcess, path: str) -> None:
    received = ask(hub, path, gzip.compress(json.dumps(valid(path)).encode()), headers={"content-encoding": "gzip"})

    error = check_error(received, path, 415, "body_encoded")
    assert ("Content-Encoding", "identity") == (error["param"], received.header("accept-encoding"))
    assert "`Content-Encoding: gzip`" in error["message"]


@PATHS
def test_a_body_in_chunks_is_read_and_bounded_as_any_other(hub: HubProcess, path: str) -> None:
    def in_chunks(body: bytes, size: int) -> Response | None:
        pieces = [body[at : at + size] for at in range(0, len(body), size)]
        framed = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
        line = RawLine(hub.port)
        try:
            key = (b"authorization", f"Bearer {hub.key}".encode())
            return line.ask(b"POST", path.encode(), [key, (b"transfer-encoding", b"chunked")], framed, framing=False)
        finally:
            line.close()

    error = in_chunks(json.dumps(body_for(path, "no-such")).encode(), 7)
    big = in_chunks(with_raw(path, b'"x":"' + b"x" * BODY_BYTES_MAX + b'"'), 100_000)

    assert error is not None
    check_error(error, path, 404, "model_not_found")
    assert big is not None
    check_error(big, path, 413, "body_too_large")


def test_an_unknown_path_is_answered_with_where_to_look(hub: HubProcess) -> None:
    for path in ("/v1/nope", "/v1/chat", "/v1/messages/nope", "/%00", "/v1/../v1/x"):
        error = check_error(ask(hub, path, valid(CHAT)), path, 404, "unknown_path")

        assert "GET /" in error["message"]


def test_an_unknown_path_is_answered_in_the_callers_dialect(hub: HubProcess) -> None:
    received = ask(hub, "/v1/nope", headers={"anthropic-version": "2023-06-01"})

    assert (404, "not_found_error") == (received.status, received.json()["error"]["type"])


@PATHS
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_a_wrong_method_is_reported_the_right_one(hub: HubProcess, path: str, method: str) -> None:
    received = ask(hub, path, b"{}", method=method)

    error = check_error(received, path, 405, "wrong_method")
    assert "POST" in (received.header("allow") or "").split(", ")
    assert "POST" in error["message"]


@PATHS
def test_an_idempotency_key_that_is_too_long_is_refused(hub: HubProcess, path: str) -> None:
    received = ask(hub, path, valid(path), headers={"idempotency-key": "k" * 256})

    error = check_error(received, path, 400, "bad_request")
    assert "Idempotency-Key" == error["param"]
    assert "255" in error["message"]


def test_what_another_dialect_cannot_express_is_refused_by_name(hub: HubProcess) -> None:
    for path, model, field, value in (
        (CHAT, "ant/m", "logprobs", True),
        (CHAT, "ant/m", "n", 2),
        (MESSAGES, "oai/m", "container", "c_1"),
        (MESSAGES, "oai/m", "inference_geo", "us"),
    ):
        error = check_error(ask(hub, path, {**body_for(path, model), field: value}), path, 400, "unsupported_parameter")

        assert field == error["param"]
        assert ("openai" if is_anthropic(path) else "anthropic") in error["message"]
