"""Users and their API keys, as rows of the books."""

from typing import Literal

import msgspec

Role = Literal["owner", "admin", "guest"]


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A person or program with a wallet. `name` is unique."""

    id: str
    name: str
    role: Role
    created_ms: int


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key, stored as its keyed hash; `prefix` is the part that may be shown."""

    id: str
    user_id: str
    name: str
    fingerprint: str
    prefix: str
    created_ms: int
    revoked_ms: int | None = None
