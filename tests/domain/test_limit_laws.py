"""Random calls under every kind of limit at once, against an exact model that keeps the whole history.

The model knows no rows: it counts calls in a list, and rates in fractions. A call starts exactly where the model allows
it, whatever came before; at no instant is anything over; and the auditor agrees with what was booked.
"""

from fractions import Fraction
from typing import Any

import msgspec
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from domain.accounts.rows import ApiKey
from domain.billing.plan import Plan, Refused
from domain.billing.verification import Totals
from domain.books.working_copy import Books
from domain.limits.rows import RATES, Budget, Limit, Period
from domain.pricing.cost_estimate import likely_tokens
from domain.usage import Usage
from tests.domain.build import (
    NOW_MS,
    a_chat_call,
    a_grant,
    a_key,
    a_plan_request,
    a_rate,
    a_user,
    an_answer,
    an_outcome,
    books_with,
    plan_in,
    proof,
    settle_in,
    sweep_in,
)
from tests.domain.build_limits import DAY_MS, DAYS_OF_PERIODS, a_budget, a_limit

WALLET = 10**15
LIMITS = (
    a_limit("hub", "requests", 5), a_limit("key:*", "requests", 3), a_limit("user:ada", "tokens", 1_500),
    a_limit("hub", "concurrency", 3), a_limit("key:key of ada", "concurrency", 1), a_limit("model:small", "tokens", 2_500),
)  # fmt: skip
BUDGETS = (
    a_budget(1_000_000, "day"), a_budget(1_400_000, "week", "hub"), a_budget(1_200_000, "month", "key:*"),
    a_budget(800_000, "run", "key:key of ada"), a_budget(3_000_000, "total", "model:acme/small"),
)  # fmt: skip


class Opened(msgspec.Struct):
    """A call as the model knows it."""

    user: str
    key: str
    run: str | None
    at_ms: int
    hold: int
    charge: int | None = None
    in_purse: bool = False

    @property
    def counts(self) -> int:
        return self.hold if self.charge is None else self.charge


class Model:
    """The history of all calls, and for each rate and subject when all of it is earned back, as a fraction."""

    def __init__(self, limits: tuple[Limit, ...], budgets: tuple[Budget, ...]) -> None:
        self.limits, self.budgets = limits, budgets
        self.calls: dict[str, Opened] = {}
        self.purses: dict[tuple[str, str], int] = {}
        self.buckets: dict[tuple[str, str], Fraction] = {}

    def subject(self, subject: str, call: Opened) -> str | None:
        """What of the call the limit counts for; None if it does not."""
        own = {"hub": "hub", "key": call.key, "user": call.user, "model": "m"}
        kind, _, name = subject.partition(":")
        return own[kind] if name in ("", "*", own[kind]) or kind == "model" else None

    def fill(self, limit: Limit, subject: str, now_ms: int) -> Fraction:
        """How full the bucket is: what was taken and is not yet earned back."""
        earned_ms = self.buckets.get((limit.id, subject), Fraction(0))
        return max(Fraction(0), earned_ms - now_ms) * limit.amount / limit.window_ms

    def allows(self, call: Opened, tokens: int) -> bool:
        purse = self.purse(call)
        return (
            all(self._allows_limit(limit, call, tokens) for limit in self.limits)
            and all(self.spent(budget, call, call.at_ms) + call.hold <= budget.amount_nanos for budget in self.budgets)
            and (purse is None or self.in_purse(call.user, call.run) + call.hold <= purse)
        )

    def purse(self, call: Opened) -> int | None:
        """The run's purse, or what a budget per run allows the key."""
        own = self.purses.get((call.user, call.run)) if call.run else None
        per_run = (one for one in self.budgets if one.period == "run" and self.subject(one.subject, call) is not None)
        return own if own is not None else next((budget.amount_nanos for budget in per_run), None)

    def in_purse(self, user: str, run: str | None) -> int:
        mine = (one for one in self.calls.values() if one.in_purse and (one.user, one.run) == (user, run))
        return sum(one.counts for one in mine) if run else 0

    def _allows_limit(self, limit: Limit, call: Opened, tokens: int) -> bool:
        subject = self.subject(limit.subject, call)
        if subject is None:
            return True
        if limit.measure == "concurrency":
            return sum(
                one.charge is None and self.subject(limit.subject, one) == subject for one in self.calls.values()
            ) < (limit.amount)
        return self.fill(limit, subject, call.at_ms) + self.units(limit, tokens) <= limit.amount

    def units(self, limit: Limit, tokens: int) -> int:
        return 1 if limit.measure == "requests" else tokens

    def spent(self, budget: Budget, call: Opened, now_ms: int) -> int:
        """What counts against the budget of this call's subject, without the call: all that is open, and charges."""
        subject = self.subject(budget.subject, call)
        if subject is None or budget.period == "run":
            return -(10**18)
        ours = [one for one in self.calls.values() if self.subject(budget.subject, one) == subject]
        return sum(one.counts for one in ours if one.charge is None or _is_in(budget.period, one.at_ms, now_ms))

    def take(self, call_id: str, call: Opened, tokens: int, now_ms: int) -> None:
        purse = self.purse(call)
        if call.run and purse is not None:
            self.purses[call.user, call.run] = purse
            call.in_purse = True
        self.calls[call_id] = call
        for limit in self.limits:
            subject = self.subject(limit.subject, call)
            if limit.measure in RATES and subject is not None:
                earned_ms = max(self.buckets.get((limit.id, subject), Fraction(0)), Fraction(now_ms))
                self.buckets[limit.id, subject] = earned_ms + self.cost_ms(limit, self.units(limit, tokens))

    def correct(self, call: Opened, tokens: int) -> None:
        """What was used in addition counts as if it had been taken with the call; what was not is given back."""
        for limit in self.limits:
            subject = self.subject(limit.subject, call)
            if limit.measure == "tokens" and subject is not None:
                self.buckets[limit.id, subject] += self.cost_ms(limit, tokens)

    def cost_ms(self, limit: Limit, units: int) -> Fraction:
        return Fraction(units * limit.window_ms, limit.amount)


def _is_in(period: Period, at_ms: int, now_ms: int) -> bool:
    if period == "total":
        return True
    length_ms = DAYS_OF_PERIODS[period] * DAY_MS
    return at_ms // length_ms == now_ms // length_ms


people: dict[str, ApiKey] = {
    "a1": a_key("ada"), "a2": a_key("ada", id="ada2", fingerprint="ada2"), "b1": a_key("bob"),
}  # fmt: skip
plans = st.tuples(st.just("plan"), st.sampled_from([*people]), st.sampled_from([None, "r1", "r2"]), st.integers(1, 600))
ends = st.tuples(st.just("end"), st.integers(0, 50), st.integers(0, 3_000), st.integers(0, 200))
lost = st.tuples(st.just("lose"), st.just(0), st.just(0), st.just(0))
waits = st.tuples(
    st.just("wait"), st.sampled_from([1, 999, 12_000, 20_000, DAY_MS // 2, 8 * DAY_MS]), st.just(0), st.just(0)
)


@settings(max_examples=60, phases=(Phase.generate,))
@given(
    st.sets(st.sampled_from(LIMITS), max_size=2) | st.just(set(LIMITS)),
    st.sets(st.sampled_from(BUDGETS), max_size=2) | st.just(set(BUDGETS)),
    st.lists(plans | plans | ends | waits | lost, min_size=20, max_size=60),
)
def test_a_call_starts_exactly_where_an_exact_model_allows_it(
    limits: set[Limit], budgets: set[Budget], steps: list[tuple[Any, ...]]
) -> None:
    books = books_with(
        a_grant(WALLET),
        a_grant(WALLET, id="grant-2", user_id="bob"),
        a_user("bob"),
        *people.values(),
        *limits,
        *budgets,
    )
    model = Model(tuple(limits), tuple(budgets))
    now_ms = NOW_MS
    for n, (what, *given_) in enumerate(steps):
        match what:
            case "plan":
                key = people[given_[0]]
                _plan(books, model, f"call-{n}", key, given_[1], given_[2], now_ms)
            case "end":
                open_ids = sorted(books.holds)
                if open_ids:
                    _end(books, model, open_ids[given_[0] % len(open_ids)], given_[1], given_[2], now_ms)
            case "lose":
                for call_id in sorted(books.holds):
                    model.calls[call_id].charge = 0
                sweep_in(books, now_ms, gone=["process-1"])
            case _:
                now_ms += given_[0]
        _nothing_is_over(books, model, now_ms)
    found = proof(books)
    assert isinstance(found, Totals), found


def _plan(books: Books, model: Model, call_id: str, key: ApiKey, run: str | None, cap: int, now_ms: int) -> None:
    call = a_chat_call(output_tokens_max=cap)
    bound = 2_000 * 150 + cap * 600
    opened = Opened(user=key.user_id, key=key.id, run=run, at_ms=now_ms, hold=bound)
    tokens = likely_tokens(call, a_rate())
    allowed = model.allows(opened, tokens)
    before = msgspec.json.encode(
        [*books.holds.values(), *books.limiting.cells.values(), *books.limiting.spent.values()]
    )
    planned = plan_in(books, a_plan_request(call_id, call), now_ms, key.fingerprint, run)
    assert allowed == isinstance(planned, Plan), planned
    if isinstance(planned, Refused):
        rows = [*books.holds.values(), *books.limiting.cells.values(), *books.limiting.spent.values()]
        assert before == msgspec.json.encode(rows), "a refused call changes nothing"
    else:
        model.take(call_id, opened, tokens, now_ms)


def _end(books: Books, model: Model, call_id: str, tokens_in: int, tokens_out: int, now_ms: int) -> None:
    row, opened = books.holds[call_id], model.calls[call_id]
    estimate = likely_tokens(a_chat_call(output_tokens_max=(row.hold_nanos - 300_000) // 600), a_rate())
    outcome = an_outcome(call_id, an_answer(usage=Usage(input_tokens=tokens_in, output_tokens=tokens_out)))
    settled = settle_in(books, outcome, now_ms).call
    assert settled is not None
    opened.charge = settled.charge_nanos
    model.correct(opened, tokens_in + tokens_out - estimate)


def _nothing_is_over(books: Books, model: Model, now_ms: int) -> None:
    """What is open and what was charged in each period that has begun is at most the amount of every budget."""
    for call in model.calls.values():
        for budget in model.budgets:
            assert model.spent(budget, call, now_ms) <= budget.amount_nanos
    for (user, run), purse in model.purses.items():
        assert model.in_purse(user, run) <= purse
