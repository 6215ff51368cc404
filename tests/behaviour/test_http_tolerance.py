"""What HTTP clients do that no specification asks for: slashes, prefixes, two keys, headers in several lines."""

from typing import Any

import openai
import pytest

from tests.behaviour.conftest import People
from tests.behaviour.error_shape import check_error
from tests.behaviour.multipart_forms import form, recording
from tests.behaviour.plain_calls import (
    CHAT,
    MESSAGES,
    RESPONSES,
    Response,
    anthropic_body,
    ask,
    openai_body,
    responses_body,
)
from tests.behaviour.raw_connection import RawLine
from tests.behaviour.sdks import NOBODY, anthropic_sdk, openai_sdk
from tests.behaviour.stub import Stub
from tests.behaviour.stub_answers import openai_whole
from tests.support.hub import HubProcess
from tests.support.provider import answering, streaming

HELLO: list[Any] = [{"role": "user", "content": "Hello"}]
AS_ANTHROPIC = {"anthropic-version": "2023-06-01"}


@pytest.mark.parametrize(
    "path",
    ["/v1/chat/completions/", "//v1/chat/completions", "/v1//chat///completions", "/chat/completions",
     "/v1/v1/chat/completions", "/openai/v1/chat/completions", "/api/v1/v1/chat/completions/"],
)  # fmt: skip
def test_a_path_is_found_however_it_is_written(hub: HubProcess, stub: Stub, path: str) -> None:
    received = ask(hub, path, openai_body(max_tokens=5))

    assert (200, "oai") == (received.status, received.header("x-aihub-provider"))


def test_a_key_is_demanded_at_any_spelling_of_a_path(hub: HubProcess) -> None:
    for path in ("/v1/models/", "/models", "//v1/v1/models", "/openai/models?api-version=2024-10-21"):
        assert 200 == ask(hub, path).status
        assert 401 == ask(hub, path, key="").status


def test_head_of_the_root_and_a_needless_slash_after_what_has_no_key(hub: HubProcess) -> None:
    for path in ("/", "//", "/healthz/", "/v1/healthz"):
        assert (200, b"") == (ask(hub, path, key="", method="HEAD").status, ask(hub, path, key="", method="HEAD").body)


def test_anthropics_sdk_may_have_a_base_url_with_v1(hub: HubProcess, stub: Stub) -> None:
    with anthropic_sdk(hub) as client:
        client.base_url = f"{hub.url}/v1"
        message = client.messages.create(model="ant/m", max_tokens=5, messages=HELLO)

    assert "end_turn" == message.stop_reason


def test_azures_sdk_is_served_with_its_own_header_and_path(hub: HubProcess, stub: Stub, people: People) -> None:
    stub.will(answering(200, openai_whole()))
    with openai.AzureOpenAI(
        azure_endpoint=hub.url,
        api_key=people.guest,
        api_version="2024-10-21",
        max_retries=0,
        http_client=openai.DefaultHttpxClient(verify=NOBODY),
    ) as client:
        answer = client.chat.completions.create(model="oai/m", messages=HELLO)
        vectors = client.embeddings.create(model="oai/m", input="Hello")
        listed = client.models.list()

    assert answer.choices[0].message.content
    assert vectors.data
    assert {"oai/m", "oai/org/model"} <= {model.id for model in listed}


def test_an_azure_deployment_is_the_model_whatever_the_body_names(hub: HubProcess, stub: Stub) -> None:
    unnamed = {"messages": HELLO, "max_tokens": 5}
    for body in (unnamed, openai_body("nobody/else", max_tokens=5)):
        received = ask(hub, "/openai/deployments/oai%2Forg%2Fmodel/chat/completions?api-version=2024-10-21", body)
        assert 200 == received.status
    assert ["org/model"] * 2 == [request.json()["model"] for request in stub.requests]

    received = ask(hub, "/openai/deployments/oai/whisper/audio/transcriptions", recording(""))
    assert 400 == received.status
    edited = form({"image": ("a.png", b"x")}, prompt="a cat")
    assert 200 == ask(hub, "/openai/deployments/oai/dall/images/edits", edited).status
    check_error(ask(hub, "/openai/deployments/oai/m/nothing", unnamed), CHAT, 404, "unknown_path")
    check_error(ask(hub, "/openai/deployments/oai/m/chat/completions", b"{nope"), CHAT, 400, "bad_request")


@pytest.mark.parametrize("name", ["x-api-key", "api-key", "x-goog-api-key"])
def test_the_key_may_stand_in_any_vendors_header(hub: HubProcess, stub: Stub, people: People, name: str) -> None:
    for path, body in ((CHAT, openai_body()), (MESSAGES, anthropic_body()), (RESPONSES, responses_body())):
        assert 200 == ask(hub, path, body, key="", headers={name: people.guest}).status
    assert 200 == ask(hub, "/v1/models", key="", headers={name: people.guest}).status
    check_error(ask(hub, CHAT, openai_body(), key="", headers={name: "ahk_wrong"}), CHAT, 401, "invalid_api_key")


def test_of_several_keys_the_one_that_is_known_counts(hub: HubProcess, stub: Stub, people: People) -> None:
    for first, second, status in (
        ("sk-ant-oat01-other", people.guest, 200),
        (people.guest, "sk-other", 200),
        (people.revoked, people.guest, 200),
        ("sk-other", people.revoked, 401),
        ("sk-other", "sk-another", 401),
    ):
        for path, body in ((MESSAGES, anthropic_body()), ("/v1/models", None), ("/v1/quote", openai_body())):
            received = ask(hub, path, body, key=first, headers={"x-api-key": second})
            assert status == received.status, (path, first, second)
    revoked = check_error(ask(hub, CHAT, openai_body(), key="sk-other", headers={"api-key": people.revoked}), CHAT, 401)
    assert "revoked" in revoked["message"]


def test_of_two_known_keys_the_first_pays(hub: HubProcess, stub: Stub, people: People) -> None:
    received = ask(hub, CHAT, openai_body(), key=people.guest, headers={"x-api-key": people.poor})

    assert 200 == received.status
    assert "guest" == hub.cli("call", "show", str(received.header("x-request-id")))["user"]


def test_lines_of_one_header_are_read_as_one(hub: HubProcess, stub: Stub) -> None:
    line = RawLine(hub.port)
    lines = [
        (b"authorization", f"Bearer {hub.key}".encode()),
        (b"content-type", b"application/json"),
        (b"anthropic-version", b"2023-06-01"),
        (b"Anthropic-Beta", b"one-2025-01-01"),
        (b"anthropic-beta", b"two-2025-01-01, three-2025-01-01"),
    ]
    try:
        received = line.ask(
            b"POST",
            MESSAGES.encode(),
            lines,
            b'{"model":"ant/m","max_tokens":9,"messages":[{"role":"user","content":"x"}]}',
        )
    finally:
        line.close()

    assert received is not None
    assert 200 == received.status
    sent = stub.only.headers["anthropic-beta"]
    assert ["one-2025-01-01", "two-2025-01-01", "three-2025-01-01"] == [one.strip() for one in sent.split(",")]


def test_a_typing_error_in_a_models_name_is_a_model_not_found(hub: HubProcess, stub: Stub) -> None:
    """SDKs raise by the status; a caller is reported names that exist, and no command of the operator's."""
    for model in ("oai/whispr", "whispers", "oai/painterr"):
        reported = check_error(ask(hub, CHAT, openai_body(model)), CHAT, 404, "model_not_found")
        assert f"`{model}`" in reported["message"]
        assert "Known here: " in reported["message"]
        assert "aihub" not in reported["message"]
        check_error(ask(hub, MESSAGES, anthropic_body(model)), MESSAGES, 404, "model_not_found")
    with openai_sdk(hub) as client, pytest.raises(openai.NotFoundError, match="oai/painter"):
        client.responses.create(model="oai/paintr", input="Hello")


OVERLOADED = b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'
LIMITED = b'event: error\ndata: {"type":"error","error":{"type":"rate_limit_error","message":"Slow down"}}\n\n'


@pytest.mark.parametrize(("event", "status"), [(OVERLOADED, 529), (LIMITED, 429)], ids=["overloaded", "limited"])
@pytest.mark.usefixtures("free")
def test_an_overload_that_comes_as_a_streams_first_event_is_no_limit_of_the_callers(
    hub: HubProcess, stub: Stub, event: bytes, status: int
) -> None:
    for path, body in ((CHAT, openai_body("ant/m", stream=True)), (MESSAGES, anthropic_body(stream=True))):
        stub.will(streaming(event), streaming(event))
        received = ask(hub, path, body)
        assert status == received.status
        limit = "rate_limit_error" == received.json()["error"]["type"]
        assert limit == (event is LIMITED)


@pytest.mark.usefixtures("free")
def test_a_date_to_come_back_at_is_heeded_without_the_date_of_the_answer(hub: HubProcess, stub: Stub) -> None:
    """By the hub's own clock; the two credentials are each asked once, and not again at once."""
    body = b'{"error":{"message":"slow down","type":"rate_limit_error"}}'
    late = {"retry-after": "Fri, 31 Dec 2066 23:59:59 GMT", "content-type": "application/json"}
    stub.always(answering(429, body, late))

    received = ask(hub, CHAT, openai_body())

    assert 429 == received.status
    assert int(received.header("retry-after") or 0) > 365 * 86_400
    assert len(stub.requests) <= 2


@pytest.mark.usefixtures("free")
@pytest.mark.parametrize("word", ["true", "false"])
def test_a_providers_advice_about_retries_reaches_the_caller(hub: HubProcess, stub: Stub, word: str) -> None:
    body = b'{"error":{"message":"no","type":"server_error"}}'
    stub.always(answering(503, body, {"x-should-retry": word, "content-type": "application/json"}))

    for path, requested in ((CHAT, openai_body()), (MESSAGES, anthropic_body("oai/m"))):
        assert word == ask(hub, path, requested).header("x-should-retry")


@pytest.mark.usefixtures("nothing_moves")
@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", "/v1/batches", "batches"),
        ("GET", "/v1/batches/batch_1", "batches"),
        ("POST", "/v1/messages/batches", "batches"),
        ("POST", "/v1/files", "files"),
        ("GET", "/files", "files"),
        ("POST", "/v1/assistants", "assistants"),
        ("POST", "/v1/threads/t/runs", "threads"),
        ("POST", "/v1/fine_tuning/jobs", "fine-tuning"),
        ("POST", "/v1/realtime/sessions", "realtime"),
        ("POST", "/v1/vector_stores", "vector stores"),
        ("POST", "/v1/videos", "videos"),
        ("POST", "/v1/v1/uploads/", "uploads"),
        ("POST", "/v1/responses/resp_1/cancel", "stored responses"),
        ("POST", "/openai/v1/conversations", "conversations"),
        ("POST", "/v1beta/cachedContents", "cached contents"),
        ("POST", "/upload/v1beta/files", "files"),
    ],
)
def test_what_is_not_offered_is_named_with_what_to_use_instead(
    hub: HubProcess, method: str, path: str, name: str
) -> None:
    for headers, dialect in (({}, CHAT), (AS_ANTHROPIC, MESSAGES)):
        received = ask(hub, path, b"{}" if method == "POST" else None, method=method, headers=headers)
        reported = check_error(received, MESSAGES if path.startswith(MESSAGES) else dialect, 404, "not_offered")
        assert name in reported["message"]
        assert reported["message"].count(". ") >= 1, "and what to do instead"
        assert "base URL" not in reported["message"]


@pytest.mark.usefixtures("nothing_moves")
def test_a_websocket_is_refused_at_once_with_the_status_for_it(hub: HubProcess) -> None:
    """Codex tries one first, and takes a 405 for a fault that passes: seven seconds a session."""
    shake = {"upgrade": "websocket", "connection": "Upgrade", "sec-websocket-version": "13",
             "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ=="}  # fmt: skip
    for path in (RESPONSES, "/v1/realtime?model=oai/m"):
        reported = check_error(ask(hub, path, headers=shake), CHAT, 426, "no_upgrade")
        assert "POST" in reported["message"]
    check_error(ask(hub, RESPONSES), CHAT, 405, "wrong_method")


def test_models_come_in_pages_for_anthropics_sdk(hub: HubProcess) -> None:
    with anthropic_sdk(hub) as client:
        every = [model.id for model in client.models.list()]
        page = client.models.list(limit=3)
        paged = [model.id for model in page]
        before = client.models.list(limit=2, before_id=every[4])
        after = client.models.list(limit=1, after_id=every[0])
        last = client.models.list(after_id=every[-1])

    assert every == paged, "each page leads to the next"
    assert (3, True, every[0], every[2]) == (len(page.data), page.has_more, page.first_id, page.last_id)
    assert (every[2:4], True) == ([model.id for model in before.data], before.has_more)
    assert [every[1]] == [model.id for model in after.data]
    assert ([], False) == (last.data, last.has_more)
    for query, field in (("limit=0", "limit"), ("limit=x", "limit"), ("after_id=nope", "after_id")):
        received = ask(hub, f"/v1/models?{query}", headers=AS_ANTHROPIC)
        assert field == check_error(received, MESSAGES, 400, "bad_request")["param"]


@pytest.mark.usefixtures("free")
def test_openais_sdk_counts_the_tokens_of_a_response(hub: HubProcess, stub: Stub, people: People) -> None:
    with openai_sdk(hub) as client:
        counts = [
            client.responses.input_tokens.count(
                model=model, input="Hello " * 100, instructions="Be brief."
            ).input_tokens
            for model in ("oai/m", "rsp/m", "ant/m", "echo")
        ]
    assert all(100 < count < 250 for count in counts)
    assert [] == stub.requests
    path = "/v1/responses/input_tokens"
    reported: Response = ask(hub, path, responses_body("oai/m"))
    assert {"object": "response.input_tokens", "estimated": True}.items() <= reported.json().items()
    assert 0 < reported.json()["input_tokens"] < 10
    check_error(ask(hub, path, responses_body("nobody/m")), CHAT, 404, "model_not_found")
    check_error(ask(hub, path, b"{"), CHAT, 400, "bad_request")
    check_error(ask(hub, path, b"{", key="ahk_x"), CHAT, 401, "invalid_api_key")
    check_error(ask(hub, path, responses_body("oai/m"), key=people.poor), CHAT, 402)


@pytest.mark.usefixtures("nothing_moves")
def test_what_has_no_price_is_reported_with_the_option_that_sets_it(hub: HubProcess) -> None:
    search = [{"type": "web_search"}]
    for path, body, code, says, says_not in (
        (RESPONSES, responses_body("rsp/m", tools=search), "unpriced_feature", "--tool-use", "--image"),
        ("/v1/images/generations", {"model": "oai/tts", "prompt": "x"}, "unpriced_feature", "--image", "--tool-use"),
    ):
        reported = check_error(ask(hub, path, body), CHAT, 400, code)
        assert says in reported["message"], reported
        assert says_not not in reported["message"]
