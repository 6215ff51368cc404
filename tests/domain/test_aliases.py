"""Aliases as an operator sets them: never a provider's name, never a way back, every change in the audit log."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.books.management_scopes import AliasScope, ProviderScope
from domain.books.rows import AuditEntry
from domain.books.working_copy import Books
from domain.catalog.aliases import DEPTH_MAX, RESOLVED_TARGETS_MAX, Alias, AliasTarget, flaw
from domain.management.changes import Actor, Changed, Denied, Outcome, Unchanged, add_provider, remove_alias, set_alias
from domain.refusals import AlreadyExists, BadRequest, NotFound
from tests.domain.build import NOW_MS, a_provider, an_alias, books_with, decided

ACTOR = Actor(name="owner", now_ms=NOW_MS, audit_id="audit-1")


def set_in(books: Books, alias: Alias) -> Outcome:
    outcome = set_alias(AliasScope().view(books), ACTOR, alias)
    decided(books, outcome)
    return outcome


def test_an_alias_is_set_with_its_audit_entry() -> None:
    books = books_with(a_provider())

    outcome = set_in(books, an_alias("fast", "acme/small", "other"))

    assert isinstance(outcome, Changed)
    assert [an_alias("fast", "acme/small", "other")] == books.aliases["fast"]
    entry = AuditEntry(
        id="audit-1",
        at_ms=NOW_MS,
        actor="owner",
        action="alias set",
        subject="fast",
        detail="round-robin: acme/small, other",
    )
    assert [entry] == books.audit


def test_the_same_again_changes_nothing_and_other_targets_make_a_new_version() -> None:
    books = books_with(a_provider(), an_alias("fast", "acme/small"))

    assert isinstance(set_in(books, an_alias("fast", "acme/small", id="alias-2", known_ms=9)), Unchanged)
    assert isinstance(set_in(books, an_alias("fast", "acme/large", id="alias-3")), Changed)

    assert ["alias of fast", "alias-3"] == [version.id for version in books.aliases["fast"]]


@pytest.mark.parametrize(("alias", "refusal"), [
    (an_alias("acme", "acme/small"),             AlreadyExists(kind="provider", name="acme")),
    (an_alias("fast", "bolt/small"),             "bolt"),
    (an_alias("fast", "acme/small", "bolt/x"),   "bolt"),
    (an_alias("fast", "fast"),                   "fast → fast"),
    (an_alias("fast", "acme/small", "again"),    "fast → again → fast"),
])  # fmt: skip
def test_what_an_alias_may_not_be(alias: Alias, refusal: AlreadyExists | str) -> None:
    books = books_with(a_provider(), an_alias("again", "fast"))

    outcome = set_in(books, alias)

    assert isinstance(outcome, Denied)
    match outcome.refusal:
        case BadRequest() as reported:
            assert str(refusal) in reported.problem
        case NotFound() as reported:
            assert ("provider", refusal) == (reported.kind, reported.name)
        case reported:
            assert refusal == reported
    assert "fast" not in books.aliases


def test_a_provider_may_not_take_the_name_of_an_alias() -> None:
    books = books_with(an_alias("fast", "small"))

    denied = add_provider(ProviderScope(name="fast").view(books), ACTOR, a_provider("fast"))

    assert Denied(refusal=AlreadyExists(kind="alias", name="fast")) == denied


def test_a_removed_alias_leads_nowhere_and_its_name_is_free() -> None:
    books = books_with(an_alias("fast", "small"))

    decided(books, remove_alias(AliasScope().view(books), ACTOR, "fast", "alias-2"))

    assert {} == AliasScope().view(books).aliases
    assert ProviderScope(name="fast").view(books).alias is None
    assert isinstance(remove_alias(AliasScope().view(books), ACTOR, "fast", "alias-3"), Denied)


def test_aliases_do_not_lead_over_more_than_a_few_others() -> None:
    chain = {f"a{n}": an_alias(f"a{n}", f"a{n + 1}") for n in range(DEPTH_MAX)}
    assert flaw(chain) is None

    assert "not lead over more than" in str(flaw(chain | {"b": an_alias("b", "a0")}))


def test_an_alias_does_not_lead_to_more_models_than_can_be_tried() -> None:
    """Six storeys of three aliases, each leading to all three below: 729 ways, of which no more are counted than
    need be."""
    below = {n: [f"{n + 1}{letter}" for letter in "abc"] for n in range(6)}
    wide = {f"{n}{letter}": an_alias(f"{n}{letter}", *models) for n, models in below.items() for letter in "abc"}

    assert f"more than {RESOLVED_TARGETS_MAX} models" in str(flaw(wide))


NAMES = "abcdef"
SOME = st.dictionaries(
    st.sampled_from(NAMES), st.lists(st.sampled_from(NAMES + "xyz"), min_size=1, max_size=3, unique=True)
)


@given(SOME)
def test_aliases_have_a_flaw_exactly_when_one_can_be_followed_back_to_itself(leads: dict[str, list[str]]) -> None:
    aliases = {name: an_alias(name, *models) for name, models in leads.items()}

    assert _cycles(leads) == (flaw(aliases) is not None)


def _cycles(leads: dict[str, list[str]]) -> bool:
    """Take away what leads to nothing that is left, until nothing changes: what remains is on a cycle, or leads to
    one."""
    left = dict(leads)
    while ends := [name for name, models in left.items() if not any(model in left for model in models)]:
        for name in ends:
            del left[name]
    return bool(left)


@pytest.mark.parametrize("wrong", [{"priority": -1}, {"priority": 10_000}, {"weight": 0}, {"weight": 1_000_001}])
def test_a_target_has_a_place_and_a_share(wrong: dict[str, Any]) -> None:
    target = msgspec.structs.replace(AliasTarget(model="acme/small"), **wrong)

    with pytest.raises(ValueError, match="priorities are from 0 to 9999, weights from 1 to 1000000"):
        an_alias("fast", targets=(target,))
