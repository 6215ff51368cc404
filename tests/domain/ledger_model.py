"""The model that the ledger machine compares the books with, and the rates and thresholds of its world."""

from domain.pricing.rate import Rate
from tests.domain.build import a_rate

RATES: tuple[Rate, ...] = (
    a_rate(),
    a_rate(id="rate-2", provider="bolt", cache_write_1h_nanos=900_000_000, output_nanos=350_000_001),
    a_rate(id="rate-3", provider="calm", input_nanos=1, output_nanos=7),
)

THRESHOLDS = {"ada": 700_000, "bob": 500_000}


class Model:
    """Credit is in one of four places, and nothing makes or loses any of it."""

    def __init__(self) -> None:
        self.issued = self.revenue = self.breakage = self.withdrawn = 0
        self.held: dict[str, int] = {}

    @property
    def available(self) -> int:
        return self.issued - self.revenue - self.breakage - self.withdrawn - sum(self.held.values())


def cost(rate: Rate, body_bytes: int, output_tokens: int) -> int:
    """The most that so much can cost, in the test's own arithmetic."""
    dearest_input = max(rate.input_nanos, rate.prices.cache_write_1h_nanos or 0)
    return -(-((body_bytes + 1_500) * dearest_input + output_tokens * rate.output_nanos) // 1_000_000)
