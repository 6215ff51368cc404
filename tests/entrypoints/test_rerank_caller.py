"""What a request for a ranking tells of itself bounds what it is charged."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from domain.billing.settlement import measured_of
from domain.model_api.call import ModelCall
from domain.model_api.events import Ended
from domain.pricing.bounds import Bound, bound
from domain.pricing.charge import price
from entrypoints.http.dialects.openai_media.rerank import read
from tests.domain.build import a_rate, an_outcome

BY_UNIT = a_rate(input_nanos=0, output_nanos=0, search_unit_nanos=2_000_000 * 1_000_000)
BY_TOKEN = a_rate(input_nanos=1_000_000, output_nanos=0)


@given(st.text(min_size=1, max_size=3_000), st.lists(st.text(max_size=4_000), min_size=1, max_size=130))
def test_what_is_estimated_is_never_more_than_what_is_held(query: str, documents: list[str]) -> None:
    call = read(msgspec.json.encode({"model": "acme/small", "query": query, "documents": documents}))

    assert isinstance(call, ModelCall)
    assert 1 <= call.pieces.search_units <= call.search_units_max
    for rate in (BY_UNIT, BY_TOKEN):
        limit = bound(call, rate)
        measured = measured_of(
            an_outcome(events=(Ended(),), rate=rate, pieces=call.pieces, input_tokens=call.likely_input_tokens)
        )
        assert isinstance(limit, Bound)
        assert measured is not None
        assert 0 < price(measured.usage, rate).total_nanos <= limit.nanos
