"""Callers of Gemini's API: Google's SDK, plain requests, and what a provider of that API answers."""

from typing import Any

from google import genai
from google.genai import types

from tests.behaviour.sdks import NOBODY
from tests.support.hub import HubProcess

HELLO = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}
USAGE = {"promptTokenCount": 11, "candidatesTokenCount": 7, "totalTokenCount": 18}


def google_sdk(hub: HubProcess, key: str | None = None, **options: Any) -> genai.Client:
    """Google's client, with the owner's key or another."""
    http = types.HttpOptions(base_url=hub.url, client_args={"verify": NOBODY}, **options)
    return genai.Client(api_key=hub.key if key is None else key, http_options=http)


def chunk(*parts: Any, finish: str | None = None) -> dict[str, Any]:
    """A response of Google's, or a chunk of one, with a field that nobody knows."""
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    if finish is not None:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], "usageMetadata": USAGE, "modelVersion": "m-1", "responseId": "r1", "novel": 1.50}


def newest(hub: HubProcess) -> Any:
    """The call that was made last."""
    return hub.cli("call", "show", hub.cli("call", "list", "--limit", "1")[0]["id"])
