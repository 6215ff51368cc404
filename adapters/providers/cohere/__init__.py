"""Cohere's chat, version 2 (https://docs.cohere.com/reference/chat), as a provider; no caller uses this dialect.

Its messages are similar to OpenAI's; its reasoning, sampling fields, stream and usage are not. The parts are in this
package: `encode` (requests and unsupported fields), `answer` (decode and step).
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
