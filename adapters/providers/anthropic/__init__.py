"""Anthropic's messages API, as a provider.

House rule: a request of a caller of the same dialect passes through byte for byte, except the model's name, the output
cap, and what the API is known to reject (`fitting`). All other modules are for callers of other dialects and for
answers (`encode`, `refuse`, `blocks`, `stream`, `usage`, `failure`).

https://platform.claude.com/docs/en/api/messages/create
"""

from typing import Any

import msgspec

from adapters.providers.anthropic.blocks import decode
from adapters.providers.anthropic.encode import encode
from adapters.providers.anthropic.failure import failure
from adapters.providers.anthropic.fitting import fit
from adapters.providers.anthropic.hosted_tool_bounds import bounded_tools
from adapters.providers.anthropic.refuse import refuses, unsupported_fields
from adapters.providers.anthropic.stream import is_complete, start, step
from adapters.providers.dialect import Headers, ProviderDialect
from adapters.providers.framing.sse import EventFramer
from domain.catalog.vendors import vendor_of
from domain.model_api.call import Attempt, ModelCall

_ENCODER = msgspec.json.Encoder()
_VERSION = ("anthropic-version", "2023-06-01")


def _headers(secret: str | None) -> Headers:
    return (_VERSION,) if secret is None else (("x-api-key", secret), _VERSION)


def _pass_through(call: ModelCall, attempt: Attempt) -> bytes:
    target = attempt.target
    fields: dict[str, Any] = {**call.fields, "model": target.model}
    if attempt.output_cap is not None:
        fields["max_tokens"] = attempt.output_cap
    if attempt.uses_cap is not None:
        fields["tools"] = bounded_tools(call.fields["tools"], attempt.uses_cap)
    known = vendor_of(target.provider, target.base_url).dialect == "anthropic"
    return _ENCODER.encode(fit(fields, target.model, known))


ANTHROPIC = ProviderDialect(
    name="anthropic",
    path=lambda model, stream: "messages",
    headers=_headers,
    pass_through=_pass_through,
    encode=encode,
    refuses=refuses,
    unsupported=unsupported_fields,
    decode=decode,
    start=start,
    step=step,
    failure=failure,
    framer=EventFramer,
    is_complete=is_complete,
    terminal=b'event: message_stop\ndata: {"type":"message_stop"}\n\n',
)
