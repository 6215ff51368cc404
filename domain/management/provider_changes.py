"""Changing providers, their credentials and the listing of models after they were added, each with its audit entry."""

from collections.abc import Mapping
from typing import Any

import msgspec

from domain.books.management_scopes import ProviderFacts
from domain.catalog.rows import Credential, ProviderRow
from domain.failures import Failure
from domain.management.changes import Actor, Denied, Outcome, Unchanged, changed, no_credential, set_rate
from domain.pricing.rate import Rate
from domain.refusals import NotFound, Remedy

_SECRET = frozenset(("sealed", "masked"))


def change_provider(facts: ProviderFacts, actor: Actor, name: str, new: Mapping[str, Any]) -> Outcome:
    """The provider with new values of some fields."""
    row = facts.provider
    if row is None or row.removed_ms is not None:
        return _no_provider(name)
    return _same_or_changed(actor, "provider change", name, row, msgspec.structs.replace(row, **new))


def disable_provider(facts: ProviderFacts, actor: Actor, name: str) -> Outcome:
    """The provider is no candidate for any call from now on; running calls end normally."""
    row = facts.provider
    if row is None or row.removed_ms is not None:
        return _no_provider(name)
    off = msgspec.structs.replace(row, disabled_ms=row.disabled_ms or actor.now_ms)
    return _same_or_changed(actor, "provider disable", name, row, off)


def enable_provider(facts: ProviderFacts, actor: Actor, name: str) -> Outcome:
    """The provider is called again."""
    row = facts.provider
    if row is None or row.removed_ms is not None:
        return _no_provider(name)
    return _same_or_changed(actor, "provider enable", name, row, msgspec.structs.replace(row, disabled_ms=None))


def change_credential(
    credential: Credential | None, actor: Actor, credential_id: str, new: Mapping[str, Any]
) -> Outcome:
    """The credential with new values of some fields. With a new secret it is used again."""
    if credential is None or credential.removed_ms is not None:
        return Denied(refusal=no_credential(credential_id))
    after = msgspec.structs.replace(credential, **new)
    if "sealed" in new:
        after = msgspec.structs.replace(after, active=True, error=None, error_ms=None)
    return _same_or_changed(actor, "credential change", credential_id, credential, after)


def credential_checked(
    credential: Credential | None, actor: Actor, credential_id: str, failure: Failure | None
) -> Outcome:
    """The credential after a call that checked it.

    One that its provider accepts is used (again), one that it rejects is not. Any other failure proves nothing about
    the credential: its error is noted, and the credential stays as it is.
    """
    if credential is None or credential.removed_ms is not None:
        return Denied(refusal=no_credential(credential_id))
    if failure is None:
        after = msgspec.structs.replace(credential, active=True, error=None, error_ms=None)
        return _same_or_changed(actor, "credential check", credential_id, credential, after)
    is_rejected = failure.kind == "credential_rejected"
    after = msgspec.structs.replace(
        credential, active=credential.active and not is_rejected, error=failure.message, error_ms=actor.now_ms
    )
    return changed(actor, "credential check", credential_id, after, detail=f"{failure.kind}: {failure.message}")


def list_model(facts: ProviderFacts, actor: Actor, model: str, rate_id: str, new: Mapping[str, Any]) -> Outcome:
    """A version of the rate of `model` ("provider/model") with other values of `new`, and the same prices."""
    name = model.partition("/")[2]
    versions = [rate for rate in facts.rates if rate.model == name and rate.effective_ms <= actor.now_ms]
    current = max(versions, key=lambda rate: (rate.effective_ms, rate.known_ms), default=None)
    if current is None or current.removed:
        return Denied(refusal=NotFound(kind="rate", name=model, remedy=Remedy("rate list")))
    after: Rate = msgspec.structs.replace(current, **new)
    if after == current:
        return Unchanged(row=current)
    renewed = msgspec.structs.replace(after, id=rate_id, effective_ms=actor.now_ms, known_ms=actor.now_ms)
    return set_rate(facts, actor, renewed, keeps_listing=False)


def _no_provider(name: str) -> Denied:
    return Denied(refusal=NotFound(kind="provider", name=name, remedy=Remedy("provider list")))


def _same_or_changed(
    actor: Actor, action: str, subject: str, before: ProviderRow | Credential, after: ProviderRow | Credential
) -> Outcome:
    """The change, with the names and new values of the changed fields in the audit log; a secret is only named."""
    if before == after:
        return Unchanged(row=before)
    names = [name for name in after.__struct_fields__ if getattr(before, name) != getattr(after, name)]
    shown = [f"{name} {getattr(before, name)!r} → {getattr(after, name)!r}" for name in names if name not in _SECRET]
    secret = ["secret"] if "sealed" in names else []
    return changed(actor, action, subject, after, detail="; ".join([*shown, *secret]))
