"""What of a canonical request neither Anthropic nor Converse has a word for, by the name that the caller gave it."""

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from domain.chat import ChatRequest

_NUMBER = msgspec.json.Decoder(Decimal)


def unsayable_sampling(request: ChatRequest) -> Iterator[str]:
    """Several answers, a seed, and temperatures that only OpenAI has."""
    if request.choices != 1:
        yield "n"
    if request.seed is not None:
        yield "seed"
    # OpenAI's range is 0 to 2, theirs 0 to 1; halving it would be another wish than the caller's.
    if request.temperature is not None and not 0 <= _NUMBER.decode(request.temperature) <= 1:
        yield "temperature"
