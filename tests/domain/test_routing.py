"""Who is tried first: turns by weight, and what is cooling down last."""

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.billing.plan import Plan
from domain.catalog.catalog import Catalog, Served, catalog_of
from domain.catalog.rows import Credential
from domain.failures import FailureKind
from domain.routing.cooldown import COOL_DOWN_LONG_MS, COOL_DOWN_MS, CoolDown, after_failure, is_cooling
from domain.routing.learned import Advice, Turns, learned_failure, learned_success
from domain.routing.order import Order, next_turn, order
from tests.domain.build import (
    NOW_MS,
    a_candidate,
    a_credential,
    a_failure,
    a_grant,
    a_group,
    a_plan_request,
    a_rate,
    an_offer,
    books_with,
    circumstances,
    plan_in,
)

OFFERS = tuple(an_offer(a_rate(provider=name), name) for name in ("acme", "bolt", "calm"))
WEIGHTS = st.dictionaries(st.sampled_from("abcde"), st.integers(1, 7), min_size=1)


def test_a_member_of_weight_two_has_two_turns_of_three_and_not_in_a_row() -> None:
    assert _chosen({"a": 2, "b": 1}, 6) == ["a", "b", "a", "a", "b", "a"]


@given(WEIGHTS, st.integers(1, 3))
def test_over_a_cycle_each_member_has_exactly_its_weights_turns(weights: dict[str, int], cycles: int) -> None:
    """In between it may run several turns behind, so nothing is promised of less than a cycle."""
    assert Counter(_chosen(weights, cycles * sum(weights.values()))) == {m: cycles * w for m, w in weights.items()}


@given(WEIGHTS)
def test_after_a_cycle_all_turns_are_as_they_were(weights: dict[str, int]) -> None:
    turns: Turns = {}
    for _ in range(sum(weights.values())):
        turns, _chosen_member = next_turn(turns, weights)

    assert set(turns.values()) == {0}


# --- candidates -----------------------------------------------------------------------------------------------


def test_providers_take_turns() -> None:
    firsts = _firsts(Advice(), _catalog(), times=6)

    assert firsts == ["acme", "bolt", "calm", "acme", "bolt", "calm"]


def test_a_providers_credentials_take_turns_by_weight() -> None:
    catalog = _catalog(a_credential("heavy", weight=2), a_credential("light", weight=1))
    advice, used = Advice(), []
    for _ in range(6):
        made = _order(catalog, advice, OFFERS[:1])
        advice = made.advice
        used.append(made.candidates[0].target.credential_id)

    assert used == ["heavy", "light", "heavy", "heavy", "light", "heavy"]


@pytest.mark.parametrize(("cooling", "order"), [
    ((),                                         ["acme/a1", "acme/a2", "bolt/b1"]),
    (("a1",),                                    ["acme/a2", "bolt/b1", "acme/a1"]),
    (("acme/small",),                            ["bolt/b1", "acme/a1", "acme/a2"]),
    (("acme/other",),                            ["acme/a1", "acme/a2", "bolt/b1"]),
    (("bolt/small",),                            ["acme/a1", "acme/a2", "bolt/b1"]),
    (("a1", "bolt/small"),                       ["acme/a2", "acme/a1", "bolt/b1"]),
    (("a1", "a2", "b1"),                         ["acme/a1", "acme/a2", "bolt/b1"]),
])  # fmt: skip
def test_what_is_cooling_down_goes_last_and_is_never_left_out(cooling: tuple[str, ...], order: list[str]) -> None:
    catalog = _catalog(a_credential("a1"), a_credential("a2"), a_credential("b1", provider="bolt"))
    advice = Advice(cooling=dict.fromkeys(cooling, CoolDown(failures=1, until_ms=NOW_MS + 1)))

    tried = _order(catalog, advice, OFFERS[:2]).candidates

    assert [f"{c.target.provider}/{c.target.credential_id}" for c in tried] == order


@pytest.mark.parametrize(("provider", "held", "tried"), [
    ("acme",    (),                                              [None]),   # an unknown vendor may need no key
    ("echo",    (),                                              [None]),
    ("openai",  (),                                              []),       # a known one that needs one
    ("acme",    (a_credential("a", active=False),),              []),
    ("acme",    (a_credential("a", active=False),
                 a_credential("b")),                             ["b"]),
])  # fmt: skip
def test_a_credential_that_is_not_active_is_never_tried(
    provider: str, held: tuple[Credential, ...], tried: list[str | None]
) -> None:
    offer = an_offer(a_rate(provider=provider), provider)
    catalog = catalog_of(0, [offer.provider], held, [])

    made = _order(catalog, Advice(), [offer])

    assert [candidate.target.credential_id for candidate in made.candidates] == tried


CREDENTIALS = st.lists(
    st.builds(
        a_credential,
        st.sampled_from("abcdefgh"),
        provider=st.sampled_from(["acme", "bolt", "calm"]),
        weight=st.integers(1, 5),
        active=st.booleans(),
    ),
    max_size=8,
    unique_by=lambda credential: credential.id,
)
COOLING = st.dictionaries(
    st.sampled_from(["a", "b", "c", "acme/small", "bolt/small"]),
    st.builds(CoolDown, failures=st.just(1), until_ms=st.sampled_from([NOW_MS, NOW_MS + 1])),
)


@given(CREDENTIALS, COOLING, st.integers(0, 20))
def test_each_active_credential_is_tried_once_whatever_the_advice(
    credentials: list[Credential], cooling: dict[str, CoolDown], turns: int
) -> None:
    catalog = _catalog(*credentials)
    advice = Advice(cooling=cooling)
    for _ in range(turns):
        advice = _order(catalog, advice).advice

    made = _order(catalog, advice).candidates

    bare = {name for name in ("acme", "bolt", "calm") if not any(c.provider == name for c in credentials)}
    expected = [(c.provider, c.id) for c in credentials if c.active] + [(name, None) for name in bare]
    assert Counter((c.target.provider, c.target.credential_id) for c in made) == Counter(expected)


@given(CREDENTIALS, COOLING, st.integers(0, 20), st.integers(1, 2_000_000))
def test_forgetting_the_advice_changes_no_money(
    credentials: list[Credential], cooling: dict[str, CoolDown], turns: int, balance: int
) -> None:
    catalog = _catalog(*credentials, a_credential("always"))
    advice = Advice(cooling=cooling)
    for _ in range(turns):
        advice = _order(catalog, advice).advice

    remembered = _held(catalog, advice, balance)
    forgotten = _held(catalog, Advice(), balance)

    assert remembered == forgotten


# --- learning -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "cools"), [
    ("unreachable",          "acme/small"),
    ("timed_out",            "acme/small"),
    ("unavailable",          "acme/small"),
    ("truncated",            "acme/small"),
    ("malformed",            "acme/small"),
    ("overloaded",           "cred-1"),
    ("credential_rejected",  "cred-1"),
    ("request_rejected",     None),
])  # fmt: skip
def test_what_cools_down_after_a_failure(kind: FailureKind, cools: str | None) -> None:
    made = _order(_catalog(a_credential()), Advice(), OFFERS[:1]).candidates

    advice = learned_failure(Advice(), made[0].target, a_failure(kind), NOW_MS)

    assert set(advice.cooling) == ({cools} if cools else set())


def test_a_model_without_a_credential_cools_down_as_a_whole() -> None:
    advice = learned_failure(Advice(), a_candidate().target, a_failure("overloaded"), NOW_MS)

    assert set(advice.cooling) == {"acme/small"}


def test_an_answer_warms_up_what_served_it_and_nothing_else() -> None:
    made = _order(_catalog(a_credential()), Advice(), OFFERS[:1]).candidates
    cold = CoolDown(failures=3, until_ms=NOW_MS + 1)
    advice = Advice(turns={"t": {"a": 1}}, cooling={"cred-1": cold, "acme/small": cold, "bolt/small": cold})

    learned = learned_success(advice, made[0].target)

    assert Advice(turns={"t": {"a": 1}}, cooling={"bolt/small": cold}) == learned


@pytest.mark.parametrize(("failures_before", "retry_after_ms", "pause_ms"), [
    (0,  None,     COOL_DOWN_MS),
    (1,  None,     COOL_DOWN_MS),
    (2,  None,     COOL_DOWN_LONG_MS),
    (9,  None,     COOL_DOWN_LONG_MS),
    (0,  5_000,    COOL_DOWN_MS),
    (0,  600_000,  600_000),
])  # fmt: skip
def test_how_long_a_failure_cools_down(failures_before: int, retry_after_ms: int | None, pause_ms: int) -> None:
    before = CoolDown(failures=failures_before, until_ms=0) if failures_before else None

    after = after_failure(before, NOW_MS, retry_after_ms)

    assert CoolDown(failures=failures_before + 1, until_ms=NOW_MS + pause_ms) == after
    assert is_cooling(after, NOW_MS + pause_ms - 1)
    assert not is_cooling(after, NOW_MS + pause_ms)


def _chosen(weights: dict[str, int], times: int) -> list[str]:
    turns: Turns = {}
    chosen = []
    for _ in range(times):
        turns, member = next_turn(turns, weights)
        chosen.append(member)
    return chosen


def _catalog(*credentials: Credential) -> Catalog:
    return catalog_of(0, [offer.provider for offer in OFFERS], credentials, [])


def _firsts(advice: Advice, catalog: Catalog, times: int, offers: Sequence[Served] = OFFERS) -> list[str]:
    firsts = []
    for _ in range(times):
        made = _order(catalog, advice, offers)
        advice = made.advice
        firsts.append(made.candidates[0].target.provider)
    return firsts


def _order(catalog: Catalog, advice: Advice, offers: Sequence[Served] = OFFERS) -> Order:
    """As a bare model's is: one offer is a node by itself."""
    node = offers[0] if len(offers) == 1 else a_group(*offers)
    return order(node, circumstances(catalog, advice))


def _held(catalog: Catalog, advice: Advice, balance: int) -> int | None:
    """What is held for a call that is routed by this advice; None if it is refused."""
    made = _order(catalog, advice).candidates
    planned = plan_in(books_with(a_grant(balance)), a_plan_request(candidates=made))
    return planned.hold.hold_nanos if isinstance(planned, Plan) else None
