"""The hub as its use cases see it: ports, a few settings, and two cells of what may be forgotten.

Truth is in storage. What is kept here is either immutable (the catalogue at a version, which every plan checks) or
advice (turns and cool-downs), replaced as a whole and harmless to lose.
"""

from dataclasses import dataclass, field

from domain.catalog import Catalog, catalog_of
from domain.routing import Advice
from ports.environment import Clock, Ids, Liveness
from ports.providers import Providers
from ports.storage import Storage
from ports.vault import Vault


@dataclass(kw_only=True)
class Hub:
    """Everything a call needs. Durations are in milliseconds; `billed` is CREDIT_BASED_BILLING_ENABLED.

    `keep_alive_ms` is how often a stream's silence is looked at, 0 for never.
    """

    storage: Storage
    vault: Vault
    providers: Providers
    clock: Clock
    ids: Ids
    liveness: Liveness
    billed: bool
    payment_link: str | None
    upstream_timeout_ms: int
    retries_max: int
    body_bytes_max: int
    keep_alive_ms: int = 15_000
    advice: Advice = field(default_factory=Advice)
    _catalog: Catalog | None = None

    async def catalog(self) -> Catalog:
        """The catalogue as last read; it may be a version behind, which every plan notices."""
        if self._catalog is None:
            return await self.catalog_anew()
        return self._catalog

    async def catalog_anew(self) -> Catalog:
        """The catalogue as it is now, read again only if its version has moved."""
        if self._catalog is None or self._catalog.version != await self.storage.catalog_version():
            self._catalog = catalog_of(*await self.storage.catalog())
        return self._catalog
