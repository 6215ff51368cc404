"""Ollama's own chat API (https://docs.ollama.com/api/chat), the provider's side; no caller speaks it.

A provider named `ollama` is spoken to in OpenAI's dialect, which Ollama serves beside its own and which passes callers
of that dialect through. This one is for who asks for it (`--dialect ollama`, with the server's root as its URL): it has
`keep_alive`, `options` and `think`, which the other lacks. The parts: `encode` (requests), `answer` (decode and step).
"""

from adapters.providers.dialect import ProviderDialect
from adapters.providers.framing.ndjson import LineFramer
from adapters.providers.ollama.answer import NAME, START, decode, failure, step
from adapters.providers.ollama.encode import encode, refuses, unsupported_fields
from adapters.providers.openai import headers

OLLAMA = ProviderDialect(
    name=NAME,
    path=lambda model, stream: "api/chat",
    headers=headers,
    encode=encode,
    refuses=refuses,
    unsupported=unsupported_fields,
    decode=decode,
    start=lambda: START,
    step=step,
    failure=failure,
    framer=LineFramer,
)
