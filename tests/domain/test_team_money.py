"""Teams: whose wallet pays, and what limits hold."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.billing.plan import Plan, Refused
from domain.billing.rerating import rerate
from domain.billing.verification import Totals
from domain.books.rows import Call, Hold
from domain.books.scopes import RerateScope
from domain.books.working_copy import Books
from domain.ledger.ledger import balance
from domain.limits.refusals import BudgetExceeded, RateLimited
from domain.refusals import InvalidKey
from domain.usage import Usage
from tests.domain.build import (
    BOUND_NANOS,
    NOW_MS,
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
    write,
)
from tests.domain.build_limits import a_budget, a_limit
from tests.domain.build_teams import a_member, a_team, a_team_key


def a_world(*rows: Any) -> Books:
    """Ada and Bob with keys of their own and of two teams, each account with a wallet."""
    accounts = (a_user("bob"), a_team("red"), a_team("blue"))
    keys = (a_key("bob"), *(a_team_key(user, team) for user in ("ada", "bob") for team in ("red", "blue")))
    grants = tuple(
        a_grant(10 * BOUND_NANOS, id=f"grant of {owner}", user_id=owner)
        for owner in ("ada", "bob", "team_red", "team_blue")
    )
    return books_with(*accounts, *keys, *grants, *rows)


def posted(books: Books) -> dict[str, int]:
    """What is left in each wallet, and held."""
    return {owner: balance(books.wallet(owner), NOW_MS).posted_nanos for owner in books.grants_by_user}


def test_a_call_with_a_key_of_a_team_is_charged_to_the_team_and_recorded_with_it() -> None:
    books = a_world(a_member())
    before = posted(books)

    planned = plan_in(books, a_plan_request(), fingerprint="ada in red")
    assert isinstance(planned, Plan)
    settled = settle_in(books, an_outcome(user_id=planned.hold.payer_id))

    assert settled.call is not None
    assert ("ada", "team_red", "team_red") == (settled.call.user_id, settled.call.team_id, settled.call.payer_id)
    assert before | {"team_red": before["team_red"] - 156_000} == posted(books)
    assert isinstance(proof(books), Totals)


def test_a_key_of_a_team_that_its_user_pays_for_takes_from_the_user() -> None:
    books = a_world(a_member(), a_team_key(id="key-2", fingerprint="own", wallet="user"))

    planned = plan_in(books, a_plan_request(), fingerprint="own")

    assert isinstance(planned, Plan)
    assert ("team_red", "ada") == (planned.hold.team_id, planned.hold.payer_id)
    assert {"ada"} == {books.grants[line.grant_id].user_id for line in planned.hold.hold_lines}


def test_a_re_rate_of_a_team_s_call_moves_the_credit_of_the_team() -> None:
    books = a_world(a_member())
    plan_in(books, a_plan_request(), fingerprint="ada in red")
    settle_in(books, an_outcome(user_id="team_red"))
    before = posted(books)
    cheaper = a_rate(id="rate-2", known_ms=1, input_nanos=0)

    write(books, cheaper, *rerate(RerateScope(call_id="call-1").view(books), cheaper, NOW_MS).writes)

    assert before | {"team_red": before["team_red"] + 150_000} == posted(books)
    assert isinstance(proof(books), Totals)


def test_the_app_of_the_key_stands_for_a_request_that_names_none() -> None:
    books = books_with(a_grant(), a_key(id="key-2", fingerprint="app's", app="did:abt:z1"))

    planned = plan_in(books, a_plan_request(), fingerprint="app's")

    assert isinstance(planned, Plan)
    assert "did:abt:z1" == planned.hold.app


def test_a_removed_member_starts_no_call_and_open_ones_settle() -> None:
    books = a_world(a_member())
    open_one = plan_in(books, a_plan_request(), fingerprint="ada in red")
    assert isinstance(open_one, Plan)
    write(books, a_member(removed_ms=NOW_MS))

    refused = plan_in(books, a_plan_request("call-2"), fingerprint="ada in red")
    settled = settle_in(books, an_outcome(user_id=open_one.hold.payer_id))

    assert Refused(refusal=InvalidKey(reason="no member")) == refused
    assert settled.call is not None
    assert settled.call.charge_nanos == 156_000


def test_limits_of_a_team_hold_for_all_its_keys_and_for_no_others() -> None:
    limit = a_limit("team:team_red", "requests", 1)
    books = a_world(a_member("ada"), a_member("bob"), a_member("bob", "blue"), limit)
    assert isinstance(plan_in(books, a_plan_request("call-1"), fingerprint="ada in red"), Plan)

    refused = plan_in(books, a_plan_request("call-2"), fingerprint="bob in red")

    assert isinstance(refused, Refused)
    assert isinstance(refused.refusal, RateLimited)
    assert (limit.id, "team") == (refused.refusal.limit, refused.refusal.subject)
    assert isinstance(plan_in(books, a_plan_request("call-3"), fingerprint="bob in blue"), Plan)
    assert isinstance(plan_in(books, a_plan_request("call-4"), fingerprint="fingerprint of bob"), Plan)


def test_a_limit_for_each_team_counts_for_each_by_itself() -> None:
    books = a_world(a_member("ada"), a_member("ada", "blue"), a_limit("team:*", "requests", 1))

    outcomes = [
        isinstance(plan_in(books, a_plan_request(f"call-{n}"), fingerprint=key), Plan)
        for n, key in enumerate(("ada in red", "ada in red", "ada in blue", "fingerprint of ada", "fingerprint of ada"))
    ]

    assert [True, False, True, True, True] == outcomes


@pytest.mark.parametrize(("team_nanos", "user_nanos", "named"), [(1, BOUND_NANOS, "team"), (BOUND_NANOS, 1, "user")])
def test_budgets_of_team_and_user_must_both_cover_the_call_and_the_refusal_names_which(
    team_nanos: int, user_nanos: int, named: str
) -> None:
    budgets = (a_budget(team_nanos, "total", "team:team_red"), a_budget(user_nanos, "total", "user:ada"))
    refused = plan_in(a_world(a_member(), *budgets), a_plan_request(), fingerprint="ada in red")

    assert isinstance(refused, Refused)
    assert isinstance(refused.refusal, BudgetExceeded)
    assert named == refused.refusal.subject


KEYS = ("fingerprint of ada", "fingerprint of bob", "ada in red", "bob in red", "ada in blue", "bob in blue")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("call"), st.sampled_from(KEYS)),
        st.tuples(st.just("settle"), st.integers(1, 900)),
        st.tuples(
            st.sampled_from(("join", "leave")), st.sampled_from(("ada", "bob")), st.sampled_from(("red", "blue"))
        ),
        st.tuples(st.just("team"), st.sampled_from(("red", "blue")), st.booleans(), st.booleans()),
    ),
    max_size=40,
)
LIMITING = (
    a_budget(4 * BOUND_NANOS, "total", "team:team_red"), a_budget(5 * BOUND_NANOS, "total", "user:ada"),
    a_budget(6 * BOUND_NANOS, "day", "team:*"), a_limit("team:*", "concurrency", 3),
)  # fmt: skip

# What the budgets come to for each subject.
MOST = {"team:team_red": 4 * BOUND_NANOS, "team:team_blue": 6 * BOUND_NANOS, "user:ada": 5 * BOUND_NANOS}


class World:
    """Random steps over the rules, and a model of a few sets that says what they must come to."""

    def __init__(self) -> None:
        self.members = {("ada", "red"), ("bob", "red"), ("bob", "blue")}
        self.books = a_world(*LIMITING, *(a_member(user, team) for user, team in self.members))
        self.off: set[str] = set()
        self.open: list[Hold] = []
        self.spent: dict[str, int] = dict.fromkeys(self.books.grants_by_user, 0)
        self.begun = posted(self.books)

    def step(self, kind: str, *values: Any) -> None:
        match kind:
            case "call":
                self.call(values[0])
            case "settle" if self.open:
                self.settle(values[0])
            case "join" | "leave":
                user, team = values
                self.members = self.members - {(user, team)} | ({(user, team)} if kind == "join" else set())
                write(self.books, a_member(user, team, removed_ms=NOW_MS if kind == "leave" else None))
            case "team":
                team, is_disabled, has_wallet = values
                self.off = self.off - {team} | ({team} if is_disabled or not has_wallet else set())
                write(self.books, a_team(team, disabled_ms=1 if is_disabled else None, has_wallet=has_wallet))

    def call(self, fingerprint: str) -> None:
        user, _, team = fingerprint.partition(" in ")
        number = len(self.books.calls) + len(self.open)
        planned = plan_in(self.books, a_plan_request(f"call-{number}"), fingerprint=fingerprint)
        if team and ((user, team) not in self.members or team in self.off):
            assert isinstance(planned, Refused)
            assert isinstance(planned.refusal, InvalidKey)
        elif isinstance(planned, Plan):
            hold = planned.hold
            assert (f"team_{team}" if team else hold.user_id) == hold.payer_id
            assert all(self.books.grants[line.grant_id].user_id == hold.payer_id for line in hold.hold_lines)
            self.open.append(hold)

    def settle(self, tokens: int) -> None:
        hold = self.open.pop(0)
        outcome = an_outcome(hold.id, an_answer(usage=Usage(input_tokens=tokens)), user_id=hold.payer_id)
        call = settle_in(self.books, outcome).call
        assert call is not None
        self.spent[call.payer_id] += call.charge_nanos

    def check(self) -> None:
        """Each wallet has lost what its own calls were charged; no budget is over; the books add up."""
        assert {owner: self.begun[owner] - nanos for owner, nanos in self.spent.items()} == posted(self.books)
        calls: list[Call | Hold] = [*self.books.calls.values(), *self.books.holds.values()]
        for subject, nanos in MOST.items():
            own = (call for call in calls if subject in (f"team:{call.team_id}", f"user:{call.user_id}"))
            assert nanos >= sum(call.hold_nanos if isinstance(call, Hold) else call.charge_nanos for call in own)
        assert isinstance(proof(self.books), Totals)


@given(STEPS)
def test_charges_of_a_team_land_on_its_wallet_and_no_stranger_spends_it(steps: list[tuple[Any, ...]]) -> None:
    world = World()
    for step in steps:
        world.step(*step)
    world.check()
