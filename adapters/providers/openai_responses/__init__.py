"""OpenAI's Responses API, as a provider.

House rule: a request of a caller of the same dialect passes through byte for byte, except the model's name and the
output cap. The parts are in this package: `answer` (decode and step), `items`, `usage`, `failure`, `encode`, `turns`.

https://developers.openai.com/api/reference/resources/responses
"""

from typing import Any

import msgspec

from adapters.providers.dialect import ProviderDialect
from adapters.providers.framing.sse import EventFramer
from adapters.providers.openai import headers
from adapters.providers.openai_responses.answer import decode, start, step
from adapters.providers.openai_responses.encode import encode, refuses, unsupported_fields
from adapters.providers.openai_responses.failure import NAME, failure
from adapters.providers.openai_responses.fitting import fitted_input
from domain.catalog.vendors import vendor_of
from domain.model_api.call import Attempt, ModelCall

_ENCODER = msgspec.json.Encoder()


def pass_through(call: ModelCall, attempt: Attempt) -> bytes:
    """Return the caller's fields, byte for byte and in their order, except the few that the hub controls.

    `fitting` removes from the input what only the hub has added.
    """
    fields: dict[str, Any] = dict(call.fields)
    fields["model"] = attempt.target.model
    if "input" in fields:
        vendor = vendor_of(attempt.target.provider, attempt.target.base_url)
        fields["input"] = fitted_input(fields["input"], known=vendor.call_ids is not None)
    if attempt.output_cap is not None:
        fields["max_output_tokens"] = attempt.output_cap
    if attempt.uses_cap is not None:
        fields["max_tool_calls"] = attempt.uses_cap
    return _ENCODER.encode(fields)


RESPONSES = ProviderDialect(
    name=NAME,
    path=lambda model, stream: "responses",
    headers=headers,
    pass_through=pass_through,
    encode=encode,
    refuses=refuses,
    unsupported=unsupported_fields,
    decode=decode,
    start=start,
    step=step,
    failure=failure,
    framer=EventFramer,
    defers=True,
)
