"""Providers and their credentials, as rows of the books."""

import msgspec


class ProviderRow(msgspec.Struct, frozen=True, kw_only=True):
    """A provider with its `name`; the hub uses `dialect` at `base_url`.

    For a bare model the providers of the lowest `priority` number are tried first and share the calls by `weight`. A
    disabled one is no candidate for any call.
    """

    name: str
    dialect: str
    base_url: str
    created_ms: int
    priority: int = 0
    weight: int = 1
    removed_ms: int | None = None
    display_name: str | None = None
    disabled_ms: int | None = None

    @property
    def shown_name(self) -> str:
        """What people see: the display name, else the name."""
        return self.display_name or self.name


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """A provider's secret, encrypted; `masked` shows four characters of each end.

    An inactive one has an `error`; an active one has that of its last check, if it failed for another reason.
    """

    id: str
    provider: str
    name: str
    sealed: bytes
    masked: str
    weight: int
    created_ms: int
    active: bool = True
    error: str | None = None
    removed_ms: int | None = None
    error_ms: int | None = None
