"""OpenAI's chat-completions dialect, the provider's side, for OpenAI and every server that speaks the same.

House rule: on the way through, nothing of the caller's body changes but what must: the model's name, the usage
option, the output cap. The parts live beside this file: `answer` (decode and step), `usage`,
`calls`, `failure`, `encode`.
"""

from typing import Any

import msgspec

from adapters.providers.decode_errors import NONSENSE
from adapters.providers.dialect import Headers, ProviderDialect
from adapters.providers.framing.sse import EventFramer
from adapters.providers.openai.answer import START, decode, step, whole_at
from adapters.providers.openai.encode import encode, lacks, refuses
from adapters.providers.openai.failure import NAME, failure
from adapters.providers.openai.fitting import fit
from adapters.providers.openai.mending import mending
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
    """A bearer token, as https://developers.openai.com/api/reference/overview#authentication asks for."""
    return _JSON if secret is None else (*_JSON, ("authorization", f"Bearer {secret}"))


def pass_through(call: ModelCall, attempt: Attempt) -> bytes:
    """The caller's own fields, byte for byte and in their order, with the three that the hub answers for.

    A vendor whose words differ gets its own words for the same (`fit`).
    """
    vendor = vendor_of(attempt.target.provider, attempt.target.base_url)
    fields: dict[str, Any] = dict(call.fields)
    fields["model"] = attempt.target.model
    if call.stream:
        fields["stream_options"] = asking_for_usage(call.fields.get("stream_options"))
    if attempt.output_cap is not None:
        fields[call.cap_field or vendor.caps[0]] = attempt.output_cap
        for name in CAPS:
            # A caller may have sent both: a cap that stays where it was would be a way past the hub's.
            if name in call.fields and name != call.cap_field and bytes(call.fields[name]) != b"null":
                fields[name] = attempt.output_cap
    return _ENCODER.encode(fit(fields, vendor))


def hides(call: ModelCall, events: tuple[Event, ...]) -> bool:
    """The chunk of usage alone, which OpenAI sends only to those who asked for it: the hub asked, not the caller.

    `step` makes of it one `UsageReported` and nothing else, unless it is the first chunk of the answer. A chunk that
    has usage and choices always gives a further event, so it is never hidden.
    """
    if call.wants_usage or not events or type(events[-1]) is not UsageReported:
        return False
    return len(events) == 1


def asking_for_usage(options: msgspec.Raw | None) -> msgspec.Raw:
    """The caller's stream options with usage in them; what cannot be merged is left for the provider to refuse.

    https://developers.openai.com/api/reference/resources/chat/subresources/completions/methods/create
    """
    if options is None or (sent := bytes(options)) == b"null":
        return _ASK_FOR_USAGE
    if sent == b'{"include_usage":true}' or sent == b'{"include_usage": true}':
        return options
    try:
        merged = _OPTIONS.decode(sent)
    except NONSENSE:
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
    lacks=lacks,
    decode=decode,
    start=lambda: START,
    step=step,
    failure=failure,
    framer=EventFramer,
    hides=hides,
    whole_at=whole_at,
    terminal=b"data: [DONE]\n\n",
    mender=mending,
)
