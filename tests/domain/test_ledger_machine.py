"""Any number of users, calls, processes and deaths, in any order, against a model of ten lines.

The machine runs the real rules over the real scopes, as the storage does; after every step the books are counted,
the journal is summed and the auditor derives all of it again. (G1, G2, G3, G26, G27)
"""

from collections import Counter, defaultdict
from collections.abc import Mapping

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain.billing.plan import Plan, Refused
from domain.billing.settlement import measured_of
from domain.billing.verification import Totals
from domain.books.management_scopes import GrantScope, TransferScope, UserScope
from domain.books.rows import Call, Ending
from domain.ledger.ledger import add_grant
from domain.limits.notices import Notice
from domain.management.changes import Actor, Changed, Outcome
from domain.management.wallets import WalletTransfer, take_credit, transfer_credit, void_grant
from domain.model_api.events import Event
from domain.pricing.bounds import OUTPUT_TOKENS_USEFUL
from domain.pricing.charge import price
from domain.pricing.rate import Rate
from domain.refusals import InsufficientCredit
from tests.domain.build import (
    HOUR_MS,
    NOW_MS,
    a_candidate,
    a_chat_call,
    a_grant,
    a_key,
    a_meter,
    a_plan_request,
    a_user,
    an_outcome,
    books_with,
    plan_in,
    proof,
    settle_in,
    sweep_in,
    write,
)
from tests.domain.ledger_model import RATES, THRESHOLDS, Model, cost
from tests.domain.strategies import ANSWERS

USERS = st.sampled_from(["ada", "bob"])
PROCESSES = st.sampled_from(["process-1", "process-2"])
ENDINGS: st.SearchStrategy[Ending] = st.sampled_from(
    ["completed", "provider_failed", "client_disconnected", "timed_out"]
)


class Ledger(RuleBasedStateMachine):
    """Grants, changes by hand, calls, settlements, deaths and time, one after the other."""

    calls: Bundle[str] = Bundle("calls")

    def __init__(self) -> None:
        super().__init__()
        self.now_ms = NOW_MS
        # Bob has a threshold of his own, Ada the default.
        self.books = books_with(a_user("bob", low_balance_nanos=THRESHOLDS["bob"]), a_key("bob"), *RATES[1:])
        self.balances = {"ada": 0, "bob": 0}
        self.crossed: Counter[str] = Counter()
        self.model = Model()
        self.endings: dict[str, Call] = {}

    @initialize()
    def everybody_has_some_credit(self) -> None:
        self.credit_is_granted("ada", 900_000, priority=0, starts_in=0, lasts=HOUR_MS)
        self.credit_is_granted("bob", 900_000, priority=0, starts_in=0, lasts=None)

    @rule(
        user=USERS,
        nanos=st.integers(1, 900_000),
        priority=st.integers(0, 2),
        starts_in=st.sampled_from([0, 0, HOUR_MS]),
        lasts=st.sampled_from([None, None, HOUR_MS, 3 * HOUR_MS]),
    )
    def credit_is_granted(self, user: str, nanos: int, priority: int, starts_in: int, lasts: int | None) -> None:
        grant = a_grant(
            nanos,
            id=f"grant-{len(self.books.grants)}",
            user_id=user,
            priority=priority,
            effective_ms=self.now_ms + starts_in,
            expires_ms=None if lasts is None else self.now_ms + starts_in + lasts,
            created_ms=self.now_ms,
        )
        write(self.books, grant, *add_grant(grant).transfers)
        self.model.issued += nanos

    @rule(
        target=calls,
        user=USERS,
        body_bytes=st.integers(0, 500),
        cap=st.integers(1, 1_000) | st.none(),
        rates=st.lists(st.sampled_from(RATES), min_size=1, max_size=3, unique=True),
        owner=PROCESSES,
    )
    def a_call_starts(self, user: str, body_bytes: int, cap: int | None, rates: list[Rate], owner: str) -> str:
        call_id = f"call-{len(self.books.journal)}-{len(self.books.holds)}-{len(self.books.calls)}"
        before = self.spendable(user)
        requested = a_plan_request(
            call_id,
            a_chat_call(body_bytes=body_bytes, output_tokens_max=cap),
            candidates=tuple(a_candidate(rate, rate.provider) for rate in rates),
            owner=owner,
            deadline_ms=self.now_ms + 2 * HOUR_MS,
            low_balance_nanos=THRESHOLDS["ada"],
        )

        planned = plan_in(self.books, requested, self.now_ms, f"fingerprint of {user}")

        match planned:
            case Plan(hold=held):
                assert 0 < held.hold_nanos <= before
                assert self.spendable(user) == before - held.hold_nanos
                self.model.held[call_id] = held.hold_nanos
            case Refused(refusal=InsufficientCredit() as refusal):
                assert refusal.available_nanos == before < refusal.bound_nanos
                useful_tokens = OUTPUT_TOKENS_USEFUL if cap is None else cap
                assert before <= min(cost(rate, body_bytes, useful_tokens) for rate in rates)
            case _:
                raise AssertionError(planned)
        return call_id

    @rule(call_id=calls, ending=ENDINGS, answer=ANSWERS, rate=st.sampled_from(RATES), accepted=st.booleans())
    def a_call_ends(self, call_id: str, ending: Ending, answer: list[Event], rate: Rate, accepted: bool) -> None:
        """Once, twice, or after it was swept: what was decided first stands."""
        served = a_candidate(rate, rate.provider).target if accepted else None
        outcome = an_outcome(call_id, ending=ending, meter=a_meter(answer), served=served, rate=rate)

        settlement = settle_in(self.books, outcome, self.now_ms)

        if call_id not in self.model.held:
            assert settlement.already
            assert settlement.writes == ()
            assert settlement.call == self.endings.get(call_id)
        else:
            assert not settlement.already
            assert settlement.call is not None
            measured = measured_of(outcome)
            total_nanos = price(measured.usage, rate).total_nanos if measured else 0
            charge_nanos = min(total_nanos, self.model.held.pop(call_id))
            assert settlement.call.charge_nanos == charge_nanos
            assert settlement.call.uncollected_nanos == total_nanos - charge_nanos
            self.model.revenue += charge_nanos
            self.endings[call_id] = settlement.call

    @precondition(lambda self: self.model.held)
    @rule(n=st.integers(0, 9), ending=ENDINGS, answer=ANSWERS, rate=st.sampled_from(RATES))
    def a_running_call_ends(self, n: int, ending: Ending, answer: list[Event], rate: Rate) -> None:
        running = sorted(self.model.held)
        self.a_call_ends(running[n % len(running)], ending, answer, rate, accepted=True)

    @rule(gone=st.sampled_from([(), (), (), ("process-1",), ("process-1", "process-2")]))
    def what_the_dead_left_open_is_swept(self, gone: tuple[str, ...]) -> None:
        posted = {grant.id: grant.available_nanos for grant in self.books.grants.values() if self.is_over(grant.id)}
        lost = {held.id for held in self.books.holds.values() if held.owner in gone}

        swept = sweep_in(self.books, self.now_ms, gone, THRESHOLDS["ada"])

        assert {call.id for call in swept.lost} == lost
        for call in swept.lost:
            del self.model.held[call.id]
            self.endings[call.id] = call
            for line in call.hold_lines:
                if self.is_over(line.grant_id):
                    posted[line.grant_id] += line.nanos
        voided = sum(nanos for grant_id, nanos in posted.items() if self.books.grants[grant_id].voided_ms is not None)
        self.model.withdrawn += voided
        self.model.breakage += sum(posted.values()) - voided
        again = sweep_in(self.books, self.now_ms, gone)
        assert again.writes == ()

    @rule(n=st.integers(0, 9))
    def a_grant_is_voided(self, n: int) -> None:
        grant = sorted(self.books.grants.values(), key=lambda one: one.id)[n % len(self.books.grants)]

        outcome = void_grant(
            GrantScope(grant_id=grant.id).view(self.books), self.actor(), grant.id, "a test", THRESHOLDS["ada"]
        )

        was_over = self.is_over(grant.id)
        assert self.decided(outcome) == (not was_over)
        if isinstance(outcome, Changed):
            self.model.withdrawn += grant.available_nanos
            assert self.books.grants[grant.id].available_nanos == 0

    @rule(user=USERS, nanos=st.integers(1, 1_800_000))
    def credit_is_taken(self, user: str, nanos: int) -> None:
        before = self.spendable(user)

        outcome = take_credit(
            UserScope(name=user).view(self.books), self.actor(), user, nanos, "a test", THRESHOLDS["ada"]
        )

        assert self.decided(outcome) == (nanos <= before)
        if isinstance(outcome, Changed):
            self.model.withdrawn += nanos
            assert self.spendable(user) == before - nanos

    @rule(user=USERS, nanos=st.integers(1, 1_800_000))
    def credit_is_transferred(self, user: str, nanos: int) -> None:
        """What moves can be spent there as here, and everything can be moved back."""
        other = "bob" if user == "ada" else "ada"
        before, others = self.spendable(user), self.spendable(other)
        grant_id = f"moved-{len(self.books.grants)}"
        order = WalletTransfer(sender=user, receiver=other, nanos=nanos, reason="a test", grant_id=grant_id)

        facts = TransferScope(sender=user, receiver=other).view(self.books)
        outcome = transfer_credit(facts, self.actor(), order, THRESHOLDS["ada"])

        assert self.decided(outcome) == (nanos <= before)
        moved = nanos if isinstance(outcome, Changed) else 0
        assert (self.spendable(user), self.spendable(other)) == (before - moved, others + moved)

    @rule(ms=st.sampled_from([1, HOUR_MS // 2, HOUR_MS, 2 * HOUR_MS]))
    def time_passes(self, ms: int) -> None:
        self.now_ms += ms

    # --- what holds after every step ----------------------------------------------------------------------------

    @invariant()
    def credit_is_neither_made_nor_lost(self) -> None:
        totals = proof(self.books)

        assert isinstance(totals, Totals), totals
        model = self.model
        assert (totals.issued_nanos, totals.revenue_nanos) == (model.issued, model.revenue)
        assert (totals.breakage_nanos, totals.available_nanos) == (model.breakage, model.available)
        assert totals.withdrawn_nanos == model.withdrawn
        assert (totals.held_nanos, totals.open_holds) == (sum(model.held.values()), len(model.held))
        assert sum(grant.held_nanos for grant in self.books.grants.values()) == sum(model.held.values())

    @invariant()
    def each_crossing_of_a_threshold_has_one_notice(self) -> None:
        """A balance is what the books have of a wallet; a step moves it once. (G27)"""
        for user, before in self.balances.items():
            now = sum(grant.available_nanos + grant.held_nanos for grant in self.books.wallet(user))
            self.crossed[user] += now < THRESHOLDS[user] <= before
            self.balances[user] = now

        assert Counter(notice.user_id for notice in self.books.others.get(Notice, {}).values()) == self.crossed

    @invariant()
    def nothing_is_ever_below_zero(self) -> None:
        balances: Counter[str] = Counter()
        for transfer in self.books.journal.values():
            balances[transfer.from_account] -= transfer.amount_nanos
            balances[transfer.to_account] += transfer.amount_nanos

        assert sum(balances.values()) == 0
        assert min((nanos for account, nanos in balances.items() if account != "issued"), default=0) >= 0

    @invariant()
    def each_hold_resolves_once_and_whole(self) -> None:
        moved: Mapping[str, Counter[str]] = defaultdict(Counter)
        for transfer in self.books.journal.values():
            if transfer.call_id is not None:
                moved[transfer.call_id][transfer.kind] += transfer.amount_nanos

        assert {held.id: held.hold_nanos for held in self.books.holds.values()} == self.model.held
        for call_id, nanos in self.model.held.items():
            assert moved[call_id] == {"hold": nanos}
        assert self.books.calls == self.endings
        for call in self.books.calls.values():
            kinds = moved[call.id]
            assert kinds["hold"] == call.hold_nanos
            assert not (kinds["capture"] and kinds["expire"]), "a lost call is never charged"
            assert kinds["capture"] == call.charge_nanos
            assert kinds["capture"] + kinds["release"] + kinds["expire"] == call.hold_nanos

    # --- the machine's own words ----------------------------------------------------------------------------------

    def spendable(self, user: str) -> int:
        return sum(
            grant.available_nanos
            for grant in self.books.wallet(user)
            if grant.effective_ms <= self.now_ms and not self.is_over(grant.id)
        )

    def is_over(self, grant_id: str) -> bool:
        grant = self.books.grants[grant_id]
        return grant.voided_ms is not None or (grant.expires_ms is not None and grant.expires_ms <= self.now_ms)

    def actor(self) -> Actor:
        return Actor(name="ops", now_ms=self.now_ms, audit_id=f"audit-{len(self.books.audit)}")

    def decided(self, outcome: Outcome) -> bool:
        """Whether it was carried out. No open call loses any of its cover by it."""
        covers = {held.id: held.hold_lines for held in self.books.holds.values()}
        held_before = {grant.id: grant.held_nanos for grant in self.books.grants.values()}
        write(self.books, *outcome.writes)
        assert {held.id: held.hold_lines for held in self.books.holds.values()} == covers
        assert all(self.books.grants[grant_id].held_nanos == nanos for grant_id, nanos in held_before.items())
        return isinstance(outcome, Changed)


TestLedger = Ledger.TestCase
TestLedger.settings = settings(max_examples=150, stateful_step_count=40)
