"""What a call is likely to come to, to compare who would make it cheapest, and to tell in a quote.

Not a bound: nothing is held by it.
"""

import msgspec

from domain.model_api.call import ModelCall
from domain.pricing.bounds import services_asked
from domain.pricing.charge import price
from domain.pricing.rate import Rate
from domain.pricing.tiers import Occasion
from domain.usage import Usage

# What an answer is taken to be where nothing is known of it: some 2,000 characters.
OUTPUT_TOKENS_EXPECTED = 500


def expected_nanos(call: ModelCall, rate: Rate) -> int:
    """The likely charge of the call under a rate, in nanocredits, in the tier of its size and of the service asked for.

    A text of 4,000 bytes and no cap, at 150 nanos a token in and 600 out: 1,000 and 500 tokens, so 450,000 nanos.
    """
    service = min(services_asked(call), default=None)
    occasion = Occasion(service=service, size=call.size, quality=call.quality)
    return price(_expected(call, rate), rate, occasion).total_nanos


def expected_input(call: ModelCall, rate: Rate | None) -> int:
    """The likely tokens of the input: the estimate of what it says, and no more than the model's context holds."""
    tokens = call.likely_input_tokens
    if rate is None or rate.context_tokens is None:
        return tokens
    return min(tokens, rate.context_tokens * call.inputs)


def _expected(call: ModelCall, rate: Rate) -> Usage:
    """The likely input, an answer of ordinary length, and the pieces that were asked for."""
    return msgspec.structs.replace(
        call.pieces,
        input_tokens=expected_input(call, rate),
        output_tokens=_per_choice(call, rate) * call.choices,
        requests=1,
    )


def _per_choice(call: ModelCall, rate: Rate) -> int:
    """A cap is what an answer may come to at the most; most are of a few hundred tokens. Only texts have any."""
    if call.operation not in ("chat", "completions"):
        return 0
    caps = (OUTPUT_TOKENS_EXPECTED, call.output_tokens_max, rate.output_tokens_max)
    return min(cap for cap in caps if cap is not None)
