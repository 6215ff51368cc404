"""Whether a call may start, and what is held for it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.billing.plan import Affordable, Plan, Refused, Stale
from domain.billing.verification import Totals
from domain.books.rows import Row
from domain.ledger.ledger import available
from domain.model_api.call import ModelCall
from domain.pricing.bounds import Bound, bound
from domain.pricing.rate import Rate
from domain.refusals import (
    InsufficientCredit,
    InvalidKey,
    Refusal,
    Unbounded,
    UnpricedFeature,
)
from tests.domain.build import (
    BOUND_NANOS,
    FINGERPRINT,
    NOW_MS,
    a_candidate,
    a_chat_call,
    a_grant,
    a_key,
    a_plan_request,
    a_rate,
    an_offer,
    books_with,
    candidates_for,
    plan_in,
    proof,
)
from tests.domain.strategies import rates

CHEAP = a_rate(id="rate-2", provider="bolt", input_nanos=15_000_000, output_nanos=60_000_000)
DEAR = a_rate(id="rate-3", provider="calm", input_nanos=1_500_000_000, output_nanos=6_000_000_000)


def test_a_call_starts_with_its_bound_held() -> None:
    books = books_with(a_grant(1_000_000))

    planned = plan_in(books, a_plan_request("call-1"))

    assert isinstance(planned, Plan)
    assert books.holds == {"call-1": planned.hold}
    assert planned.hold.hold_nanos == BOUND_NANOS
    assert books.calls == {}
    assert available(books.wallet("ada"), NOW_MS) == 1_000_000 - BOUND_NANOS


# --- refusals -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("key", "refusal"), [
    (a_key(),                       None),
    (a_key(revoked_ms=NOW_MS - 1),  InvalidKey(reason="revoked")),
    (a_key(revoked_ms=NOW_MS),      InvalidKey(reason="revoked")),
    (a_key(user_id="nobody"),       InvalidKey()),
    (a_key(fingerprint="another"),  InvalidKey()),
])  # fmt: skip
def test_only_a_known_key_that_is_not_revoked_starts_a_call(key: Row, refusal: Refusal | None) -> None:
    """From the moment of the revocation on, in any process. (G24)"""
    books = books_with(a_grant())
    books.keys.clear()
    books.keys_by_fingerprint.clear()
    books.apply(key)

    planned = plan_in(books, a_plan_request(), fingerprint=FINGERPRINT)

    assert (planned.refusal if isinstance(planned, Refused) else None) == refusal


@pytest.mark.parametrize(("call", "refusal"), [
    (a_chat_call(opaque_input="image_url"),         Unbounded(model="acme/small", field="image_url", cause="context")),
    (a_chat_call(hosted_tools=("web_search",)),     UnpricedFeature(model="acme/small", feature="web_search")),
])  # fmt: skip
def test_a_call_without_a_bound_or_a_price_is_refused_whatever_the_wallet(call: ModelCall, refusal: Refusal) -> None:
    planned = plan_in(books_with(a_grant()), a_plan_request(call=call))

    assert Refused(refusal=refusal) == planned


def test_a_call_that_one_provider_can_bound_is_planned_for_that_provider() -> None:
    known = a_rate(id="rate-2", provider="bolt", context_tokens=1_000)
    requested = a_plan_request(
        call=a_chat_call(opaque_input="image_url"), candidates=candidates_for(an_offer(), an_offer(known, "bolt"))
    )

    planned = plan_in(books_with(a_grant()), requested)

    assert isinstance(planned, Plan)
    assert _providers(planned) == {"bolt"}


def test_a_wallet_that_cannot_cover_the_call_is_reported_what_is_missing_and_where_to_pay() -> None:
    planned = plan_in(books_with(a_grant(BOUND_NANOS - 1)), a_plan_request(payment_link="https://pay.example"))

    refusal = InsufficientCredit(
        bound_nanos=BOUND_NANOS, available_nanos=BOUND_NANOS - 1, payment_link="https://pay.example"
    )
    assert Refused(refusal=refusal) == planned
    assert refusal.short_by_nanos == 1


@pytest.mark.parametrize(("version", "starts"), [
    (0,  True),
    (1,  False),
    (7,  False),
])  # fmt: skip
def test_a_call_that_was_routed_by_an_older_catalogue_is_routed_again(version: int, starts: bool) -> None:
    books = books_with(a_grant())
    books.version = version

    planned = plan_in(books, a_plan_request(version=0))

    assert isinstance(planned, Plan if starts else Stale)


def test_a_refused_call_writes_nothing() -> None:
    books = books_with(a_grant(1))

    plan_in(books, a_plan_request("call-1", idempotency_key="k"))

    assert books.holds == {}
    assert books.idempotency == {}
    assert isinstance(proof(books), Totals)


# --- what is held ---------------------------------------------------------------------------------------------


def test_a_wallet_that_covers_a_call_to_the_nano_is_enough() -> None:
    books = books_with(a_grant(BOUND_NANOS))

    assert isinstance(plan_in(books, a_plan_request("call-1")), Plan)
    assert available(books.wallet("ada"), NOW_MS) == 0


@given(st.integers(0, 20 * BOUND_NANOS), st.lists(st.integers(1, 3 * BOUND_NANOS), max_size=5))
def test_exactly_as_many_holds_fit_as_the_balance_covers(balance: int, more: list[int]) -> None:
    """However the balance is spread over grants, and never one more. (G1)"""
    grants = [a_grant(nanos, id=f"grant-{n}") for n, nanos in enumerate([balance, *more]) if nanos]
    books = books_with(*grants)
    total = balance + sum(more)

    started = [isinstance(plan_in(books, a_plan_request(f"call-{n}")), Plan) for n in range(total // BOUND_NANOS + 2)]

    fits = total // BOUND_NANOS
    assert started == [True] * fits + [False, False]
    assert available(books.wallet("ada"), NOW_MS) == total - fits * BOUND_NANOS


def test_the_hold_covers_the_dearest_provider_that_may_answer() -> None:
    requested = a_plan_request(candidates=candidates_for(an_offer(), an_offer(CHEAP, "bolt"), an_offer(DEAR, "calm")))

    planned = plan_in(books_with(a_grant()), requested)

    assert isinstance(planned, Plan)
    assert planned.hold.hold_nanos == 10 * BOUND_NANOS
    assert _providers(planned) == {"acme", "bolt", "calm"}


def test_a_provider_that_the_wallet_cannot_cover_is_left_out() -> None:
    requested = a_plan_request(candidates=candidates_for(an_offer(), an_offer(CHEAP, "bolt"), an_offer(DEAR, "calm")))

    planned = plan_in(books_with(a_grant(2 * BOUND_NANOS)), requested)

    assert isinstance(planned, Plan)
    assert planned.hold.hold_nanos == BOUND_NANOS
    assert _providers(planned) == {"acme", "bolt"}


@given(st.permutations([a_rate(), CHEAP, DEAR]), st.integers(0, 12 * BOUND_NANOS), st.none() | st.integers(1, 500))
def test_the_order_of_the_providers_changes_no_money(order: list[Rate], balance: int, cap: int | None) -> None:
    """So forgetting the advice, which is all that orders them, changes none."""

    def outcome(sold: list[Rate]) -> tuple[int, frozenset[str]] | Refusal:
        requested = a_plan_request(
            call=a_chat_call(output_tokens_max=cap), candidates=tuple(a_candidate(rate, rate.provider) for rate in sold)
        )
        planned = plan_in(books_with(a_grant(balance + 1)), requested)
        assert isinstance(planned, Plan | Refused)
        return planned.refusal if isinstance(planned, Refused) else (planned.hold.hold_nanos, _providers(planned))

    assert outcome(order) == outcome([a_rate(), CHEAP, DEAR])


def test_a_cap_is_lowered_where_only_a_shorter_answer_fits() -> None:
    """1,000 tokens at 600 nanos, beside 300,000 for the input."""
    requested = a_plan_request(call=a_chat_call(output_tokens_max=None))

    planned = plan_in(books_with(a_grant(900_000)), requested)

    assert isinstance(planned, Plan)
    assert planned.affordable == (
        Affordable(
            candidate=requested.candidates[0],
            bound=Bound(nanos=900_000, input_tokens=2_000, output_tokens=1_000, output_cap=1_000),
        ),
    )
    assert planned.hold.hold_nanos == 900_000


def test_the_callers_own_cap_is_refused_rather_than_lowered() -> None:
    planned = plan_in(books_with(a_grant(900_000)), a_plan_request(call=a_chat_call(output_tokens_max=1_001)))

    assert Refused(refusal=InsufficientCredit(bound_nanos=900_600, available_nanos=900_000)) == planned


@given(rates(), st.integers(1, 10_000), st.none() | st.integers(1, 4_000), st.integers(1, 10**9))
def test_what_is_held_is_covered_and_covers_every_provider_of_the_plan(
    rate: Rate, body_bytes: int, cap: int | None, balance: int
) -> None:
    """(G1)"""
    call = a_chat_call(body_bytes=body_bytes, output_tokens_max=cap)

    planned = plan_in(books_with(a_grant(balance)), a_plan_request(call=call, candidates=(a_candidate(rate),)))

    full = bound(call, rate)
    assert isinstance(full, Bound)
    if isinstance(planned, Plan):
        assert planned.hold.hold_nanos <= balance
        limits = [entry.bound.nanos for entry in planned.affordable if entry.bound]
        assert limits == [planned.hold.hold_nanos]
        assert planned.hold.hold_nanos == full.nanos or cap is None
    else:
        assert Refused(refusal=InsufficientCredit(bound_nanos=full.nanos, available_nanos=balance)) == planned


@pytest.mark.parametrize("call", [
    a_chat_call(),
    a_chat_call(output_tokens_max=10**15),
    a_chat_call(opaque_input="image_url"),
    a_chat_call(hosted_tools=("web_search",)),
])  # fmt: skip
def test_without_billing_no_call_is_refused_for_credit_and_nothing_is_held(call: ModelCall) -> None:
    books = books_with()

    planned = plan_in(books, a_plan_request("call-1", call, billed=False))

    assert isinstance(planned, Plan)
    assert (planned.hold.hold_nanos, planned.hold.hold_lines) == (0, ())
    assert books.journal == {}


def _providers(planned: Plan) -> frozenset[str]:
    return frozenset(entry.candidate.target.provider for entry in planned.affordable)
