"""Where a name leads and in which order, whatever the routes, the advice and the request: the laws of routing."""

import itertools
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from domain.catalog.aliases import Strategy
from domain.catalog.catalog import Catalog, catalog_of
from domain.catalog.rows import Credential
from domain.pricing.cost_estimate import expected_nanos
from domain.routing.affinity import Conversation
from domain.routing.cooldown import CoolDown
from domain.routing.learned import Advice, identity, learned_conversation, learned_first_byte
from domain.routing.order import EXPLORED_OF, Rank, order
from domain.routing.tree import Group, Member, RouteNode, offers_of
from tests.domain.build import (
    NOW_MS,
    a_chat_call,
    a_credential,
    a_group,
    a_rate,
    an_offer,
    circumstances,
)

PROVIDERS = ("acme", "bolt", "calm", "dash")
MODELS = ("small", "large")
STRATEGIES: tuple[Strategy, ...] = ("round-robin", "least-cost", "least-latency")

OFFERS = st.builds(
    lambda provider, model, price: an_offer(a_rate(provider=provider, model=model, input_nanos=price), provider),
    st.sampled_from(PROVIDERS),
    st.sampled_from(MODELS),
    st.integers(0, 10**9),
)


@st.composite
def groups(draw: st.DrawFn, ways: st.SearchStrategy[RouteNode]) -> Group:
    """Some ways under names of their own, with any priorities and weights, and perhaps a canary."""
    members = tuple(
        Member(name=f"node-{n}", node=node, priority=draw(st.integers(0, 2)), weight=draw(st.integers(1, 4)))
        for n, node in enumerate(draw(st.lists(ways, min_size=1, max_size=4)))
    )
    percent = draw(st.integers(1, 99))
    return Group(
        key=draw(st.sampled_from(["alias:a", "alias:b", "model:c"])),
        strategy=draw(st.sampled_from(STRATEGIES)),
        members=members,
        trial=draw(st.none() | OFFERS),
        trial_percent=percent,
    )


WAYS: st.SearchStrategy[RouteNode] = st.recursive(OFFERS, groups, max_leaves=8)
CREDENTIALS = st.lists(
    st.builds(
        a_credential,
        st.sampled_from("abcdefgh"),
        provider=st.sampled_from(PROVIDERS),
        weight=st.integers(1, 5),
        active=st.booleans(),
    ),
    max_size=8,
    unique_by=lambda credential: credential.id,
)
COOLING = st.dictionaries(
    st.sampled_from([*"abcdefgh", *(f"{provider}/{model}" for provider in PROVIDERS for model in MODELS)]),
    st.builds(CoolDown, failures=st.just(1), until_ms=st.sampled_from([NOW_MS, NOW_MS + 1])),
)
LATENCIES = st.dictionaries(
    st.sampled_from([f"{provider}/{model} whole" for provider in PROVIDERS for model in MODELS]),
    st.integers(0, 10**6),
)
# A prompt that is long enough to be kept by a provider.
CALL = a_chat_call(body_bytes=10_000)


def _catalog(credentials: list[Credential]) -> Catalog:
    return catalog_of(0, [an_offer(provider=name).provider for name in PROVIDERS], credentials, [])


def _name(rank: Rank) -> str:
    return identity(rank.candidate.target)


@given(WAYS, CREDENTIALS, COOLING, LATENCIES, st.integers(0, 5))
def test_each_route_is_tried_once_and_able_whatever_the_advice(
    node: RouteNode, credentials: list[Credential], cooling: dict[str, CoolDown], latencies: dict[str, int], turns: int
) -> None:
    """Forgetting the advice changes the order and nothing else."""
    catalog = _catalog(credentials)
    advice = Advice(cooling=cooling, first_byte_us=latencies)
    for _ in range(turns):
        advice = order(node, circumstances(catalog, advice, call=CALL)).advice

    names = [_name(rank) for rank in order(node, circumstances(catalog, advice, call=CALL)).ranks]

    expected = set()
    for offer in offers_of(node):
        held = [credential for credential in credentials if credential.provider == offer.provider.name]
        active = [credential.id for credential in held if credential.active]
        expected |= {f"{offer.provider.name}/{offer.model} {name}" for name in (active if held else [""])}
    assert len(names) == len(set(names))
    assert expected == set(names)


@given(WAYS, CREDENTIALS, COOLING)
def test_what_cools_down_comes_after_all_that_does_not(
    node: RouteNode, credentials: list[Credential], cooling: dict[str, CoolDown]
) -> None:
    ranks = order(node, circumstances(_catalog(credentials), Advice(cooling=cooling), call=CALL)).ranks

    cools = [(rank.reserve, rank.cooling_until_ms > 0) for rank in ranks]
    assert sorted(cools) == cools


@given(groups(OFFERS), CREDENTIALS, COOLING, LATENCIES, st.integers(0, 9), st.integers(0, 99))
def test_a_lower_priority_is_never_tried_before_a_higher_one_that_is_well(
    group: Group,
    credentials: list[Credential],
    cooling: dict[str, CoolDown],
    latencies: dict[str, int],
    turns: int,
    talk: int,
) -> None:
    group = Group(key=group.key, strategy=group.strategy, members=_distinct(group))
    catalog = _catalog(credentials)
    advice = Advice(cooling=cooling, first_byte_us=latencies)
    for _ in range(turns):
        made = order(group, circumstances(catalog, advice, call=CALL))
        advice = made.advice
        if made.ranks and made.conversation is not None:
            last = made.ranks[talk % len(made.ranks)].candidate.target
            advice = learned_conversation(advice, made.conversation, last, NOW_MS)

    ranks = order(group, circumstances(catalog, advice, call=CALL)).ranks

    priority = {_unit(member.node): member.priority for member in group.members}
    well = [priority[_unit(rank.candidate.served)] for rank in ranks if not rank.cooling_until_ms]
    assert sorted(well) == well


def _unit(node: RouteNode) -> str:
    (offer,) = offers_of(node)
    return f"{offer.provider.name}/{offer.model}"


def _distinct(group: Group) -> tuple[Member, ...]:
    once = {_unit(member.node): member for member in group.members}
    return tuple(once.values())


# --- shares -----------------------------------------------------------------------------------------------------------

WEIGHTS = st.lists(st.integers(1, 5), min_size=2, max_size=4)


@given(WEIGHTS, st.lists(st.integers(1, 3), min_size=4, max_size=4), st.integers(1, 2))
def test_shares_are_exact_in_every_cycle_of_providers_and_within_each_of_credentials(
    weights: list[int], own: list[int], cycles: int
) -> None:
    """Each provider has two credentials, one heavier than the other: a provider's turn is one turn of its own."""
    members = [
        Member(name=name, node=an_offer(provider=name), weight=weight)
        for name, weight in zip(PROVIDERS, weights, strict=False)
    ]
    catalog = _catalog(
        [
            a_credential(f"{name}-{heavy}", provider=name, weight=weight if heavy else 1)
            for name, weight in zip(PROVIDERS, own, strict=True)
            for heavy in (True, False)
        ]
    )
    used: Counter[str] = Counter()
    within: Counter[tuple[str, str | None]] = Counter()
    advice = Advice()
    total = sum(weights)
    every = 1
    for weight in {weight + 1 for weight in own}:
        every *= weight  # After so many turns each provider has had whole cycles of its credentials.
    for _ in range(cycles * total * every):
        made = order(a_group(*members), circumstances(catalog, advice))
        advice, target = made.advice, made.candidates[0].target
        used[target.provider] += 1
        within[target.provider, target.credential_id] += 1

    for name, weight, heavy in zip(PROVIDERS, weights, own, strict=False):
        turns = cycles * every * weight
        assert turns == used[name]
        assert turns * heavy == within[name, f"{name}-True"] * (heavy + 1)


@given(st.integers(1, 99), st.integers(0, 250), st.integers(1, 3))
def test_a_canary_has_exactly_its_share_of_every_hundred_calls(percent: int, begin: int, usual: int) -> None:
    ways = [an_offer(provider=name) for name in PROVIDERS[:usual]]
    group = a_group(*ways, trial=an_offer(provider="dash"), trial_percent=percent)
    advice, firsts = Advice(), []
    for _ in range(begin + 100):
        made = order(group, circumstances(_catalog([]), advice))
        advice = made.advice
        firsts.append(made.candidates[0].target.provider)

    assert percent == firsts[begin:].count("dash")


@given(st.integers(1, 99), COOLING)
def test_a_canary_is_nobodys_fallback_while_there_is_another(percent: int, cooling: dict[str, CoolDown]) -> None:
    group = a_group(an_offer(), an_offer(provider="bolt"), trial=an_offer(provider="dash"), trial_percent=percent)
    ranks = order(group, circumstances(_catalog([]), Advice(cooling=cooling))).ranks

    places = [place for place, rank in enumerate(ranks) if rank.trial]
    assert places in ([0], [2])
    assert ranks[places[0]].reserve == (places == [2])


# --- cost and latency -------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 10**9), min_size=4, max_size=4), st.integers(0, 5))
def test_the_cheapest_goes_first_and_the_dearest_last(prices: list[int], turns: int) -> None:
    ways = [
        an_offer(a_rate(provider=name, input_nanos=nanos), name) for name, nanos in zip(PROVIDERS, prices, strict=True)
    ]
    advice = Advice()
    for _ in range(turns):
        advice = order(a_group(*ways, strategy="least-cost"), circumstances(_catalog([]), advice, call=CALL)).advice

    ranks = order(a_group(*ways, strategy="least-cost"), circumstances(_catalog([]), advice, call=CALL)).ranks

    requested = [expected_nanos(CALL, rank.candidate.served.rate) for rank in ranks if rank.candidate.served.rate]
    assert len(requested) == 4
    assert sorted(requested) == requested


@given(st.permutations([10_000, 20_000, 30_000, 40_000]), st.integers(20, 60))
def test_the_fastest_goes_first_but_for_one_call_of_twenty_and_all_are_tried(times: list[int], calls: int) -> None:
    """Who is not known yet is tried first, and who was slow is looked at again in its turn."""
    takes = dict(zip(PROVIDERS, times, strict=True))
    group = a_group(*(an_offer(provider=name) for name in PROVIDERS), strategy="least-latency")
    advice, used = Advice(), []
    for _ in range(calls):
        made = order(group, circumstances(_catalog([]), advice))
        target = made.candidates[0].target
        used.append(target.provider)
        advice = learned_first_byte(made.advice, target, stream=False, took_us=takes[target.provider])

    assert set(PROVIDERS) == set(used[:4])
    fastest = min(takes, key=lambda name: takes[name])
    elsewhere = [place for place, name in enumerate(used) if place >= 4 and name != fastest]
    assert all(later - sooner >= EXPLORED_OF for sooner, later in itertools.pairwise(elsewhere))
    assert calls < 45 or elsewhere, "a turn of three of four looks elsewhere"


# --- conversations ----------------------------------------------------------------------------------------------------


@given(CREDENTIALS, COOLING, st.integers(0, 9), st.sampled_from([NOW_MS, NOW_MS + 300_000, NOW_MS + 300_001]))
def test_a_conversation_stays_where_it_was_unless_that_is_inactive_or_cooling(
    credentials: list[Credential], cooling: dict[str, CoolDown], turns: int, now_ms: int
) -> None:
    group = a_group(*(an_offer(provider=name) for name in PROVIDERS))
    first = order(group, circumstances(_catalog(credentials), Advice(), call=CALL))
    if len(first.ranks) < 2:
        return
    assert first.conversation is not None
    stays_on = first.ranks[-1].candidate.target
    advice = learned_conversation(first.advice, first.conversation, stays_on, NOW_MS)
    advice = Advice(turns=advice.turns, cooling=cooling, affinities=advice.affinities)
    for _ in range(turns):  # Others call in between.
        advice = order(group, circumstances(_catalog(credentials), advice, caller="bob", call=CALL)).advice
    left = [credential for credential in credentials if credential.id != "a"]

    made = order(group, circumstances(_catalog(left), advice, call=CALL, now_ms=now_ms))

    inactive = stays_on.credential_id == "a"
    cools = any(
        what in cooling and cooling[what].until_ms > now_ms
        for what in (f"{stays_on.provider}/{stays_on.model}", stays_on.credential_id or "")
    )
    stays = not inactive and not cools and now_ms < NOW_MS + 300_000
    assert stays == made.ranks[0].warm
    if stays:
        assert identity(stays_on) == _name(made.ranks[0])
    assert not any(rank.warm and rank.cooling_until_ms for rank in made.ranks)


@given(st.lists(st.integers(0, 10_000), max_size=300))
def test_what_is_remembered_of_conversations_is_bounded(keys: list[int]) -> None:
    advice = Advice()
    target = order(an_offer(), circumstances(_catalog([]))).candidates[0].target
    for key in keys:
        # One shard of them all.
        talk = Conversation(key=f"0000{key:08x}", warm_ms=1)
        advice = learned_conversation(advice, talk, target, NOW_MS)

    kept = [key for shard in advice.affinities for key in shard]
    assert len(kept) == min(64, len(set(keys)))
    if keys:
        assert f"0000{keys[-1]:08x}" in kept
