"""What a call cost the operator, and how the provider's answer decides about charge and cost."""

import msgspec
import pytest

from domain.billing.metering import Meter, observe
from domain.billing.plan import Plan
from domain.billing.settlement import Outcome, total_cost
from domain.billing.verification import Totals
from domain.books.rows import Call
from domain.model_api.call import AttemptRecord
from domain.model_api.events import UsageReported
from domain.pricing.money import NANOS_PER_CREDIT as CREDIT
from domain.pricing.tiers import Tier, UnitPrices
from domain.usage import Usage
from tests.domain.build import (
    a_candidate,
    a_chat_call,
    a_grant,
    a_meter,
    a_plan_request,
    a_rate,
    an_answer,
    an_outcome,
    books_with,
    plan_in,
    proof,
    settle_in,
    started_in,
)
from tests.domain.test_price_book import DOLLAR, a_price

REPORTED = Usage(input_tokens=1_000, output_tokens=10)
ANSWERED = AttemptRecord(provider="acme", outcome="answered", status=200)
PRIORITY = Tier(prices=UnitPrices(input_nanos=300_000_000), service="priority")


def reported(service: str | None = None, cost_nanos: int | None = None, usage: Usage = REPORTED) -> Meter:
    report = UsageReported(usage=usage, service_tier=service, cost_nanos=cost_nanos)
    return observe(a_meter(an_answer()[:1]), (report, *an_answer()[1:]))


def settled(outcome: Outcome) -> Call:
    books = books_with(a_grant())
    started_in(books, a_plan_request())
    call = settle_in(books, outcome).call
    assert call is not None
    assert isinstance(proof(books), Totals)
    return call


def test_an_answer_costs_what_the_price_book_gives_for_its_usage() -> None:
    """1,000 tokens at 3,000 nano-dollars and 10 at 15,000."""
    price = a_price()

    call = settled(an_outcome(meter=reported(), attempts=(ANSWERED,), price=price))

    assert (call.cost_nanos, call.price_id) == (3_150_000, price.id)
    assert [attempt.cost_nanos for attempt in call.attempts] == [3_150_000]


@pytest.mark.parametrize(("service", "charge", "cost"), [
    ("priority", 306_000, 6_150_000),
    ("default",  156_000, 3_150_000),
    (None,       156_000, 3_150_000),
])  # fmt: skip
def test_charge_and_cost_follow_the_service_that_the_answer_reports(
    service: str | None, charge: int, cost: int
) -> None:
    rate = a_rate(tiers=(PRIORITY,))
    price = a_price(tiers=(Tier(prices=UnitPrices(input_nanos=6 * DOLLAR), service="priority"),))
    books = books_with(a_grant(), msgspec.structs.replace(rate, id="rate-2"))
    sold = msgspec.structs.replace(rate, id="rate-2")
    requested = a_chat_call(fields={"service_tier": msgspec.Raw(b'"priority"')})
    planned = plan_in(books, a_plan_request(call=requested, candidates=(a_candidate(sold),)))
    assert isinstance(planned, Plan)

    call = settle_in(books, an_outcome(meter=reported(service), attempts=(ANSWERED,), rate=sold, price=price)).call

    assert call is not None
    assert (call.service_tier, call.charge_nanos, call.cost_nanos) == (service, charge, cost)
    assert isinstance(proof(books), Totals), "the auditor derives it from the service in the call's row"


def test_a_reported_charge_is_believed_of_providers_known_to_report_dollars() -> None:
    target = a_candidate().target
    router = msgspec.structs.replace(target, provider="openrouter")

    routed = settled(an_outcome(meter=reported(cost_nanos=77), attempts=(ANSWERED,), served=router, price=a_price()))
    other = settled(an_outcome(meter=reported(cost_nanos=77), attempts=(ANSWERED,), served=target, price=a_price()))

    assert (routed.cost_nanos, routed.price_id) == (77, None)
    assert other.cost_nanos == 3_150_000


@pytest.mark.parametrize(("outcome", "cost"), [
    ("unreachable", 0), ("overloaded", 0), ("credential_rejected", 0), ("request_rejected", 0),
    ("timed_out", None), ("unavailable", None), ("truncated", None), ("malformed", None),
])  # fmt: skip
def test_what_failed_before_the_provider_could_work_costs_nothing_and_what_may_have_cost_is_unknown(
    outcome: str, cost: int | None
) -> None:
    failed = AttemptRecord(provider="acme", outcome=outcome)

    call = settled(an_outcome(meter=reported(), attempts=(failed, ANSWERED), price=a_price()))

    assert [attempt.cost_nanos for attempt in call.attempts] == [cost, 3_150_000]
    assert call.cost_nanos == (None if cost is None else 3_150_000), "a sum with an unknown part is unknown"


@pytest.mark.parametrize("changes", [
    {"price": None},
    {"price": a_price(prices=UnitPrices(input_nanos=DOLLAR))},
    {"ending": "provider_failed", "meter": Meter()},
])  # fmt: skip
def test_what_nobody_knows_is_unknown_and_never_zero(changes: dict[str, object]) -> None:
    outcome = an_outcome(meter=reported(), attempts=(ANSWERED,), price=a_price())

    call = settled(msgspec.structs.replace(outcome, **changes))

    assert call.cost_nanos is None
    assert call.attempts[0].cost_nanos is None


def test_a_model_that_is_charged_by_the_request_costs_one() -> None:
    price = a_price(prices=UnitPrices(input_nanos=0, output_nanos=0, request_nanos=5_000 * CREDIT))

    assert settled(an_outcome(meter=reported(), attempts=(ANSWERED,), price=price)).cost_nanos == 5_000_000


def test_no_attempt_costs_nothing() -> None:
    assert total_cost(()) == 0
