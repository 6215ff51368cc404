"""What a call is likely to come to, to compare who would make it cheapest. Not a bound: nothing is held by it."""

import msgspec

from domain.books import Rate
from domain.calls import ModelCall
from domain.metering import BYTES_PER_TOKEN
from domain.pricing import price
from domain.tiers import Occasion

# A caller's cap is what an answer may come to at the most; most are of a few hundred tokens.
OUTPUT_TOKENS_EXPECTED = 512


def expected_nanos(call: ModelCall, rate: Rate) -> int:
    """The likely charge of the call under a rate, in nanocredits.

    4,000 bytes and no cap, at 150 nanos a token in and 600 out: 1,000 and 512 tokens, so 457,200 nanos.
    """
    caps = [OUTPUT_TOKENS_EXPECTED, call.output_tokens_max, rate.output_tokens_max]
    answers = call.choices if call.operation in ("chat", "completions") else 0
    usage = msgspec.structs.replace(
        call.pieces,
        input_tokens=-(-call.body_bytes // BYTES_PER_TOKEN),
        output_tokens=min(cap for cap in caps if cap is not None) * answers,
        requests=1,
    )
    return price(usage, rate, Occasion(size=call.size, quality=call.quality)).total_nanos
