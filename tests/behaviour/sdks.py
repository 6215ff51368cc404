"""The official SDKs' clients, pointed at a hub, which never try again.

A client reads the machine's certificates when it is made, which takes longer than most of these tests; a hub of theirs
speaks plain HTTP. So their clients share a context that trusts nobody.
"""

import ssl
from typing import Any

import anthropic
import openai

from tests.support.hub import HubProcess

NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def openai_sdk(hub: HubProcess, key: str | None = None) -> openai.OpenAI:
    """OpenAI's client, with the owner's key or another."""
    return openai.OpenAI(
        base_url=f"{hub.url}/v1",
        api_key=hub.key if key is None else key,
        max_retries=0,
        http_client=openai.DefaultHttpxClient(verify=NOBODY),
    )


def anthropic_sdk(hub: HubProcess, key: str | None = None, **options: Any) -> anthropic.Anthropic:
    """Anthropic's client, with the owner's key or another, or as the options say."""
    options.setdefault("api_key", hub.key if key is None else key)
    return anthropic.Anthropic(
        base_url=hub.url, max_retries=0, http_client=anthropic.DefaultHttpxClient(verify=NOBODY), **options
    )
