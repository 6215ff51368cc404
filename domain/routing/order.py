"""Which provider and which credential is tried, in which order.

Pure functions of the route, the advice and the request. In every group the lower priority goes first; among equals the
conversation stays where its prompt is cached, then the strategy chooses, then the rotation. A target that cools down
goes last and is never left out, so losing the advice changes only the order.
"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import msgspec

from domain.catalog.aliases import Strategy
from domain.catalog.catalog import Catalog, Served
from domain.catalog.rows import Credential
from domain.catalog.vendors import VENDORS
from domain.model_api.call import ModelCall, Target
from domain.pricing.cost_estimate import expected_nanos
from domain.routing.affinity import Conversation, affinity_of, conversation
from domain.routing.cooldown import is_cooling
from domain.routing.learned import Advice, Turns, identity, latency_of, took_turns
from domain.routing.tree import Group, RouteNode

# One of so many calls by least latency follows the rotation, so that a model which has become fast is found again.
EXPLORED_OF = 20

Taken: TypeAlias = tuple[tuple[str, Turns], ...]


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A model of a provider with one credential: the target, and the provider's offer that it belongs to."""

    target: Target
    served: Served


class Rank(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate in its place, and the reasons.

    `cooling_until_ms` of 0: it does not cool down. `trial`: it is a canary; `reserve`: and it is not the canary's turn.
    `warm`: the conversation's prompt is probably cached there.
    """

    candidate: Candidate
    cooling_until_ms: int = 0
    trial: bool = False
    reserve: bool = False
    warm: bool = False


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """All candidates in the order to try them, the advice after this turn, and the call's conversation."""

    advice: Advice
    ranks: tuple[Rank, ...]
    conversation: Conversation | None = None

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """The candidates, in order."""
        return tuple(rank.candidate for rank in self.ranks)


class Circumstances(msgspec.Struct, frozen=True, kw_only=True):
    """What an order depends on besides the route: the catalogue, the advice, the call, its caller and the time.

    `caller` is a value that distinguishes callers.
    """

    catalog: Catalog
    advice: Advice
    call: ModelCall
    caller: str
    now_ms: int


def next_turn(turns: Turns, weights: Mapping[str, int]) -> tuple[dict[str, int], str]:
    """Smooth weighted round robin: the next member, and the turns after it.

    Every member gains its weight, the highest is chosen and pays the total. Over a cycle as long as the sum of the
    weights each is chosen as often as its weight; in between a member may be several turns behind.
    """
    gained = {member: turns.get(member, 0) + weight for member, weight in weights.items()}
    chosen = max(gained, key=lambda member: gained[member])
    gained[chosen] -= sum(weights.values())
    return gained, chosen


def order(node: RouteNode, at: Circumstances) -> Order:
    """All candidates for the call, in the order to try them."""
    if isinstance(node, Served):
        held = credentials_for(at.catalog, node)
        if held is not None and len(held) < 2:  # Fast path: a single credential needs no rotation.
            return Order(advice=at.advice, ranks=(_rank(node, held[0] if held else None, at.advice, at.now_ms),))
    talk = conversation(at.call, at.caller)
    stays_on = affinity_of(at.advice.affinities, talk.key, at.now_ms) if talk else None
    ranks, taken = _ranked(node, at, stays_on)
    once: dict[str, Rank] = {}
    for rank in sorted(ranks, key=lambda rank: (rank.reserve, rank.cooling_until_ms > 0)):
        once.setdefault(identity(rank.candidate.target), rank)
    return Order(advice=took_turns(at.advice, dict(taken)), ranks=tuple(once.values()), conversation=talk)


class _Entry(msgspec.Struct, frozen=True):
    """A member of a group with all that it leads to; `taken` are the rotations that advance if it goes first."""

    name: str
    priority: int
    weight: int
    ranks: Sequence[Rank]
    taken: Taken = ()

    def first(self) -> Rank:
        """What is tried first of it."""
        return min(self.ranks, key=lambda rank: (rank.reserve, rank.cooling_until_ms > 0))


def _ranked(node: RouteNode, at: Circumstances, stays_on: str | None) -> tuple[Sequence[Rank], Taken]:
    """The candidates of the route node, in order, and the rotations that advance if the call goes there."""
    if isinstance(node, Served):
        return _of_provider(node, at, stays_on)
    below = [(member, _ranked(member.node, at, stays_on)) for member in node.members]
    entries = [_Entry(m.name, m.priority, m.weight, ranks, taken) for m, (ranks, taken) in below if ranks]
    ranks, taken = _in_order(node.key, node.strategy, entries, at)
    if node.trial is None:
        return ranks, taken
    on_trial, taken_on_trial = _ranked(node.trial, at, None)
    return _with_trial(node, (ranks, taken), (on_trial, taken_on_trial), at)


def _of_provider(offer: Served, at: Circumstances, stays_on: str | None) -> tuple[Sequence[Rank], Taken]:
    """The provider's active credentials, by rotation; none if it needs one and has none."""
    held = credentials_for(at.catalog, offer)
    if held is None:
        return (), ()
    entries = []
    for credential in held or (None,):
        rank = _rank(offer, credential, at.advice, at.now_ms)
        if stays_on is not None and not rank.cooling_until_ms and identity(rank.candidate.target) == stays_on:
            rank = msgspec.structs.replace(rank, warm=True)
        entries.append(
            _Entry(credential.id, 0, credential.weight, (rank,)) if credential else _Entry("", 0, 1, (rank,))
        )
    return _in_order(f"provider:{offer.provider.name}", "round-robin", entries, at)


def _in_order(
    key: str, strategy: Strategy, entries: Sequence[_Entry], at: Circumstances
) -> tuple[Sequence[Rank], Taken]:
    """The members in order: among the best the one whose turn it is, then the others in the order of their turns."""
    if len(entries) < 2:
        return (entries[0].ranks, entries[0].taken) if entries else ((), ())
    turns = at.advice.turns.get(key, {})
    explored, taken = _explored(key, strategy, at.advice)
    scored = {entry.name: _score("round-robin" if explored else strategy, entry, at) for entry in entries}
    best = min(scored.values())
    equals = {entry.name: entry.weight for entry in entries if scored[entry.name] == best}
    chosen = next(iter(equals))
    if len(equals) > 1:
        after, chosen = next_turn(turns, equals)
        kept = {entry.name: turns.get(entry.name, 0) for entry in entries}
        turns = {**kept, **after}
        taken = (*taken, (key, turns))
    following = sorted(
        (entry for entry in entries if entry.name != chosen),
        key=lambda entry: (scored[entry.name], -(turns.get(entry.name, 0) + entry.weight)),
    )
    first = next(entry for entry in entries if entry.name == chosen)
    return [rank for entry in (first, *following) for rank in entry.ranks], (*taken, *first.taken)


def _score(strategy: Strategy, entry: _Entry, at: Circumstances) -> tuple[bool, int, bool, bool, int]:
    """The sort key, the lowest goes first: cool-down, priority, a warm cache, then the strategy.

    An unknown cost is last; an unknown latency is first, so that it becomes known.
    """
    first = entry.first()
    cools = first.reserve or first.cooling_until_ms > 0
    elsewhere = not any(rank.warm for rank in entry.ranks)
    served = first.candidate.served
    if strategy == "least-cost":
        cost = expected_nanos(at.call, served.rate) if served.rate else None
        return cools, entry.priority, elsewhere, cost is None, cost or 0
    if strategy == "least-latency":
        known = at.advice.first_byte_us.get(latency_of(served.provider.name, served.model, at.call.stream))
        return cools, entry.priority, elsewhere, known is not None, known or 0
    return cools, entry.priority, elsewhere, False, 0


def _explored(key: str, strategy: Strategy, advice: Advice) -> tuple[bool, Taken]:
    """Whether this call follows the rotation although the fastest is known, and the rotation that advanced."""
    if strategy != "least-latency":
        return False, ()
    share = f"explore:{key}"
    after, chosen = next_turn(advice.turns.get(share, {}), {"fastest": EXPLORED_OF - 1, "any": 1})
    return chosen == "any", ((share, after),)


def _with_trial(
    group: Group, usual: tuple[Sequence[Rank], Taken], trial: tuple[Sequence[Rank], Taken], at: Circumstances
) -> tuple[Sequence[Rank], Taken]:
    """The canary first when it is its turn, else as the very last.

    So its share is exact, and it is a fallback only if there is no other. One that cools down forfeits its turn.
    """
    on_trial = [msgspec.structs.replace(rank, trial=True) for rank in trial[0]]
    if not on_trial or not usual[0]:
        return on_trial or usual[0], trial[1] or usual[1]
    share = f"canary:{group.key}"
    weights = {"usual": 100 - group.trial_percent, "trial": group.trial_percent}
    after, chosen = next_turn(at.advice.turns.get(share, {}), weights)
    if chosen == "trial" and not all(rank.cooling_until_ms for rank in on_trial):
        return [*on_trial, *usual[0]], ((share, after), *trial[1])
    reserve = [msgspec.structs.replace(rank, reserve=True) for rank in on_trial]
    return [*usual[0], *reserve], ((share, after), *usual[1])


def credentials_for(catalog: Catalog, offer: Served) -> tuple[Credential, ...] | None:
    """The active credentials to call with; empty if none is needed, None if one is needed and none is active."""
    held = catalog.credentials.get(offer.provider.name, ())
    active = tuple(credential for credential in held if credential.active)
    vendor = VENDORS.get(offer.provider.name)
    needed = bool(held) or (vendor is not None and vendor.needs_credential)
    return None if needed and not active else active


def _rank(offer: Served, credential: Credential | None, advice: Advice, now_ms: int) -> Rank:
    """The candidate, and until when it cools down."""
    until_ms = 0
    if advice.cooling:
        for what in (f"{offer.provider.name}/{offer.model}", credential.id if credential else ""):
            cool_down = advice.cooling.get(what)
            if cool_down is not None and is_cooling(cool_down, now_ms):
                until_ms = max(until_ms, cool_down.until_ms)
    target = Target(
        provider=offer.provider.name,
        dialect=offer.dialect or offer.provider.dialect,
        base_url=offer.provider.base_url,
        model=offer.model,
        credential_id=credential.id if credential else None,
        sealed=credential.sealed if credential else None,
    )
    return Rank(candidate=Candidate(target=target, served=offer), cooling_until_ms=until_ms)
