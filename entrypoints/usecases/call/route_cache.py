"""Where names lead, remembered for as long as it holds: most calls go where the one before them went."""

from domain.catalog.aliases import Strategy
from domain.catalog.catalog import Catalog, next_change_ms
from domain.routing.tree import NoRoute, Route, route_of

REMEMBERED_MAX = 1_024
_FOREVER_MS = 2**63


class Routed:
    """The routes of one catalogue. Forgets them all when it is shown another, or when another rate begins to hold.

    `strategy` is for bare models.
    """

    def __init__(self, billed: bool, strategy: Strategy) -> None:
        self._billed = billed
        self._strategy: Strategy = strategy
        self._catalog: Catalog | None = None
        self._begin_ms = self._end_ms = 0
        self._routes: dict[str, Route] = {}

    def route(self, catalog: Catalog, name: str, now_ms: int) -> Route | NoRoute:
        """What `route_of` says. What leads nowhere is not remembered, for anybody can ask for that."""
        if catalog is not self._catalog or not self._begin_ms <= now_ms < self._end_ms:
            changes_ms = next_change_ms(catalog, now_ms)
            self._catalog, self._begin_ms = catalog, now_ms
            self._end_ms = _FOREVER_MS if changes_ms is None else changes_ms
            self._routes = {}
        found: Route | NoRoute | None = self._routes.get(name)
        if found is None:
            found = route_of(catalog, name, self._billed, self._strategy, now_ms)
            if isinstance(found, Route):
                if len(self._routes) >= REMEMBERED_MAX:
                    self._routes = {}
                self._routes[name] = found
        return found
