"""The provider shell over real sockets: what it sends."""

import msgspec
import pytest

from adapters.providers.http import HttpProviders
from adapters.providers.openai import OPENAI
from domain.model_api.requests import Audio, ChatRequest, Message, Text
from tests.adapters.http_attempts import SECRET, WHOLE, attempt_at, chat, outcome
from tests.support.provider import StubProvider, answering

pytestmark = pytest.mark.anyio


async def test_a_call_of_the_same_dialect_goes_out_with_the_callers_own_fields(providers: HttpProviders) -> None:
    async with StubProvider(answering(200, WHOLE)) as stub:
        await outcome(providers, attempt_at(stub.base_url), chat(stream=False))

    sent = stub.requests[0]
    assert (sent.method, sent.path) == ("POST", "/v1/chat/completions")
    assert sent.headers["authorization"] == f"Bearer {SECRET}"
    assert sent.headers["host"] == f"127.0.0.1:{stub.port}"
    assert sent.headers["content-type"] == "application/json"
    assert sent.headers["accept-encoding"] == "identity"
    assert b'"messages":[{"role": "user",  "content": "hi there"}]' in sent.body
    assert b'"unheard_of":1.50' in sent.body
    assert sent.json()["model"] == "m-1"


async def test_a_call_of_another_dialect_is_encoded_in_the_providers(providers: HttpProviders) -> None:
    request = ChatRequest(model="acme/m-1", messages=(Message(role="user", parts=(Text(text="hello"),)),))
    call = msgspec.structs.replace(chat(stream=False), relay_headers=(("anthropic-beta", "x"),))
    async with StubProvider(answering(200, WHOLE)) as stub:
        await outcome(providers, attempt_at(stub.base_url), call, request)

    assert stub.requests[0].json()["model"] == "m-1"
    assert "hello" in str(stub.requests[0].json()["messages"])
    assert "anthropic-beta" not in stub.requests[0].headers


async def test_headers_to_relay_go_out_but_replace_none_of_the_hubs_own(providers: HttpProviders) -> None:
    call = chat(stream=False, relay_headers=(("anthropic-beta", "x-1"), ("authorization", "Bearer caller")))
    async with StubProvider(answering(200, WHOLE)) as stub:
        await outcome(providers, attempt_at(stub.base_url), call)

    assert stub.requests[0].headers["anthropic-beta"] == "x-1"
    assert stub.requests[0].headers["authorization"] == f"Bearer {SECRET}"


async def test_the_query_of_a_base_url_stays_behind_the_path(providers: HttpProviders) -> None:
    async with StubProvider(answering(200, WHOLE)) as stub:
        await outcome(providers, attempt_at(f"{stub.base_url}/?api-version=1"), chat(stream=False))

    assert stub.requests[0].path == "/v1/chat/completions?api-version=1"


async def test_unsupported_fields_are_reported_before_the_call(providers: HttpProviders) -> None:
    plain = ChatRequest(model="m", messages=(Message(role="user", parts=(Text(text="hello"),)),))
    odd = ChatRequest(
        model="m", messages=(Message(role="assistant", parts=(Audio(data="AA==", format="wav"),)),), top_k=3
    )

    assert providers.unsupported("openai", plain) == ()
    assert providers.unsupported("openai", msgspec.structs.replace(plain, top_k=3)) == ("top_k",)
    assert providers.unsupported("openai", odd) == OPENAI.refuses(odd)
