"""The probable charge of a call, for choosing the cheapest target and for quotes.

It is not a bound: no hold depends on it.
"""

import msgspec

from domain.model_api.call import ModelCall
from domain.pricing.bounds import requested_services
from domain.pricing.charge import price
from domain.pricing.rate import Rate
from domain.pricing.tiers import Occasion
from domain.usage import Usage

# The assumed length of an answer: some 2,000 characters.
OUTPUT_TOKENS_EXPECTED = 500


def expected_nanos(call: ModelCall, rate: Rate) -> int:
    """The probable charge of the call under a rate, in nanocredits, in the tier of its size and requested service.

    A text of 4,000 bytes and no cap, at 150 nanos a token in and 600 out: 1,000 and 500 tokens, so 450,000 nanos.
    """
    service = min(requested_services(call), default=None)
    occasion = Occasion(service=service, size=call.size, quality=call.quality)
    return price(_expected(call, rate), rate, occasion).total_nanos


def expected_input(call: ModelCall, rate: Rate | None) -> int:
    """The probable tokens of the input: the estimate, at most the model's context."""
    tokens = call.likely_input_tokens
    if rate is None or rate.context_tokens is None:
        return tokens
    return min(tokens, rate.context_tokens * call.inputs)


def likely_tokens(call: ModelCall, rate: Rate | None) -> int:
    """The probable tokens of the call, in and out; `rate` reports what the model takes and writes at most."""
    return expected_input(call, rate) + _per_choice(call, rate) * call.choices


def _expected(call: ModelCall, rate: Rate) -> Usage:
    """The probable input, an answer of usual length, and the requested pieces."""
    return msgspec.structs.replace(
        call.pieces,
        input_tokens=expected_input(call, rate),
        output_tokens=_per_choice(call, rate) * call.choices,
        requests=1,
    )


def _per_choice(call: ModelCall, rate: Rate | None) -> int:
    """The usual length, or the caller's cap if that is lower. Only texts have output tokens."""
    if not call.kind.text:
        return 0
    caps = (OUTPUT_TOKENS_EXPECTED, call.output_tokens_max, rate.output_tokens_max if rate is not None else None)
    return min(cap for cap in caps if cap is not None)
