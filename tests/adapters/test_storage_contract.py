"""What every storage promises, whatever keeps the books. Each test runs over memory and over SQLite."""

import asyncio

import pytest

from domain.books.management_scopes import CredentialScope, KeyFacts, KeyScope, ProviderScope, UserScope
from domain.books.rows import IDEMPOTENCY_KEPT_MS, Idempotency, Row, running
from domain.books.scopes import CallScope, SweepScope
from domain.ledger.rows import HoldLine, LateUsage
from domain.usage import Usage
from ports.books import Storage
from tests.adapters.storage_rules import (
    Decided,
    a_call,
    a_credential,
    a_grant,
    a_hold,
    a_key,
    a_member,
    a_provider,
    a_rate,
    a_team,
    a_transfer,
    a_user,
    an_adjustment,
    an_entry,
    books,
    capture_one,
    hold_one,
    look,
    open_account,
    settle_scope,
    write,
)

pytestmark = pytest.mark.anyio

NOBODY = UserScope(name="nobody")


# --- deciding ---


async def test_a_decision_is_answered_and_what_it_wrote_is_there(storage: Storage) -> None:
    await open_account(storage)

    assert await hold_one(storage, "call-1", nanos=30)

    held = a_hold(hold_nanos=30, hold_lines=(HoldLine("grant-1", 30),))
    assert await storage.call("call-1") == running(held)
    assert await storage.wallet("user-1") == [a_grant(available_nanos=70, held_nanos=30)]


async def test_a_later_decision_sees_what_an_earlier_one_wrote(storage: Storage) -> None:
    await open_account(storage)
    await hold_one(storage, "call-1")

    decided = await storage.decide(settle_scope("call-1"), look)

    assert decided.shown.hold == a_hold()
    assert decided.shown.call is None
    assert decided.shown.grants == (a_grant(available_nanos=90, held_nanos=10),)
    assert decided.shown.duplicate is None


async def test_concurrent_holds_never_take_more_than_there_is(storage: Storage) -> None:
    await open_account(storage, nanos=100)

    held = await asyncio.gather(*(hold_one(storage, f"call-{n}") for n in range(64)))

    assert sum(held) == 10
    assert await storage.wallet("user-1") == [a_grant(available_nanos=0, held_nanos=100)]


async def test_a_hold_is_captured_once_however_many_try(storage: Storage) -> None:
    """(G10)"""
    await open_account(storage)
    await hold_one(storage, "call-1")

    captured = await asyncio.gather(*(capture_one(storage, "call-1") for _ in range(8)))

    assert sum(captured) == 1
    assert await storage.wallet("user-1") == [a_grant(available_nanos=90, held_nanos=0)]


async def test_a_rule_that_raises_fails_its_own_caller_only(storage: Storage) -> None:
    await open_account(storage)

    def raising(_: object) -> Decided:
        raise LookupError("not today")

    answers = await asyncio.gather(
        hold_one(storage, "call-1"),
        storage.decide(CallScope(fingerprint="print-1"), raising),
        hold_one(storage, "call-2"),
        return_exceptions=True,
    )

    assert answers[0] is True
    assert isinstance(answers[1], LookupError)
    assert answers[2] is True
    assert await storage.wallet("user-1") == [a_grant(available_nanos=80, held_nanos=20)]


BAD_ROWS: dict[str, tuple[Row, ...]] = {
    "a user of no role": (a_user(2, role="king"),),
    "a second user of one name": (a_user(2, name="name-1"),),
    "two users of one name at once": (a_user(2), a_user(3, name="name-2")),
    "a key of nobody": (a_key(2),),
    "a second key of one fingerprint": (a_key(2, user_id="user-1", fingerprint="print-1"),),
    "a key of no team": (a_key(2, user_id="user-1", team_id="team-1"),),
    "a key that changes its team": (a_team(), a_key(1, team_id="team-1")),
    "a member of no team": (a_member(),),
    "a member who is nobody": (a_team(), a_member(user_id="user-2")),
    "a key of another fingerprint": (a_key(1, fingerprint="other"),),
    "a lot of nobody": (a_grant(2, user_id="user-2"),),
    "a lot of nothing": (a_grant(2, nanos=0),),
    "a grant that grew": (a_grant(1, available_nanos=101),),
    "a grant that changes hands": (a_grant(1, user_id="user-2"), a_user(2)),
    "a hold of nobody": (a_hold("call-2", user_id="user-2"),),
    "a hold on the wallet of nobody": (a_hold("call-2", wallet_id="user-2"),),
    "a hold of no key": (a_hold("call-2", key_id="key-2"),),
    "a hold that is there already": (a_hold(user_id="user-2"), a_user(2)),
    "a hold below zero": (a_hold("call-2", hold_nanos=-1),),
    "a hold of a call that has ended": (a_call(), a_hold()),
    "a call without a hold": (a_call("call-2"),),
    "a call that ends twice": (a_call(), a_call()),
    "a call that ended at no time": (a_call(ended_ms=None),),
    "a call that did not end": (a_call(ending=None),),
    "a call that ended strangely": (a_call(ending="bored"),),
    "a call that is charged beyond its hold": (a_call(charge_nanos=11),),
    "a call with usage from nowhere": (a_call(usage_source="a guess"),),
    "a transfer that is there already": (a_transfer(),),
    "a transfer written twice": (a_transfer("grant-2"), a_transfer("grant-2")),
    "a transfer of no kind": (a_transfer("grant-2", kind="gift"),),
    "a transfer before the first step": (a_transfer("grant-2", step=-1),),
    "a transfer of no grant": (a_transfer("grant-2", grant_id=None),),
    "a capture of a grant": (a_transfer("call-2", kind="capture"),),
    "a transfer beyond 64 bits": (a_transfer("grant-2", amount_nanos=2**63),),
    "an adjustment of a call that has not ended": (an_adjustment(),),
    "a credential of no provider": (a_credential(),),
    "a credential below zero": (a_provider(), a_credential(weight=-1)),
    "a rate of no provider": (a_rate(),),
    "a rate that stands already": (a_provider(), a_rate(), a_rate()),
    "a provider of no name": (a_provider(""),),
    "an audit entry written twice": (an_entry(), an_entry()),
}


@pytest.mark.parametrize("rows", BAD_ROWS.values(), ids=BAD_ROWS)
async def test_a_decision_with_an_invalid_row_leaves_nothing(storage: Storage, rows: tuple[Row, ...]) -> None:
    await open_account(storage)
    await hold_one(storage, "call-1")
    before = await books(storage)

    with pytest.raises(AssertionError):
        await storage.decide(NOBODY, write(a_user(8), a_key(8), *rows, a_user(9)))

    assert await books(storage) == before
    assert await hold_one(storage, "call-7"), "the storage goes on"


async def test_of_two_decisions_that_write_one_transfer_one_stands(storage: Storage) -> None:
    """(G10)"""
    rules = (write(a_transfer("same"), a_user(1)), write(a_transfer("same"), a_user(2)))

    answers = await asyncio.gather(*(storage.decide(NOBODY, rule) for rule in rules), return_exceptions=True)

    assert [type(answer) for answer in answers] == [Decided, AssertionError]
    assert await storage.users() == [a_user(1)]


# --- what the scopes show ---


async def test_a_call_sees_its_key_its_user_and_their_grants_with_credit(storage: Storage) -> None:
    await open_account(storage)
    await storage.decide(NOBODY, write(a_user(2), a_key(2), a_grant(2, user_id="user-2")))

    facts = (await storage.decide(CallScope(fingerprint="print-2"), look)).shown

    assert (facts.key, facts.user, facts.grants) == (a_key(2), a_user(2), (a_grant(2, user_id="user-2"),))
    assert (facts.duplicate, facts.duplicate_hold, facts.duplicate_call, facts.version) == (None, None, None, 0)


async def test_a_call_of_an_unknown_key_sees_nothing(storage: Storage) -> None:
    await open_account(storage)

    facts = (await storage.decide(CallScope(fingerprint="unknown", idempotency_key="once"), look)).shown

    assert (facts.key, facts.user, facts.grants, facts.duplicate) == (None, None, (), None)


async def test_a_call_sees_its_duplicate_and_so_does_its_settlement(storage: Storage) -> None:
    duplicate = Idempotency(user_id="user-1", key="once", digest="d", call_id="call-1", created_ms=1)
    held, call = a_hold(idempotency_key="once"), a_call(idempotency_key="once")
    await open_account(storage)
    await storage.decide(NOBODY, write(held, duplicate))

    facts = (await storage.decide(CallScope(fingerprint="print-1", idempotency_key="once"), look)).shown
    assert (facts.duplicate, facts.duplicate_hold, facts.duplicate_call) == (duplicate, held, None)
    other = (await storage.decide(CallScope(fingerprint="print-1", idempotency_key="twice"), look)).shown
    assert (other.duplicate, other.duplicate_hold, other.duplicate_call) == (None, None, None)
    settling = (await storage.decide(settle_scope("call-1"), look)).shown
    assert settling.duplicate == duplicate
    await storage.decide(NOBODY, write(call))
    after = (await storage.decide(CallScope(fingerprint="print-1", idempotency_key="once"), look)).shown
    assert (after.duplicate, after.duplicate_hold, after.duplicate_call) == (duplicate, None, call)


async def test_a_settlement_of_a_call_that_has_ended_sees_how(storage: Storage) -> None:
    """(G10)"""
    await open_account(storage)
    await storage.decide(NOBODY, write(a_hold()))
    completed = a_call(ending="completed")
    await storage.decide(NOBODY, write(completed))

    ended = (await storage.decide(settle_scope("call-1"), look)).shown
    assert (ended.hold, ended.call, ended.grants) == (None, completed, ())
    unknown = (await storage.decide(settle_scope("call-2"), look)).shown
    assert (unknown.hold, unknown.call) == (None, None)


async def test_a_settlement_of_a_call_that_was_lost_sees_the_wallet_and_what_was_charged_late(
    storage: Storage,
) -> None:
    late = an_adjustment(late=LateUsage(usage=Usage(output_tokens=3), source="provider", size="1024x1024"))
    await open_account(storage)
    await storage.decide(NOBODY, write(a_hold(), a_grant(2, available_nanos=0)))
    await storage.decide(NOBODY, write(a_call()))

    lost = (await storage.decide(settle_scope("call-1"), look)).shown
    assert (lost.hold, lost.call, lost.adjustments) == (None, a_call(), ())
    assert a_grant() in lost.grants, "it may see more than it needs"
    await storage.decide(NOBODY, write(late))
    assert (await storage.decide(settle_scope("call-1"), look)).shown.adjustments == (late,)


async def test_a_user_is_shown_with_all_grants_the_spent_ones_too(storage: Storage) -> None:
    await open_account(storage)
    await storage.decide(NOBODY, write(a_grant(2, available_nanos=0)))

    facts = (await storage.decide(UserScope(name="name-1"), look)).shown

    assert facts.user == a_user()
    assert sorted(facts.grants, key=lambda grant: grant.id) == [a_grant(1), a_grant(2, available_nanos=0)]


async def test_a_sweep_sees_open_calls_their_grants_and_grants_past_their_expiry(storage: Storage) -> None:
    await open_account(storage)
    old, young = a_hold("call-1"), a_hold("call-2")
    ended = (a_hold("call-0"), a_call("call-0"))
    expired, spent = a_grant(2, expires_ms=50), a_grant(3, expires_ms=50, available_nanos=0)
    later = a_grant(4, expires_ms=51)
    await storage.decide(NOBODY, write(young, old, *ended, expired, spent, later))

    facts = (await storage.decide(SweepScope(now_ms=50), look)).shown
    assert facts.holds == (old, young)
    assert facts.grants == (a_grant(1), expired)
    least = (await storage.decide(SweepScope(now_ms=0, calls_max=1), look)).shown
    assert least.holds == (old,)


async def test_a_provider_is_shown_with_its_credentials_and_rates_removed_ones_too(storage: Storage) -> None:
    removed = a_credential(2, removed_ms=5, active=False, error="401")
    rows = (a_provider(), a_credential(), removed, a_rate(1), a_rate(2, model="large", removed=True))
    await storage.decide(NOBODY, write(*rows, a_provider("other"), a_credential(3, provider="other")))

    facts = (await storage.decide(ProviderScope(name="acme"), look)).shown

    assert facts.provider == a_provider()
    assert facts.credentials == (a_credential(), removed)
    assert facts.rates == (a_rate(1), a_rate(2, model="large", removed=True))


async def test_a_key_and_a_credential_are_shown_by_their_ids(storage: Storage) -> None:
    await storage.decide(NOBODY, write(a_user(), a_key(), a_provider(), a_credential()))

    assert (await storage.decide(KeyScope(key_id="key-1"), look)).shown == KeyFacts(key=a_key(), user=a_user())
    assert (await storage.decide(KeyScope(key_id="key-2"), look)).shown == KeyFacts(key=None, user=None)
    assert (await storage.decide(CredentialScope(credential_id="credential-1"), look)).shown == a_credential()
    assert (await storage.decide(CredentialScope(credential_id="other"), look)).shown is None


async def test_a_sweep_is_shown_the_answers_whose_time_is_over_and_no_others(storage: Storage) -> None:
    await open_account(storage)
    await hold_one(storage, "call-1")
    old = Idempotency(user_id="user-1", key="old", digest="d", call_id="call-1", created_ms=1_000, answer=b"sealed")
    new = Idempotency(user_id="user-1", key="new", digest="d", call_id="call-1", created_ms=1_001, answer=b"sealed")
    none = Idempotency(user_id="user-1", key="none", digest="d", call_id="call-1", created_ms=1_000)
    await storage.decide(NOBODY, write(old, new, none))

    decided = await storage.decide(SweepScope(now_ms=1_000 + IDEMPOTENCY_KEPT_MS), look)

    assert (old,) == decided.shown.stale_answers
