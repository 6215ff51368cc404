"""Whether a presented key is a caller: the one rule that every way into the hub asks.

What makes a key invalid is decided here and nowhere else, so that a new reason (an expiry, a disabled user) holds for
calls, quotes, counts and reads alike.
"""

import msgspec

from domain.accounts.rows import ApiKey, Role, User
from domain.refusals import InvalidKey

_UNKNOWN = InvalidKey()
_REVOKED = InvalidKey(revoked=True)


class Caller(msgspec.Struct, frozen=True):
    """A user with the valid key that was presented."""

    user: User
    key: ApiKey

    @property
    def role(self) -> Role:
        """The role of the user, which `domain.accounts.permissions` checks."""
        return self.user.role


def identify(key: ApiKey | None, user: User | None) -> Caller | InvalidKey:
    """The caller who presents a key; `key` and `user` are what the books have of it, None where they have nothing."""
    if key is None or user is None:
        return _UNKNOWN
    if key.revoked_ms is not None:
        return _REVOKED
    return Caller(user, key)
