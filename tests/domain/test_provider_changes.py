"""Changes of providers, credentials and listings that exist: what they do, and what the audit log says of them."""

from typing import Any

import pytest

from domain.books.management_scopes import ProviderFacts
from domain.books.rows import AuditEntry
from domain.catalog.catalog import catalog_of, listed_models, rate_at, serving
from domain.catalog.rows import Credential, ProviderRow
from domain.failures import Failure
from domain.management import provider_changes as changes
from domain.management.changes import Actor, Changed, Denied, Outcome, Unchanged, add_provider, set_rate
from domain.pricing.rate import Rate
from domain.refusals import UnknownModel

NOW_MS = 1_000_000
OPERATOR = Actor(name="api:olga", now_ms=NOW_MS, audit_id="audit-1")


def a_provider(**fields: Any) -> ProviderRow:
    return ProviderRow(
        **{"name": "acme", "dialect": "openai", "base_url": "https://a.example", "created_ms": 1, **fields}
    )


def a_credential(**fields: Any) -> Credential:
    given = {"id": "cred-1", "provider": "acme", "name": "team", "sealed": b"x", "masked": "sk-1…", "weight": 100}
    return Credential(**{**given, "created_ms": 1, **fields})


def a_rate(**fields: Any) -> Rate:
    given = {"id": "rate-1", "provider": "acme", "model": "m", "effective_ms": 1, "known_ms": 1, "source": "operator"}
    return Rate(**{**given, **fields})


def facts(*rates: Rate, **fields: Any) -> ProviderFacts:
    return ProviderFacts(provider=a_provider(**fields), credentials=(), rates=rates)


def row(outcome: Outcome) -> Any:
    assert isinstance(outcome, Changed)
    return outcome.row


def detail(outcome: Outcome) -> str:
    entry = outcome.writes[-1]
    assert isinstance(entry, AuditEntry)
    return entry.detail


def test_a_disabled_provider_is_no_candidate_and_its_models_are_not_listed() -> None:
    off = row(changes.disable_provider(facts(), OPERATOR, "acme"))
    on = row(changes.enable_provider(facts(disabled_ms=5), OPERATOR, "acme"))

    without = catalog_of(1, [off], [], [a_rate()])
    assert isinstance(serving(without, "acme/m", True, NOW_MS), UnknownModel)
    assert isinstance(serving(without, "m", True, NOW_MS), UnknownModel)
    assert [] == listed_models(without, NOW_MS)
    with_it = catalog_of(2, [on], [], [a_rate()])
    assert ["m"] == [served.model for served in listed_models(with_it, NOW_MS)]


def test_switching_twice_changes_nothing() -> None:
    assert isinstance(changes.disable_provider(facts(disabled_ms=5), OPERATOR, "acme"), Unchanged)
    assert isinstance(changes.enable_provider(facts(), OPERATOR, "acme"), Unchanged)


def test_a_change_names_its_fields_in_the_audit_log_and_never_a_secret() -> None:
    provider = changes.change_provider(facts(), OPERATOR, "acme", {"display_name": "Acme AI", "weight": 3})
    secret = changes.change_credential(a_credential(), OPERATOR, "cred-1", {"sealed": b"new", "masked": "sk-2…"})

    assert "weight 1 → 3; display_name None → 'Acme AI'" == detail(provider)
    assert "secret" == detail(secret)


def test_a_provider_that_is_added_again_stays_disabled_under_its_display_name() -> None:
    moved = add_provider(facts(disabled_ms=5, display_name="Acme"), OPERATOR, a_provider(base_url="https://b.example"))

    assert ("https://b.example", 5, "Acme") == (row(moved).base_url, row(moved).disabled_ms, row(moved).display_name)


@pytest.mark.parametrize(
    ("failure", "was_active", "is_active", "error"),
    [
        (None, False, True, None),
        (Failure(kind="credential_rejected", message="bad key", status=401), True, False, "bad key"),
        (Failure(kind="overloaded", message="slow down", status=429), True, True, "slow down"),
        (Failure(kind="overloaded", message="slow down", status=429), False, False, "slow down"),
    ],
)
def test_the_outcome_of_a_check_is_kept(
    failure: Failure | None, was_active: bool, is_active: bool, error: str | None
) -> None:
    before = a_credential(active=was_active, error=None if was_active else "earlier")

    after = row(changes.credential_checked(before, OPERATOR, "cred-1", failure))

    assert (is_active, error) == (after.active, after.error)
    assert (None if failure is None else NOW_MS) == after.error_ms


def test_a_new_secret_puts_a_rejected_credential_into_use_and_a_new_weight_does_not() -> None:
    rejected = a_credential(active=False, error="bad key", error_ms=3)

    renewed = row(changes.change_credential(rejected, OPERATOR, "cred-1", {"sealed": b"new", "masked": "sk-2…"}))
    weighed = row(changes.change_credential(rejected, OPERATOR, "cred-1", {"weight": 5}))

    assert (True, None, None) == (renewed.active, renewed.error, renewed.error_ms)
    assert (False, "bad key", 5) == (weighed.active, weighed.error, weighed.weight)


@pytest.mark.parametrize("credential", [None, a_credential(removed_ms=3)])
def test_a_credential_that_is_gone_is_not_changed(credential: Credential | None) -> None:
    assert isinstance(changes.change_credential(credential, OPERATOR, "cred-1", {"weight": 5}), Denied)
    assert isinstance(changes.credential_checked(credential, OPERATOR, "cred-1", None), Denied)


def test_a_hidden_model_is_in_no_list_and_is_sold_and_stays_hidden_when_its_price_changes() -> None:
    hidden = row(changes.list_model(facts(a_rate()), OPERATOR, "acme/m", "rate-2", {"hidden": True}))
    later = Actor(name="api:olga", now_ms=NOW_MS + 1, audit_id="audit-2")
    dearer = row(
        set_rate(facts(a_rate(), hidden), later, a_rate(id="rate-3", effective_ms=NOW_MS + 1, known_ms=NOW_MS + 1))
    )

    catalog = catalog_of(1, [a_provider()], [], [a_rate(), hidden, dearer])
    assert [] == listed_models(catalog, NOW_MS + 1)
    assert dearer == rate_at(catalog, "acme", "m", NOW_MS + 1)
    assert dearer.hidden


def test_a_listing_is_a_new_version_that_can_be_taken_back() -> None:
    hidden = a_rate(hidden=True, display_name="M")

    shown = row(changes.list_model(facts(hidden), OPERATOR, "acme/m", "rate-2", {"hidden": False}))

    assert ("rate-2", False, "M", NOW_MS) == (shown.id, shown.hidden, shown.display_name, shown.effective_ms)
    assert isinstance(changes.list_model(facts(hidden), OPERATOR, "acme/m", "rate-3", {}), Unchanged)
    assert isinstance(changes.list_model(facts(), OPERATOR, "acme/m", "rate-3", {"hidden": True}), Denied)
