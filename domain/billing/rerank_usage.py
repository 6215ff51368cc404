"""What a ranking of documents used: some providers count it in search units, others in tokens."""

import msgspec

from domain.billing.metering import Measured, Meter
from domain.books.rows import UsageSource
from domain.pricing.rate import Rate
from domain.usage import Usage

_NOTHING = Usage()


def ranked(meter: Meter, input_tokens: int, pieces: Usage, rate: Rate | None) -> Measured:
    """The usage that a ranking is charged for: priced units that the provider did not count are estimated.

    `input_tokens` is the estimate of the request's input, and `pieces` is what can be counted in the request
    (`ModelCall`).
    """
    reported = meter.reported or _NOTHING
    by_unit = rate is not None and rate.prices.search_unit_nanos is not None
    by_token = rate.input_nanos > 0 or not by_unit if rate is not None else not reported.search_units
    estimated = input_tokens if by_token else 0
    usage = msgspec.structs.replace(
        reported,
        input_tokens=reported.input_tokens or estimated,
        search_units=reported.search_units or (pieces.search_units if by_unit else 0),
    )
    exact = (reported.search_units or not by_unit) and (reported.input_tokens or not by_token)
    source: UsageSource = "estimated" if not exact else "adjusted" if meter.notes else "provider"
    return Measured(usage=usage, source=source, note="; ".join(meter.notes) or None)
