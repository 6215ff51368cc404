"""Users and their API keys, as rows of the books."""

from typing import Literal

import msgspec

Role = Literal["owner", "admin", "guest"]

# What a key is for: calling models, managing the hub, or both.
Purpose = Literal["models", "management", "both"]


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A person or program with a wallet. `name` is unique; the keys of a disabled user authenticate nothing."""

    id: str
    name: str
    role: Role
    created_ms: int
    display_name: str | None = None
    email: str | None = None
    disabled_ms: int | None = None


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key, stored as its keyed hash; `prefix` is the part that may be shown.

    `models` are patterns of the models that it may call, and `operations` the operations; empty means all. A key that
    is disabled may be enabled again; one that is revoked or has expired stays invalid.
    """

    id: str
    user_id: str
    name: str
    fingerprint: str
    prefix: str
    created_ms: int
    revoked_ms: int | None = None
    expires_ms: int | None = None
    disabled_ms: int | None = None
    purpose: Purpose = "models"
    models: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
