"""OpenAI's chat-completions dialect on the provider's side, for OpenAI and every compatible server.

House rule: a pass-through changes only what it must in the caller's body: the model's name, the usage option and the
output cap. The parts are in this package: `answer` (decode and step), `usage`, `tool_calls`, `failure`, `encode`.
"""

from typing import Any

import msgspec

from adapters.providers.decode_errors import DECODE_ERRORS
from adapters.providers.dialect import Headers, ProviderDialect
from adapters.providers.framing.sse import EventFramer
from adapters.providers.openai.answer import START, decode, is_complete, step
from adapters.providers.openai.encode import encode, refuses, unsupported_fields
from adapters.providers.openai.failure import NAME, failure
from adapters.providers.openai.fitting import fit
from adapters.providers.openai.repairs import repairs_for
from domain.catalog.vendor import CAPS
from domain.catalog.vendors import vendor_of
from domain.model_api.call import Attempt, ModelCall
from domain.model_api.events import Event, UsageReported

_JSON: Headers = (("content-type", "application/json"),)
_ENCODER = msgspec.json.Encoder()
_OPTIONS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TRUE = msgspec.Raw(b"true")
_ASK_FOR_USAGE = msgspec.Raw(b'{"include_usage":true}')


def headers(secret: str | None) -> Headers:
    """Return a bearer token, as https://developers.openai.com/api/reference/overview#authentication describes."""
    return _JSON if secret is None else (*_JSON, ("authorization", f"Bearer {secret}"))


def pass_through(call: ModelCall, attempt: Attempt) -> bytes:
    """Return the caller's fields, byte for byte and in their order, except the three that the hub controls.

    `fit` renames fields for a vendor that has other names for them.
    """
    vendor = vendor_of(attempt.target.provider, attempt.target.base_url)
    fields: dict[str, Any] = dict(call.fields)
    fields["model"] = attempt.target.model
    if call.stream:
        fields["stream_options"] = asking_for_usage(call.fields.get("stream_options"))
    if attempt.output_cap is not None:
        fields[call.cap_field or vendor.caps[0]] = attempt.output_cap
        for name in CAPS:
            # A caller may send both caps. Both are replaced, or the second would bypass the hub's cap.
            if name in call.fields and name != call.cap_field and bytes(call.fields[name]) != b"null":
                fields[name] = attempt.output_cap
    return _ENCODER.encode(fit(fields, vendor))


def hidden_from_caller(call: ModelCall, events: tuple[Event, ...]) -> bool:
    """Whether to hide a chunk that contains only usage, which the hub requested and the caller did not.

    `step` turns such a chunk into one `UsageReported` and nothing else, unless it is the first chunk of the answer. A
    chunk with usage and choices always gives a further event, so it is never hidden.
    """
    if call.wants_usage or not events or type(events[-1]) is not UsageReported:
        return False
    return len(events) == 1


def asking_for_usage(options: msgspec.Raw | None) -> msgspec.Raw:
    """Return the caller's stream options with usage included; invalid options are left for the provider to reject.

    https://developers.openai.com/api/reference/resources/chat/subresources/completions/methods/create
    """
    if options is None or (sent := bytes(options)) == b"null":
        return _ASK_FOR_USAGE
    if sent == b'{"include_usage":true}' or sent == b'{"include_usage": true}':
        return options
    try:
        merged = _OPTIONS.decode(sent)
    except DECODE_ERRORS:
        return options
    merged["include_usage"] = _TRUE
    return msgspec.Raw(_ENCODER.encode(merged))


OPENAI = ProviderDialect(
    name=NAME,
    path=lambda model, stream: "chat/completions",
    headers=headers,
    pass_through=pass_through,
    encode=encode,
    refuses=refuses,
    unsupported=unsupported_fields,
    decode=decode,
    start=lambda: START,
    step=step,
    failure=failure,
    framer=EventFramer,
    hidden_from_caller=hidden_from_caller,
    is_complete=is_complete,
    terminal=b"data: [DONE]\n\n",
    repairs=repairs_for,
)
