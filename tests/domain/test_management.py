"""Changing the hub: each change with its audit entry, in one decision, and no secret in any entry."""

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.billing.plan import Plan, Refused
from domain.billing.verification import Totals
from domain.books.management_scopes import CredentialScope, KeyScope, ProviderFacts, ProviderScope, UserFacts, UserScope
from domain.books.rows import AuditEntry, Row
from domain.books.working_copy import Books
from domain.ledger.ledger import available
from domain.ledger.rows import Grant
from domain.management.changes import (
    Actor,
    Changed,
    Denied,
    Outcome,
    Unchanged,
    activate_credential,
    add_credential,
    add_key,
    add_provider,
    add_user,
    deactivate_credential,
    grant_credit,
    remove_credential,
    remove_provider,
    revoke_key,
    set_rate,
)
from domain.pricing.rate import Rate
from domain.refusals import AlreadyExists, InvalidKey, NotFound
from tests.domain.build import (
    NOW_MS,
    a_credential,
    a_grant,
    a_key,
    a_plan_request,
    a_provider,
    a_rate,
    a_user,
    books_with,
    decided,
    plan_in,
    proof,
)

ACTOR = Actor(name="owner", now_ms=NOW_MS, audit_id="audit-1")
SECRET = "canary-4f1d"  # what no entry may ever hold
SEALED = a_credential("cred-1", sealed=SECRET.encode())
BOB, BOBS_KEY = a_user("bob"), a_key("bob", fingerprint=SECRET)
NEW_RATE = a_rate(id="rate-2", model="large")
NO_RATE = a_rate(id="rate-3", removed=True, effective_ms=NOW_MS)

Change = Callable[[Books], Outcome]


def user(books: Books, name: str) -> UserFacts:
    return UserScope(name=name).view(books)


def provider(books: Books, name: str) -> ProviderFacts:
    return ProviderScope(name=name).view(books)


def some_books() -> Books:
    """Ada with her key, a provider with a credential and a rate, another that was removed, and one to be."""
    return books_with(
        a_provider(),
        a_provider("gone", removed_ms=NOW_MS - 1),
        SEALED,
        a_credential("cred-gone", active=False, removed_ms=NOW_MS - 1),
        a_credential("cred-off", active=False, error="401", sealed=SECRET.encode()),
        a_key(id="key-revoked", fingerprint="old", revoked_ms=NOW_MS - 1),
    )


def _add_user(books: Books) -> Outcome:
    return add_user(user(books, "bob"), ACTOR, BOB)


def _add_key(books: Books) -> Outcome:
    return add_key(user(books, "ada"), ACTOR, "ada", lambda ada: a_key(ada.id, id="key-2", fingerprint=SECRET))


def _revoke(key_id: str) -> Change:
    return lambda books: revoke_key(KeyScope(key_id=key_id).view(books), ACTOR, key_id)


def _add_provider(name: str, **changes: object) -> Change:
    return lambda books: add_provider(provider(books, name), ACTOR, a_provider(name, **changes))


def _remove_provider(name: str) -> Change:
    return lambda books: remove_provider(provider(books, name), ACTOR, name)


def _add_credential(name: str) -> Change:
    credential = a_credential("cred-2", provider=name, sealed=SECRET.encode())
    return lambda books: add_credential(provider(books, name), ACTOR, credential)


def _remove_credential(credential_id: str) -> Change:
    return lambda books: remove_credential(
        CredentialScope(credential_id=credential_id).view(books), ACTOR, credential_id
    )


def _deactivate(credential_id: str) -> Change:
    return lambda books: deactivate_credential(
        CredentialScope(credential_id=credential_id).view(books), ACTOR, credential_id, "401 Unauthorized"
    )


def _activate(credential_id: str) -> Change:
    return lambda books: activate_credential(
        CredentialScope(credential_id=credential_id).view(books), ACTOR, credential_id
    )


def _set_rate(rate: Rate) -> Change:
    return lambda books: set_rate(provider(books, rate.provider), ACTOR, rate)


def _grant(name: str, nanos: int = 500, grant_id: str = "gift") -> Change:
    def grant_of(_: Row) -> Grant:
        return a_grant(nanos, id=grant_id)

    return lambda books: grant_credit(user(books, name), ACTOR, name, grant_of)


def test_a_change_is_written_together_with_its_audit_entry() -> None:
    changed = _add_user(some_books())

    entry = AuditEntry(id="audit-1", at_ms=NOW_MS, actor="owner", action="user add", subject="bob", detail="role guest")
    assert Changed(row=BOB, writes=(BOB, entry)) == changed


CHANGES = [
    (_add_user,                                "user add",               "bob",         "role guest"),
    (_add_key,                                 "key create",             "key-2",       "ah_1234… for ada"),
    (_revoke("key of ada"),                    "key revoke",             "key of ada",  ""),
    (_add_provider("bolt"),                    "provider add",           "bolt",        "openai at https://bolt.example/v1"),
    (_add_provider("gone"),                    "provider add",           "gone",        "openai at https://gone.example/v1"),
    (_add_provider("acme", base_url="https://b"),  "provider add",       "acme",        "openai at https://b"),
    (_remove_provider("acme"),                 "provider remove",        "acme",        ""),
    (_add_credential("acme"),                  "credential add",         "cred-2",      "sk-a…wxyz for acme"),
    (_remove_credential("cred-1"),             "credential remove",      "cred-1",      ""),
    (_remove_credential("cred-off"),           "credential remove",      "cred-off",    ""),
    (_deactivate("cred-1"),                    "credential deactivate",  "cred-1",      "401 Unauthorized"),
    (_activate("cred-off"),                    "credential activate",    "cred-off",    ""),
    (_set_rate(NEW_RATE),                      "rate set",               "acme/large",  "rate-2"),
    (_set_rate(NO_RATE),                       "rate remove",            "acme/small",  ""),
    (_grant("ada"),                            "credit grant",           "ada",         "500 nanocredits"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "action", "subject", "detail"), CHANGES)
def test_each_change_has_one_entry_with_who_did_what(change: Change, action: str, subject: str, detail: str) -> None:
    changed = change(some_books())

    expected = AuditEntry(id="audit-1", at_ms=NOW_MS, actor="owner", action=action, subject=subject, detail=detail)
    assert isinstance(changed, Changed)
    assert [row for row in changed.writes if isinstance(row, AuditEntry)] == [expected]
    assert changed.row in changed.writes


@pytest.mark.parametrize("change", [row[0] for row in CHANGES])
def test_no_secret_stands_in_an_audit_entry(change: Change) -> None:
    """Neither a sealed credential nor a key's fingerprint. (G23)"""
    books = some_books()

    decided(books, change(books))

    entries = msgspec.json.encode(books.audit)
    assert SECRET.encode() not in entries
    assert msgspec.json.encode(SECRET.encode()).strip(b'"') not in entries
    assert len(books.audit) == 1


@pytest.mark.parametrize(("change", "kind", "name"), [
    (_revoke("nobody's"),                          "key",         "nobody's"),
    (_remove_provider("nobody"),                   "provider",    "nobody"),
    (_remove_provider("gone"),                     "provider",    "gone"),
    (_add_credential("nobody"),                    "provider",    "nobody"),
    (_add_credential("gone"),                      "provider",    "gone"),
    (_remove_credential("none"),                   "credential",  "none"),
    (_remove_credential("cred-gone"),              "credential",  "cred-gone"),
    (_deactivate("none"),                          "credential",  "none"),
    (_deactivate("cred-gone"),                     "credential",  "cred-gone"),
    (_activate("none"),                            "credential",  "none"),
    (_activate("cred-gone"),                       "credential",  "cred-gone"),
    (_set_rate(a_rate(provider="nobody")),         "provider",    "nobody"),
    (_set_rate(a_rate(provider="gone")),           "provider",    "gone"),
    (_set_rate(a_rate(model="x", removed=True)),   "rate",        "acme/x"),
    (_grant("nobody"),                             "user",        "nobody"),
    (lambda books: add_key(user(books, "nobody"), ACTOR, "nobody", lambda _: BOBS_KEY), "user", "nobody"),
])  # fmt: skip
def test_what_is_not_there_is_denied_by_name_and_nothing_is_written(change: Change, kind: str, name: str) -> None:
    denied = change(some_books())

    assert isinstance(denied, Denied)
    assert isinstance(denied.refusal, NotFound)
    assert (denied.refusal.kind, denied.refusal.name, denied.writes) == (kind, name, ())


def test_a_name_that_is_taken_is_denied() -> None:
    denied = add_user(user(some_books(), "ada"), ACTOR, a_user("another", name="ada"))

    assert Denied(refusal=AlreadyExists(kind="user", name="ada")) == denied


@pytest.mark.parametrize(("change", "row"), [
    (_revoke("key-revoked"),    a_key(id="key-revoked", fingerprint="old", revoked_ms=NOW_MS - 1)),
    (_add_provider("acme"),     a_provider()),
    (_deactivate("cred-off"),   a_credential("cred-off", active=False, error="401", sealed=SECRET.encode())),
])  # fmt: skip
def test_what_is_so_already_is_left_and_not_audited(change: Change, row: Row) -> None:
    assert Unchanged(row=row) == change(some_books())


@pytest.mark.parametrize(("change", "once_more"), [
    (_add_user,                     Denied),
    (_revoke("key of ada"),         Unchanged),
    (_add_provider("bolt"),         Unchanged),
    (_remove_provider("acme"),      Denied),
    (_remove_credential("cred-1"),  Denied),
    (_deactivate("cred-1"),         Unchanged),
    (_activate("cred-off"),         Unchanged),
    (_set_rate(NO_RATE),            Denied),
])  # fmt: skip
def test_a_change_made_twice_is_made_once(change: Change, once_more: type) -> None:
    books = some_books()
    decided(books, change(books))

    again = change(books)

    assert isinstance(again, once_more)
    assert again.writes == ()


# --- what a change means ----------------------------------------------------------------------------------------


def test_after_its_revocation_no_key_starts_a_call() -> None:
    """(G24)"""
    books = books_with(a_grant())
    assert isinstance(plan_in(books, a_plan_request("before")), Plan)

    decided(books, _revoke("key of ada")(books))

    assert Refused(refusal=InvalidKey(reason="revoked")) == plan_in(books, a_plan_request("after"))


def test_a_providers_credentials_go_with_it_and_its_rates_stay_for_the_books() -> None:
    books = some_books()

    decided(books, _remove_provider("acme")(books))

    facts = provider(books, "acme")
    assert {(c.active, c.removed_ms is None) for c in facts.credentials} == {(False, False)}
    assert books.credentials["cred-gone"].removed_ms == NOW_MS - 1
    assert [rate.id for rate in facts.rates] == ["rate-1"]


@pytest.mark.parametrize("change", [_add_provider("bolt"), _add_credential("acme"), _set_rate(NEW_RATE)])
def test_a_change_of_what_can_be_called_makes_a_new_version_of_the_catalogue(change: Change) -> None:
    books = some_books()

    decided(books, change(books))

    assert books.version == 1


@given(st.lists(st.integers(1, 10**12), max_size=5))
def test_granted_credit_is_available_and_adds_up(amounts: list[int]) -> None:
    books = books_with()
    for n, nanos in enumerate(amounts):
        decided(books, _grant("ada", nanos, f"gift-{n}")(books))

    assert available(books.wallet("ada"), NOW_MS) == sum(amounts)
    assert isinstance(proof(books), Totals)
    assert len(books.audit) == len(amounts)
