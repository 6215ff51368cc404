"""Rankings of documents: search units, the bound by them, and what is charged where the provider counts otherwise."""

import pytest

from domain.billing.metering import Measured
from domain.billing.settlement import measured_of
from domain.model_api.events import Ended, UsageReported
from domain.model_api.rerank import search_units
from domain.pricing.bounds import Bound, bound
from domain.usage import Usage
from tests.domain.build import a_chat_call, a_rate, an_outcome

FREE = {"input_nanos": 0, "output_nanos": 0}
UNIT = 2_000_000 * 1_000_000  # Two thousandths of a credit for one, in nanos per million.


@pytest.mark.parametrize(("query", "documents", "units"), [
    (10, [10], 1),
    (10, [490] * 100, 1),
    (10, [491] * 100, 2),           # with the query 501 tokens each: two chunks
    (10, [10] * 101, 2),
    (10, [0] * 100, 1),
    (9_000, [250] * 100, 1),        # a long query leaves half of a chunk
    (9_000, [251] * 100, 2),
    (10, [1_000_000], 21),
    (10, [1_000_000] * 100, 100),   # no more chunks than Cohere takes
    (10, [10] * 15_000, 150),
])  # fmt: skip
def test_a_search_unit_is_a_query_with_a_hundred_chunks(query: int, documents: list[int], units: int) -> None:
    assert units == search_units(query, documents)


def test_a_ranking_is_bounded_by_the_most_units_that_its_bytes_can_be() -> None:
    call = a_chat_call(operation="rerank", output_tokens_max=None, cap_field=None, search_units_max=3)

    limit = bound(call, a_rate(**FREE, search_unit_nanos=UNIT))

    assert isinstance(limit, Bound)
    assert (6_000_000, 0) == (limit.nanos, limit.output_tokens)


BY_UNIT, BY_TOKEN = a_rate(**FREE, search_unit_nanos=UNIT), a_rate(input_nanos=1_000_000, output_nanos=0)


@pytest.mark.parametrize(("reported", "rate", "usage", "source"), [
    (Usage(search_units=3), BY_UNIT, Usage(search_units=3), "provider"),
    (Usage(input_tokens=50), BY_UNIT, Usage(input_tokens=50, search_units=2), "estimated"),
    (None, BY_UNIT, Usage(search_units=2), "estimated"),
    (Usage(input_tokens=50), BY_TOKEN, Usage(input_tokens=50), "provider"),
    (Usage(search_units=3), BY_TOKEN, Usage(input_tokens=100, search_units=3), "estimated"),
    (None, BY_TOKEN, Usage(input_tokens=100), "estimated"),
    (Usage(search_units=3), None, Usage(search_units=3), "provider"),
    (None, None, Usage(input_tokens=100), "estimated"),
])  # fmt: skip
def test_what_a_ranking_is_sold_by_is_estimated_where_it_was_not_counted(
    reported: Usage | None, rate: object, usage: Usage, source: object
) -> None:
    events = (*(() if reported is None else (UsageReported(usage=reported),)), Ended())

    outcome = an_outcome(events=events, rate=rate, pieces=Usage(search_units=2), input_tokens=100)

    assert Measured(usage=usage, source=source) == measured_of(outcome)  # type: ignore[arg-type]
