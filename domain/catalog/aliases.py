"""Names that an operator gives to a choice of models: `fast` for two providers' small ones, `smart` with a fallback.

An alias is never changed; a newer version follows it. It leads to models, or to other aliases, and never back to
itself: such a version is refused when it is set.
"""

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

Strategy: TypeAlias = Literal["round-robin", "least-cost", "least-latency"]

# The depth of aliases of aliases: deeper than an operator can follow, and a bound for the resolver.
DEPTH_MAX = 8
RESOLVED_TARGETS_MAX = 256
TARGETS_MAX = 64
PRIORITY_MAX = 9_999
WEIGHT_MAX = 1_000_000


class AliasTarget(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where an alias leads: `provider/model`, a bare model or another alias.

    The lower priority number goes first, the others are the fallback; within a priority the calls are shared by weight,
    or go to the cheapest or the fastest, according to the strategy.
    """

    model: str
    priority: int = 0
    weight: int = 1


class Canary(msgspec.Struct, frozen=True, kw_only=True):
    """A model on trial: it gets exactly `percent` of every hundred calls, and others only if everything else fails."""

    model: str
    percent: int


class Alias(msgspec.Struct, frozen=True, kw_only=True):
    """One version of an alias. If `first_token_timeout_ms` is None, the hub's setting holds."""

    id: str
    name: str
    strategy: Strategy
    targets: tuple[AliasTarget, ...]
    known_ms: int
    canary: Canary | None = None
    first_token_timeout_ms: int | None = None
    removed: bool = False

    def __post_init__(self) -> None:
        """Refuse an alias that cannot be routed by."""
        if not 1 <= len(self.targets) <= TARGETS_MAX:
            raise ValueError(f"an alias has from 1 to {TARGETS_MAX} targets")
        for target in self.targets:
            if not (0 <= target.priority <= PRIORITY_MAX and 1 <= target.weight <= WEIGHT_MAX):
                raise ValueError(f"priorities are from 0 to {PRIORITY_MAX}, weights from 1 to {WEIGHT_MAX}")
        if len({target.model for target in self.targets}) < len(self.targets):
            raise ValueError("an alias leads to the same model twice")
        if self.canary is not None and not 1 <= self.canary.percent <= 99:
            raise ValueError("a canary gets from 1 to 99 of a hundred calls")

    @property
    def models(self) -> tuple[str, ...]:
        """All models that it leads to, the canary last."""
        names = tuple(target.model for target in self.targets)
        return (*names, self.canary.model) if self.canary else names


def flaw(aliases: Mapping[str, Alias]) -> str | None:
    """Why these aliases cannot be followed, or None: one leads back to itself, too far, or to too many models.

    `a` leading to `b` and `b` to `a`: "a → b → a: an alias must not lead back to itself".
    """
    for name in aliases:
        found = _units(aliases, (name,), RESOLVED_TARGETS_MAX)
        if isinstance(found, str):
            return found
        if found > RESOLVED_TARGETS_MAX:
            return f"{name} leads to more than {RESOLVED_TARGETS_MAX} models"
    return None


def _units(aliases: Mapping[str, Alias], path: tuple[str, ...], most: int) -> int | str:
    """How many models the end of the path leads to, counted only to just over `most`; or the flaw."""
    alias = aliases.get(path[-1])
    if alias is None:
        return 1
    if path[-1] in path[:-1]:
        return f"{' → '.join(path)}: an alias must not lead back to itself"
    if len(path) > DEPTH_MAX:
        return f"{' → '.join(path)}: an alias must not lead over more than {DEPTH_MAX} others"
    units = 0
    for model in alias.models:
        found = _units(aliases, (*path, model), most - units)
        if isinstance(found, str):
            return found
        units += found
        if units > most:
            break
    return units
