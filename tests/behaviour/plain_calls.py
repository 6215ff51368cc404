"""Callers without a library: one request over a connection of its own, and all that comes back."""

import http.client
import json
from collections.abc import Mapping
from typing import Any

import msgspec

from tests.behaviour.multipart_forms import FORM
from tests.support.hub import HubProcess

CHAT, MESSAGES = "/v1/chat/completions", "/v1/messages"
AIGNE, AIGNE_IMAGE, AIGNE_VIDEO = "/api/v2/chat", "/api/v2/image", "/api/v2/video"
CAMEL_CASE = (
    "/api/v2/chat/completions",
    "/api/v2/completions",
    "/api/v1/chat/completions",
    "/api/v1/completions",
    "/api/chat/completions",
)
SPEECH, RECEIVED, TRANSLATED = "/v1/audio/speech", "/v1/audio/transcriptions", "/v1/audio/translations"
IMAGES, EDITS = "/v1/images/generations", "/v1/images/edits"
RERANK = "/v1/rerank"
EMBEDDINGS, COMPLETIONS, MODERATIONS = "/v1/embeddings", "/v1/completions", "/v1/moderations"
RESPONSES = "/v1/responses"
BALANCE = "/api/user/credit/balance"
TIMEOUT_S = 60


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """An answer: header names in lower case, in the order they came."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """The header's value; None if it was not sent, and never sent twice."""
        values = [value for known, value in self.headers if known == name]
        assert len(values) < 2, f"{name} came {len(values)} times"
        return values[0] if values else None

    def json(self) -> Any:
        return json.loads(self.body)


def ask(
    hub: HubProcess,
    path: str,
    body: bytes | Mapping[str, Any] | None = None,
    key: str | None = None,
    method: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """One request with the owner's key, or another, or with none if that is ""."""
    content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    sent = {"content-type": "application/json"} if content is not None else {}
    if isinstance(body, bytes) and body.startswith(b"--form\r\n"):
        sent["content-type"] = FORM
    bearer = hub.key if key is None else key
    if bearer:
        sent["authorization"] = f"Bearer {bearer}"
    connection = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=TIMEOUT_S)
    try:
        connection.request(method or ("GET" if body is None else "POST"), path, content, {**sent, **(headers or {})})
        answer = connection.getresponse()
        reported = tuple((name.lower(), value) for name, value in answer.getheaders())
        return Response(status=answer.status, headers=reported, body=answer.read())
    finally:
        connection.close()


def aigne_body(model: str, streaming: bool, **more: Any) -> dict[str, Any]:
    """AIGNE's native call."""
    requested = {"messages": [{"role": "user", "content": "Hello"}], "modelOptions": {"model": model}}
    return {"input": {**requested, **more}, "options": {"streaming": streaming}}


def aigne_image(model: str, **more: Any) -> dict[str, Any]:
    """AIGNE's native call for an image."""
    return {"input": {"prompt": "a cat", "modelOptions": {"model": model}, **more}}


def aigne_video(model: str, **more: Any) -> dict[str, Any]:
    """AIGNE's native call for a video."""
    return {"input": {"prompt": "a cat", "modelOptions": {"model": model}, **more}}


def camel_case_body(model: str, **more: Any) -> dict[str, Any]:
    """A chat completion request as AIGNE's callers may write it."""
    return {"model": model, "messages": [{"role": "user", "content": "Hello"}], "maxTokens": 9, "topP": 0.5, **more}


def openai_body(model: str = "oai/m", text: str = "Hello", **more: Any) -> dict[str, Any]:
    """A chat completion request."""
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


def anthropic_body(model: str = "ant/m", text: str = "Hello", **more: Any) -> dict[str, Any]:
    """A messages request."""
    return {"model": model, "max_tokens": 100, "messages": [{"role": "user", "content": text}], **more}


def responses_body(model: str = "rsp/m", text: str = "Hello", **more: Any) -> dict[str, Any]:
    """A request of the Responses API."""
    return {"model": model, "input": text, **more}


def body_for(path: str, model: str, **more: Any) -> dict[str, Any]:
    """A request that is fit for the path."""
    return openai_body(model, **more) if path == CHAT else anthropic_body(model, **more)


def wallet(hub: HubProcess, key: str | None = None) -> dict[str, str]:
    """What the caller's wallet holds: posted, held and available."""
    reported = ask(hub, BALANCE, key=key).json()
    return {name: reported[name] for name in ("posted", "held", "available")}


def events_of(body: bytes) -> list[tuple[str, Any]]:
    """The server-sent events that have data: name, and the data as JSON or as text."""
    reported: list[tuple[str, Any]] = []
    for block in body.decode().split("\n\n"):
        lines = [line.partition(": ")[::2] for line in block.splitlines() if not line.startswith(":")]
        name = "".join(value for field, value in lines if field == "event")
        text = "\n".join(value for field, value in lines if field == "data")
        if text:
            reported.append((name, text if text == "[DONE]" else json.loads(text)))
    return reported
