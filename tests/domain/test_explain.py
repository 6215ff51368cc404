"""What is explained beforehand is what is done: by examples, and as a law over any aliases."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.catalog.aliases import AliasTarget, Canary
from domain.catalog.catalog import Catalog, catalog_of
from domain.model_api.call import AttemptRecord
from domain.routing.cooldown import CoolDown
from domain.routing.explain import Explanation, brief, explain
from domain.routing.learned import Advice
from domain.routing.order import order
from domain.routing.tree import Route, route_of
from tests.domain.build import NOW_MS, a_chat_call, a_provider, a_rate, an_alias, circumstances

PROVIDERS = ("acme", "bolt", "calm")


def _catalog(*targets: AliasTarget, canary: Canary | None = None) -> Catalog:
    rates = [a_rate(id=name, provider=name, input_nanos=n) for n, name in enumerate(PROVIDERS)]
    providers = [a_provider(name) for name in PROVIDERS]
    return catalog_of(0, providers, [], rates, [an_alias("fast", targets=targets, canary=canary)])


TARGETS = st.lists(
    st.builds(
        AliasTarget,
        model=st.sampled_from([*(f"{name}/small" for name in PROVIDERS), "small", "nobody"]),
        priority=st.integers(0, 2),
        weight=st.integers(1, 3),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda target: target.model,
)
COOLING = st.dictionaries(
    st.sampled_from([f"{name}/small" for name in PROVIDERS]),
    st.builds(CoolDown, failures=st.just(1), until_ms=st.sampled_from([NOW_MS, NOW_MS + 1])),
)


@given(TARGETS, COOLING, st.none() | st.just(Canary(model="calm/small", percent=30)), st.integers(0, 6))
def test_what_is_explained_is_what_the_next_call_does(
    targets: list[AliasTarget], cooling: dict[str, CoolDown], canary: Canary | None, turns: int
) -> None:
    catalog, call = _catalog(*targets, canary=canary), a_chat_call(model="fast")
    route = route_of(catalog, "fast", True, "round-robin", NOW_MS)
    advice = Advice(cooling=cooling)
    for _ in range(turns if isinstance(route, Route) else 0):
        assert isinstance(route, Route)
        advice = order(route.root, circumstances(catalog, advice, call=call)).advice

    reported = explain(circumstances(catalog, advice, call=call), True, "round-robin")

    if not isinstance(route, Route):
        assert route == reported
        return
    assert isinstance(reported, Explanation)
    done = order(route.root, circumstances(catalog, advice, call=call))
    assert done.ranks == tuple(one.rank for one in reported.candidates)
    assert ("nobody" in {target.model for target in targets}) == ("nobody" in {one.model for one in reported.left_out})


@pytest.mark.parametrize(("cooling", "place", "line"), [
    ((),               0,  "alias fast; round-robin; 1 of 2"),
    (("acme/small",),  0,  "alias fast; round-robin; 1 of 2; acme cooling"),
    ((),               1,  "alias fast; round-robin; 2 of 2; acme overloaded"),
])  # fmt: skip
def test_one_line_reports_why(cooling: tuple[str, ...], place: int, line: str) -> None:
    catalog = _catalog(AliasTarget(model="acme/small"), AliasTarget(model="bolt/small", priority=1))
    route = route_of(catalog, "fast", True, "round-robin", NOW_MS)
    assert isinstance(route, Route)
    advice = Advice(cooling=dict.fromkeys(cooling, CoolDown(failures=1, until_ms=NOW_MS + 1)))
    made = order(route.root, circumstances(catalog, advice))
    failed = [AttemptRecord(provider="acme", outcome="overloaded")] if place else []

    assert line == brief(route, made, made.candidates[place].target, failed)


def test_one_line_reports_why_for_a_single_route_too() -> None:
    """The canary is what the alias leads to anyway: one way, and yet its turn as a canary."""
    catalog = _catalog(AliasTarget(model="acme/small"), canary=Canary(model="acme/small", percent=99))
    route = route_of(catalog, "fast", True, "round-robin", NOW_MS)
    assert isinstance(route, Route)
    made = order(route.root, circumstances(catalog, Advice()))
    answered = [AttemptRecord(provider="acme", outcome="answered")]

    assert len(made.ranks) == 1
    assert "alias fast; 1 of 1; canary" == brief(route, made, made.candidates[0].target, answered)
