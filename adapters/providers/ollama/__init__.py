"""Ollama's own chat API (https://docs.ollama.com/api/chat), as a provider; no caller uses this dialect.

The hub uses OpenAI's dialect for a provider named `ollama`, which Ollama also serves and which passes callers of that
dialect through. This dialect must be chosen (`--dialect ollama`, with the server's root as its URL). It has
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
