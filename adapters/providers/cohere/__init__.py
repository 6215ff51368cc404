"""Cohere's chat, version 2 (https://docs.cohere.com/reference/chat), the provider's side; no caller speaks it.

Its messages look like OpenAI's; its thinking, its sampling words, its stream and its usage do not. The parts live
beside this file: `encode` (requests, and what they cannot say), `answer` (decode and step).
"""

from adapters.providers.cohere.answer import NAME, START, decode, failure, step
from adapters.providers.cohere.encode import encode, refuses, unsupported_fields
from adapters.providers.dialect import ProviderDialect
from adapters.providers.framing.sse import EventFramer
from adapters.providers.openai import headers

COHERE = ProviderDialect(
    name=NAME,
    path=lambda model, stream: "chat",
    headers=headers,
    encode=encode,
    refuses=refuses,
    unsupported=unsupported_fields,
    decode=decode,
    start=lambda: START,
    step=step,
    failure=failure,
    framer=EventFramer,
)
