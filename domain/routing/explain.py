"""Why a call goes where it goes: in one line for a header, and in full for an operator in advance."""

from collections.abc import Iterator, Sequence

import msgspec

from domain.catalog.aliases import Strategy
from domain.catalog.catalog import Served
from domain.model_api.call import AttemptRecord, Target
from domain.pricing.cost_estimate import expected_nanos
from domain.refusals import UnpricedModel
from domain.routing.eligibility import fits, lacking, with_room
from domain.routing.learned import identity, latency_of
from domain.routing.order import Circumstances, Order, Rank, order
from domain.routing.tree import Group, NoRoute, Route, RouteNode, kept, offers_of, route_of


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate in its place. `priority` and `weight` are its own in each group that leads to it, outermost first.

    `cost_nanos` is the expected charge, None if it has no rate; `first_byte_us` None if it was not tried lately.
    """

    rank: Rank
    priority: tuple[int, ...]
    weight: tuple[int, ...]
    cost_nanos: int | None
    first_byte_us: int | None


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """A model that the name leads to and that is not tried, with the reason."""

    model: str
    why: str


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Where a name leads: the candidates in their order, and what is left out."""

    route: Route
    strategy: Strategy
    candidates: tuple[Explained, ...]
    left_out: tuple[LeftOut, ...]


def explain(at: Circumstances, billed: bool, strategy: Strategy) -> Explanation | NoRoute:
    """How the call that `at` describes would be routed. It does not advance the rotation."""
    route = route_of(at.catalog, at.call.model, billed, strategy, at.now_ms)
    if not isinstance(route, Route):
        return route
    left = [*_leading_nowhere(route, at, billed, strategy)]
    offers = {_name(offer): offer for offer in offers_of(route.root)}
    for name, offer in offers.items():
        lacks = lacking(at.call, offer.rate)
        if lacks:
            left.append(LeftOut(model=name, why=f"takes no {' and no '.join(lacks)}"))
    able = kept(route.root, lambda offer: None if lacking(at.call, offer.rate) else offer)
    roomy = with_room(able, at.call) if able is not None else None
    made = order(roomy, at) if roomy is not None else Order(advice=at.advice, ranks=())
    room = {_name(offer) for offer in offers_of(roomy)} if roomy is not None else set()
    tried = {f"{rank.candidate.target.provider}/{rank.candidate.target.model}" for rank in made.ranks}
    for name, offer in offers.items():
        if name not in room and not lacking(at.call, offer.rate) and not fits(at.call, offer.rate):
            left.append(LeftOut(model=name, why="the request is too large for it"))
        elif name in room and name not in tried:
            left.append(LeftOut(model=name, why="no active credential is left"))
    places = dict(_places(route.root, (), ()))
    return Explanation(
        route=route,
        strategy=route.root.strategy if isinstance(route.root, Group) else strategy,
        candidates=tuple(_explained(rank, places, at) for rank in made.ranks),
        left_out=tuple(left),
    )


def brief(route: Route, made: Order, served: Target, attempts: Sequence[AttemptRecord]) -> str:
    """One line of ASCII: `alias fast; least-cost; 2 of 3; openai cooling`.

    The alias, the strategy if there was a choice, the place of the target that served, and the reasons: a warm cache, a
    canary's turn, targets that cool down or failed.
    """
    ranks = made.ranks
    if len(ranks) == 1 and len(attempts) == 1 and _is_plain(ranks[0]) and attempts[0].outcome == "answered":
        return f"alias {route.alias.name}; 1 of 1" if route.alias else "model; 1 of 1"
    chosen = identity(served)
    place = next(n for n, rank in enumerate(ranks) if identity(rank.candidate.target) == chosen)
    parts = [f"alias {route.alias.name}" if route.alias else "model"]
    if len(ranks) > 1:
        parts.append(route.root.strategy if isinstance(route.root, Group) else "round-robin")
    parts.append(f"{place + 1} of {len(ranks)}")
    parts += ["warm cache"] if ranks[place].warm else []
    parts += ["canary"] if ranks[place].trial else []
    cooling = (rank.candidate.target.provider for rank in ranks if rank.cooling_until_ms)
    parts += [f"{provider} cooling" for provider in dict.fromkeys(cooling)]
    parts += [f"{attempt.provider} {attempt.outcome}" for attempt in attempts if attempt.outcome != "answered"]
    return "; ".join(parts)


def _is_plain(rank: Rank) -> bool:
    return not (rank.warm or rank.trial or rank.cooling_until_ms)


def _explained(rank: Rank, places: dict[str, tuple[tuple[int, ...], tuple[int, ...]]], at: Circumstances) -> Explained:
    served = rank.candidate.served
    priority, weight = places[_name(served)]
    held = at.catalog.credentials.get(served.provider.name, ())
    own = tuple(credential.weight for credential in held if credential.id == rank.candidate.target.credential_id)
    return Explained(
        rank=rank,
        priority=priority,
        weight=(*weight, *own),
        cost_nanos=expected_nanos(at.call, served.rate) if served.rate is not None else None,
        first_byte_us=at.advice.first_byte_us.get(latency_of(served.provider.name, served.model, at.call.stream)),
    )


def _places(
    node: RouteNode, priority: tuple[int, ...], weight: tuple[int, ...]
) -> Iterator[tuple[str, tuple[tuple[int, ...], tuple[int, ...]]]]:
    """Priority and weight of every unit in each group that leads to it; the canary's weight is its share."""
    if isinstance(node, Served):
        yield _name(node), (priority, weight)
        return
    if node.trial is not None:
        yield from _places(node.trial, priority, (*weight, node.trial_percent))
    for member in reversed(node.members):  # For a target that occurs twice the first place is reported.
        yield from _places(member.node, (*priority, member.priority), (*weight, member.weight))


def _leading_nowhere(route: Route, at: Circumstances, billed: bool, strategy: Strategy) -> Iterator[LeftOut]:
    for model in route.alias.models if route.alias is not None else ():
        found = route_of(at.catalog, model, billed, strategy, at.now_ms)
        if isinstance(found, NoRoute):
            why = "it has no rate" if isinstance(found, UnpricedModel) else "no provider serves it"
            yield LeftOut(model=model, why=why)


def _name(offer: Served) -> str:
    return f"{offer.provider.name}/{offer.model}"
