"""Where names lead is remembered, and never for longer than it holds."""

from hypothesis import given
from hypothesis import strategies as st

from domain.catalog.catalog import Catalog, catalog_of
from domain.routing.tree import Route, route_of
from entrypoints.usecases.call.route_cache import REMEMBERED_MAX, Routed
from tests.domain.build import a_provider, a_rate

MODELS = ("small", "large")
NAMES = ("acme/small", "small", "acme/large", "large", "acme/none")
MOMENTS = st.integers(0, 40)
RATES = st.lists(st.tuples(st.sampled_from(MODELS), MOMENTS, st.booleans()), max_size=6)


def _catalog(version: int, rates: list[tuple[str, int, bool]]) -> Catalog:
    versions = [
        a_rate(id=f"r{n}", model=model, effective_ms=at_ms, input_nanos=n, removed=removed)
        for n, (model, at_ms, removed) in enumerate(rates)
    ]
    return catalog_of(version, [a_provider("acme")], [], versions, [])


def test_a_rate_that_begins_to_hold_is_sold_from_that_moment_on() -> None:
    catalog, routed = _catalog(1, [("small", 0, False), ("small", 10, False)]), Routed(True, "round-robin")

    sold = [_rate_id(routed, catalog, now_ms) for now_ms in (5, 9, 10, 11, 9)]

    assert sold == ["r0", "r0", "r1", "r1", "r0"]


@given(st.lists(RATES, min_size=1, max_size=3), st.lists(st.tuples(st.integers(0, 2), st.sampled_from(NAMES), MOMENTS)))
def test_what_is_remembered_is_what_would_be_found(
    rates: list[list[tuple[str, int, bool]]], requested: list[tuple[int, str, int]]
) -> None:
    catalogs = [_catalog(version, versions) for version, versions in enumerate(rates)]
    for billed in (True, False):
        routed = Routed(billed, "round-robin")
        for which, name, now_ms in requested:
            catalog = catalogs[which % len(catalogs)]

            assert routed.route(catalog, name, now_ms) == route_of(catalog, name, billed, "round-robin", now_ms)


def test_names_without_end_are_not_remembered_without_end() -> None:
    catalog, routed = _catalog(1, []), Routed(False, "round-robin")
    for number in range(3 * REMEMBERED_MAX):
        assert isinstance(routed.route(catalog, f"acme/m{number}", 0), Route)

    assert len(routed._routes) <= REMEMBERED_MAX


def _rate_id(routed: Routed, catalog: Catalog, now_ms: int) -> str:
    route = routed.route(catalog, "acme/small", now_ms)
    assert isinstance(route, Route)
    offer = route.root
    assert not hasattr(offer, "members")
    assert offer.rate is not None
    return offer.rate.id
