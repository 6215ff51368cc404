"""What a ranking of documents used: some providers count it in search units, others in tokens."""

import msgspec

from domain.books import Rate
from domain.metering import BYTES_PER_TOKEN, Measured, Meter
from domain.usage import Usage

_NOTHING = Usage()


def ranked(meter: Meter, input_bytes: int, pieces: Usage, rate: Rate | None) -> Measured:
    """The usage that a ranking is charged for: what it is sold by and the provider did not count is estimated.

    `input_bytes` and `pieces` are what the request tells of itself (`ModelCall`).
    """
    told = meter.told or _NOTHING
    by_unit = rate is not None and rate.search_unit_nanos is not None
    by_token = rate.input_nanos > 0 or not by_unit if rate is not None else not told.search_units
    estimated = -(-input_bytes // BYTES_PER_TOKEN) if by_token else 0
    usage = msgspec.structs.replace(
        told,
        input_tokens=told.input_tokens or estimated,
        search_units=told.search_units or (pieces.search_units if by_unit else 0),
    )
    exact = (told.search_units or not by_unit) and (told.input_tokens or not by_token)
    return Measured(usage=usage, source="provider" if exact else "estimated")
