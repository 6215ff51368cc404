"""The routes of names, cached while they hold: most calls use the same route as the call before."""

from domain.catalog.aliases import Strategy
from domain.catalog.catalog import Catalog, next_change_ms
from domain.routing.tree import NoRoute, Route, route_of

REMEMBERED_MAX = 1_024
_FOREVER_MS = 2**63


class Routed:
    """The routes of one catalogue, dropped when the catalogue changes or another rate begins to hold.

    `strategy` is for bare models.
    """

    def __init__(self, billed: bool, strategy: Strategy) -> None:
        self._billed = billed
        self._strategy: Strategy = strategy
        self._catalog: Catalog | None = None
        self._begin_ms = self._end_ms = 0
        self._routes: dict[str, Route] = {}

    def route(self, catalog: Catalog, name: str, now_ms: int) -> Route | NoRoute:
        """The result of `route_of`. Unknown names are not cached, since a caller can send any number of them."""
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
