"""Whether a presented key is a caller: the one rule that every way into the hub asks.

What makes a key invalid is decided here and nowhere else, so that a new reason holds for calls, quotes, counts and
reads alike. What a valid key may do is in `key_access`.
"""

from typing import Literal

import msgspec

from domain.accounts.rows import ApiKey, Role, User
from domain.refusals import InvalidKey

Flaw = Literal["revoked", "disabled", "expired"]


class Caller(msgspec.Struct, frozen=True):
    """A user with the valid key that was presented."""

    user: User
    key: ApiKey

    @property
    def role(self) -> Role:
        """The role of the user, which `domain.accounts.permissions` checks."""
        return self.user.role


def identify(key: ApiKey | None, user: User | None, now_ms: int) -> Caller | InvalidKey:
    """The caller who presents a key now; `key` and `user` are what the books have of it, None where that is nothing."""
    if key is None or user is None:
        return InvalidKey(reason="unknown")
    if (reason := flaw(key, now_ms)) is not None:
        return InvalidKey(reason=reason)
    if user.disabled_ms is not None:
        return InvalidKey(reason="user disabled")
    return Caller(user, key)


def flaw(key: ApiKey, now_ms: int) -> Flaw | None:
    """Why the key by itself authenticates nothing now; None where it does."""
    if key.revoked_ms is not None:
        return "revoked"
    if key.disabled_ms is not None:
        return "disabled"
    if key.expires_ms is not None and key.expires_ms <= now_ms:
        return "expired"
    return None
