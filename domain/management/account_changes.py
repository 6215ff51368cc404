"""Changing users and their API keys after they were made, each change with its audit entry."""

from collections.abc import Callable
from typing import Any

import msgspec

from domain.accounts.rows import ApiKey, User
from domain.books.management_scopes import KeyFacts, UserFacts
from domain.management.changes import (
    Actor,
    Denied,
    Outcome,
    Unchanged,
    changed,
    guarded,
    is_operator,
    managed_key,
    no_user,
    person,
)
from domain.refusals import BadRequest, Remedy


def change_user(facts: UserFacts, actor: Actor, name: str, new: dict[str, Any]) -> Outcome:
    """The user with new values of some fields. Only an owner makes somebody an owner."""
    had = person(facts)
    if had is None:
        return Denied(refusal=no_user(name))
    user = msgspec.structs.replace(had, **new)
    if (denial := guarded(actor, had) or guarded(actor, user)) is not None:
        return denial
    return same_or_changed(actor, "user change", name, had, user)


def disable_user(facts: UserFacts, actor: Actor, name: str) -> Outcome:
    """No key of the user starts a call from now on; running calls end normally."""
    user = person(facts)
    if user is None:
        return Denied(refusal=no_user(name))
    off = msgspec.structs.replace(user, disabled_ms=user.disabled_ms or actor.now_ms)
    return guarded(actor, off) or same_or_changed(actor, "user disable", name, user, off)


def enable_user(facts: UserFacts, actor: Actor, name: str) -> Outcome:
    """The user's keys are valid again, as far as they are by themselves."""
    user = person(facts)
    if user is None:
        return Denied(refusal=no_user(name))
    on = msgspec.structs.replace(user, disabled_ms=None)
    return guarded(actor, on) or same_or_changed(actor, "user enable", name, user, on)


def change_key(facts: KeyFacts, actor: Actor, key_id: str, new: dict[str, Any]) -> Outcome:
    """The key with new values of some fields. A revoked key stays as it is."""
    key = _standing(facts, actor, key_id)
    if isinstance(key, Denied):
        return key
    return same_or_changed(actor, "key change", key_id, key, msgspec.structs.replace(key, **new))


def disable_key(facts: KeyFacts, actor: Actor, key_id: str) -> Outcome:
    """The key authenticates nothing until it is enabled."""
    key = _standing(facts, actor, key_id)
    if isinstance(key, Denied):
        return key
    off = msgspec.structs.replace(key, disabled_ms=key.disabled_ms or actor.now_ms)
    return same_or_changed(actor, "key disable", key_id, key, off)


def enable_key(facts: KeyFacts, actor: Actor, key_id: str) -> Outcome:
    """The key authenticates again."""
    key = _standing(facts, actor, key_id)
    if isinstance(key, Denied):
        return key
    return same_or_changed(actor, "key enable", key_id, key, msgspec.structs.replace(key, disabled_ms=None))


def rotate_key(
    facts: KeyFacts, actor: Actor, key_id: str, keep_ms: int, successor_of: Callable[[ApiKey], ApiKey]
) -> Outcome:
    """A new key that may do the same. The old one stays valid for `keep_ms`, but not beyond its own expiry."""
    key = _standing(facts, actor, key_id)
    if isinstance(key, Denied):
        return key
    if key.wallet == "user" and facts.user is not None and (denial := in_clear(actor, facts.user, "id")) is not None:
        return denial
    until_ms = actor.now_ms + keep_ms
    old = msgspec.structs.replace(key, expires_ms=until_ms if key.expires_ms is None else min(key.expires_ms, until_ms))
    new = successor_of(key)
    return changed(actor, "key rotate", key_id, new, old, detail=f"{new.prefix}… is {new.id}")


def in_clear(actor: Actor, user: User, field: str) -> Denied | None:
    """The denial of a key of a team that the user pays for: only an operator who manages the user has it in clear."""
    if not is_operator(actor):
        problem = "an admin of a team gets no key in clear that its user pays for"
        return Denied(refusal=BadRequest(field=field, problem=problem))
    return guarded(actor, user)


def same_or_changed(actor: Actor, action: str, subject: str, before: User | ApiKey, after: User | ApiKey) -> Outcome:
    """The change, with the names and new values of the changed fields in the audit log."""
    if before == after:
        return Unchanged(row=before)
    names = [name for name in after.__struct_fields__ if getattr(before, name) != getattr(after, name)]
    detail = "; ".join(f"{name} {getattr(before, name)!r} → {getattr(after, name)!r}" for name in names)
    return changed(actor, action, subject, after, detail=detail)


def _standing(facts: KeyFacts, actor: Actor, key_id: str) -> ApiKey | Denied:
    """The key, if it may be changed."""
    key = managed_key(facts, actor, key_id)
    if isinstance(key, Denied):
        return key
    if key.revoked_ms is not None:
        problem = f"{key_id} was revoked, which is final. Make a new key."
        return Denied(refusal=BadRequest(field="id", problem=problem, remedy=Remedy("key create")))
    return key
