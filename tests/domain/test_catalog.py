"""What can be called and what it is sold for, at one moment."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.catalog.catalog import Catalog, Served, catalog_of, is_rated, priced, rate_at, serving, similar
from domain.catalog.rows import ProviderRow
from domain.pricing.rate import Rate
from domain.refusals import UnknownModel, UnpricedModel
from tests.domain.build import NOW_MS, a_credential, a_provider, a_rate

TEN, ELEVEN, NOON = 10, 11, 12


def test_a_model_is_sold_at_the_version_of_its_rate_that_holds_now() -> None:
    first, second = a_rate(id="r1", effective_ms=TEN), a_rate(id="r2", effective_ms=NOON)

    catalog = _catalog([first, second])

    assert rate_at(catalog, "acme", "small", ELEVEN) == first


@pytest.mark.parametrize(("versions", "now_ms", "holds"), [
    #  id    effective  known  removed
    ([("r1",  TEN,      0,     False)],                                TEN - 1,  None),
    ([("r1",  TEN,      0,     False)],                                TEN,      "r1"),
    ([("r1",  TEN,      0,     False), ("r2", NOON,  0,   False)],     NOON,     "r2"),
    ([("r2",  TEN,      0,     False), ("r1", TEN,   1,   False)],     TEN,      "r1"),   # corrected later
    ([("r1",  TEN,      5,     False), ("r2", NOON,  1,   False)],     NOON,     "r2"),   # known earlier
    ([("r1",  TEN,      0,     False), ("r2", NOON,  0,   True)],      ELEVEN,   "r1"),
    ([("r1",  TEN,      0,     False), ("r2", NOON,  0,   True)],      NOON,     None),   # not sold any more
    ([("r1",  TEN,      0,     True),  ("r2", NOON,  0,   False)],     NOON,     "r2"),   # and sold again
])  # fmt: skip
def test_which_version_of_a_rate_holds(
    versions: list[tuple[str, int, int, bool]], now_ms: int, holds: str | None
) -> None:
    """(G12)"""
    rates = [
        a_rate(id=i, effective_ms=effective, known_ms=known, removed=gone) for i, effective, known, gone in versions
    ]

    rate = rate_at(_catalog(rates), "acme", "small", now_ms)

    assert (rate.id if rate else None) == holds


RATES = st.lists(
    st.builds(
        a_rate,
        id=st.text("abcdef", min_size=1, max_size=3),
        effective_ms=st.integers(0, 20),
        known_ms=st.integers(0, 3),
        removed=st.booleans(),
    ),
    max_size=6,
    unique_by=lambda rate: rate.id,
)


@given(RATES.flatmap(lambda rates: st.tuples(st.just(rates), st.permutations(rates))), st.integers(0, 20))
def test_the_order_in_which_the_versions_are_read_makes_no_difference(
    two_orders: tuple[list[Rate], list[Rate]], now_ms: int
) -> None:
    rates, shuffled = two_orders

    assert rate_at(_catalog(rates), "acme", "small", now_ms) == rate_at(_catalog(shuffled), "acme", "small", now_ms)


@given(RATES, st.integers(0, 20), st.integers(1, 20))
def test_a_version_that_takes_effect_later_changes_no_price_before(rates: list[Rate], now_ms: int, later: int) -> None:
    """So a charge can be derived again under the rate it was made at. (G12)"""
    future = a_rate(id="future", effective_ms=now_ms + later, known_ms=99)

    assert rate_at(_catalog(rates), "acme", "small", now_ms) == rate_at(
        _catalog([*rates, future]), "acme", "small", now_ms
    )


# --- names ----------------------------------------------------------------------------------------------------

ACME_SMALL = a_rate(id="acme small")
BOLT_SMALL = a_rate(id="bolt small", provider="bolt")
BOLT_LARGE = a_rate(id="bolt large", provider="bolt", model="meta/large")
GPT = a_rate(id="gpt", provider="openai", model="gpt-4o")
SOLD = [ACME_SMALL, BOLT_SMALL, BOLT_LARGE, GPT]


@pytest.mark.parametrize(("name", "billed", "served_by"), [
    ("acme/small",         True,   ["acme"]),
    ("small",              True,   ["acme", "bolt"]),      # a bare name: everybody who sells it
    ("bolt/meta/large",    True,   ["bolt"]),
    ("meta/large",         True,   ["bolt"]),              # a slash that is part of the model's name
    ("gpt-4o",             True,   ["openai"]),
    ("openai/gpt-4o",      True,   ["openai"]),
    ("gpt-5",              False,  ["openai"]),            # no rate, but a name of that vendor's
    ("acme/other",         False,  ["acme"]),
    ("small",              False,  ["acme", "bolt"]),
])  # fmt: skip
def test_who_serves_a_model(name: str, billed: bool, served_by: list[str]) -> None:
    served = serving(_catalog(SOLD), name, billed, NOW_MS)

    assert isinstance(served, list)
    assert [entry.provider.name for entry in served] == served_by
    assert all(entry.rate is not None for entry in served) or not billed


@pytest.mark.parametrize(("name", "billed", "refusal"), [
    ("acme/other",   True,   UnpricedModel(model="acme/other")),
    ("gpt-5",        True,   UnpricedModel(model="gpt-5", similar=("openai/gpt-4o",))),
    ("gpt-4p",       True,   UnpricedModel(model="gpt-4p", similar=("openai/gpt-4o",))),
    ("nobody/smal",  True,   UnknownModel(model="nobody/smal", similar=("acme/small", "bolt/small"))),
    ("large",        True,   UnknownModel(model="large", similar=("bolt/meta/large",))),
    ("zzz",          True,   UnknownModel(model="zzz")),
    ("zzz",          False,  UnknownModel(model="zzz")),
])  # fmt: skip
def test_a_model_that_nobody_sells_is_refused_by_name(
    name: str, billed: bool, refusal: UnknownModel | UnpricedModel
) -> None:
    """Unknown is never free. (G6)"""
    assert refusal == serving(_catalog(SOLD), name, billed, NOW_MS)


@pytest.mark.parametrize(("name", "similar"), [
    ("gpt5mini",         ("openai/gpt-5-mini", "openai/gpt-5")),
    ("opanai/gpt-5-mni", ("openai/gpt-5-mini", "openai/gpt-5")),
    ("Claude Opus",      ()),
    ("",                 ()),
])  # fmt: skip
def test_a_misspelt_model_is_answered_with_the_likest_names(name: str, similar: tuple[str, ...]) -> None:
    models = ("ada", "gpt-4o", "gpt-5", "gpt-5-mini", "whisper-1")
    rates = [a_rate(provider="openai", model=model, id=model) for model in models]

    assert serving(catalog_of(1, [a_provider("openai")], [], rates), name, True, NOW_MS) == UnknownModel(
        model=name, similar=similar
    )


def test_few_models_are_all_named_for_an_unknown_one() -> None:
    catalog = catalog_of(1, [a_provider("acme")], [], [a_rate(provider="acme", model="small")])

    assert serving(catalog, "zzz", True, NOW_MS) == UnknownModel(model="zzz", similar=("acme/small",))


def test_a_bare_name_is_not_sold_by_a_provider_that_has_no_rate_for_it() -> None:
    catalog = catalog_of(
        1, [a_provider("openai"), a_provider("azure")], [], [a_rate(provider="azure", model="gpt-4o", id="azure")]
    )

    served = serving(catalog, "gpt-4o", True, NOW_MS)

    assert isinstance(served, list)
    assert [entry.provider.name for entry in served] == ["azure"]


@given(RATES, st.integers(0, 20))
def test_with_billing_on_nothing_is_sold_without_a_rate(rates: list[Rate], now_ms: int) -> None:
    """(G6, G12)"""
    catalog = _catalog(rates)

    served = serving(catalog, "acme/small", True, now_ms)

    sold = [s for s in priced(catalog, now_ms) if s.provider.name == "acme"]
    assert served == (sold or UnpricedModel(model="acme/small", similar=similar(catalog, "acme/small", now_ms)))


def test_the_models_that_have_a_rate_are_listed_by_provider_and_name() -> None:
    gone = a_rate(id="gone", model="gone", removed=True)
    orphan = a_rate(id="orphan", provider="removed")

    listed = priced(_catalog([*reversed(SOLD), gone, orphan]), NOW_MS)

    assert [f"{entry.provider.name}/{entry.model}" for entry in listed] == [
        "acme/small",
        "bolt/meta/large",
        "bolt/small",
        "openai/gpt-4o",
    ]
    assert Served(provider=a_provider("acme"), model="small", rate=ACME_SMALL) == listed[0]


def test_credentials_are_found_by_their_provider() -> None:
    one, two = a_credential("one"), a_credential("two", provider="bolt")

    catalog = catalog_of(7, [a_provider()], [one, two], [])

    assert catalog.credentials == {"acme": (one,), "bolt": (two,)}
    assert catalog.version == 7


def _catalog(rates: list[Rate]) -> Catalog:
    providers: list[ProviderRow] = [a_provider(name) for name in ("acme", "bolt", "openai")]
    return catalog_of(1, providers, [], rates)


def test_a_rate_of_many_names_serves_them_where_the_provider_is_named_and_a_bare_name_only_where_it_is_the_makers() -> (
    None
):
    """A resale may know "gpt-5-2025" too, under a name of its own; called so it would answer that there is none."""
    names = ("=gpt-5", "^gpt-5-2025")
    made = a_rate(id="rate-1", provider="openai", model="gpt-5", names=names)
    resold = a_rate(id="rate-2", provider="acme", model="resale/gpt-5", names=(*names, "=resale/gpt-5"))
    catalog = catalog_of(1, [a_provider("openai"), a_provider("acme")], [], [made, resold])

    bare = serving(catalog, "gpt-5-2025-08-07", True, NOW_MS)
    named = serving(catalog, "acme/gpt-5-20250807", True, NOW_MS)

    assert isinstance(bare, list)
    assert [served.provider.name for served in bare] == ["openai"]
    assert isinstance(named, list)
    assert [served.rate for served in named] == [resold]


@pytest.mark.parametrize(("name", "rated"), [
    ("acme/small",            True),
    ("small",                 True),
    ("acme/meta/large",       True),
    ("meta/large",            True),
    ("openai/gpt-5-20250807", True),   # by another of its names
    ("gpt-5-2025-08-07",      True),
    ("acme/gone",             True),   # it was sold once
    ("bolt/small",            False),
    ("large",                 False),
    ("smal",                  False),
    ("acme",                  False),
    ("acme/",                 False),
    ("",                      False),
])  # fmt: skip
def test_a_model_is_rated_that_has_or_had_a_rate_by_any_of_its_names(name: str, rated: bool) -> None:
    made = a_rate(id="r1", provider="openai", model="gpt-5", names=("=gpt-5", "^gpt-5-2025"))
    others = [a_rate(id="r2"), a_rate(id="r3", model="meta/large"), a_rate(id="r4", model="gone", removed=True)]

    assert is_rated(_catalog([made, *others]), name) is rated
