"""An attempt at a provider over the shell, what a provider says to it, and what came of it."""

from typing import Any

import anyio
import httpx2
import msgspec

from adapters.providers.echo import EchoTransport
from adapters.providers.http import HttpProviders
from adapters.providers.openai import OPENAI
from domain.failures import Failure
from domain.model_api.call import Attempt, ModelCall, Target
from domain.model_api.events import Broken, Ended, Event
from domain.model_api.requests import ModelRequest
from ports.providers import Chunk, Providers
from ports.vault import VaultError
from tests.support.provider import Handler, StubProvider

SECRET = "sk-canary-0123/456789+abcdef"
HEAD = '"id":"c","object":"chat.completion.chunk","created":1,"model":"m-1"'
HELLO = f'data: {{{HEAD},"choices":[{{"index":0,"delta":{{"content":"hé"}},"finish_reason":null}}]}}\n\n'.encode()
STOP = f'data: {{{HEAD},"choices":[{{"index":0,"delta":{{}},"finish_reason":"stop"}}]}}\n\n'.encode()
USAGE = (
    f'data: {{{HEAD},"choices":[],"usage":{{"prompt_tokens":2,"completion_tokens":1,"total_tokens":3}}}}\n\n'.encode()
)
DONE = b"data: [DONE]\n\n"
WHOLE = (
    b'{"id":"c","object":"chat.completion","created":1,"model":"m-1","choices":[{"index":0,"message":'
    b'{"role":"assistant","content":"hi"},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":2,"completion_tokens":1,"total_tokens":3}}'
)


class RowVault:
    """A vault without a cipher, as strict about the row as the real one."""

    def seal(self, secret: bytes, row: str) -> bytes:
        return row.encode() + b"=" + secret

    def unseal(self, sealed: bytes, row: str) -> bytes:
        if not sealed.startswith(row.encode() + b"="):
            raise VaultError
        return sealed.removeprefix(row.encode() + b"=")

    def fingerprint(self, secret: str) -> str:
        return secret


def shell(transport: httpx2.AsyncBaseTransport, **more: Any) -> HttpProviders:
    return HttpProviders(transport, {"echo": EchoTransport()}, RowVault(), {"openai": OPENAI}, **more)


def attempt_at(base_url: str, timeout_ms: int = 10_000, secret: str | None = SECRET) -> Attempt:
    sealed = None if secret is None else RowVault().seal(secret.encode(), "credential:cred_1")
    target = Target(
        provider="acme", dialect="openai", base_url=base_url, model="m-1", credential_id="cred_1", sealed=sealed
    )
    return Attempt(call_id="call_1", target=target, timeout_ms=timeout_ms)


def chat(stream: bool = True, **more: Any) -> ModelCall:
    fields = {
        "model": msgspec.Raw(b'"acme/m-1"'),
        "messages": msgspec.Raw(b'[{"role": "user",  "content": "hi there"}]'),
        "stream": msgspec.Raw(b"true" if stream else b"false"),
        "unheard_of": msgspec.Raw(b"1.50"),
    }
    return ModelCall(dialect="openai", model="acme/m-1", fields=fields, body_bytes=100, stream=stream, **more)


async def outcome(
    providers: Providers, attempt: Attempt, call: ModelCall, request: ModelRequest | None = None
) -> Failure | list[Chunk]:
    """The failure that opening gave, or every chunk of the answer."""
    with anyio.fail_after(20):
        async with providers.open(attempt, call, request) as answer:
            return answer if isinstance(answer, Failure) else [chunk async for chunk in answer.chunks]


async def failed(providers: HttpProviders, attempt: Attempt, call: ModelCall) -> Failure:
    found = await outcome(providers, attempt, call)
    assert isinstance(found, Failure)
    return found


async def answered(
    providers: HttpProviders, handler: Handler, call: ModelCall, timeout_ms: int = 10_000
) -> list[Chunk]:
    async with StubProvider(handler) as stub:
        found = await outcome(providers, attempt_at(stub.base_url, timeout_ms), call)
    assert not isinstance(found, Failure), found
    return found


def events_of(chunks: list[Chunk]) -> list[Event]:
    return [event for chunk in chunks for event in chunk.events]


def raw_of(chunks: list[Chunk]) -> bytes:
    return b"".join(chunk.raw or b"" for chunk in chunks)


def breach(chunks: list[Chunk]) -> Failure:
    """The failure of an answer that broke: in its last event, with nothing to relay, and nowhere else."""
    endings = [event for event in events_of(chunks) if isinstance(event, (Ended, Broken))]
    assert [chunks[-1].events[-1]] == endings
    assert chunks[-1].raw == b""
    assert isinstance(endings[0], Broken)
    return endings[0].failure
