"""Where a name leads: a tree of route nodes, from the alias down to what each provider serves.

    alias fast (least-cost)
    ├── @0  openai/gpt-5-mini                 a unit: `Served`
    ├── @0  claude-haiku-4-5 (round-robin)    a bare model: a group of the providers that serve it
    └── @1  smart                             another alias: a group of its own

Every group orders its own members, see `domain/routing/order.py`.
"""

from collections.abc import Callable, Iterator
from typing import TypeAlias

import msgspec

from domain.catalog.aliases import DEPTH_MAX, Alias, Strategy
from domain.catalog.catalog import Catalog, Served, serving
from domain.refusals import UnknownModel, UnpricedModel


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A node in a group: the lower priority number goes first, equals share by weight. `name` distinguishes it."""

    name: str
    node: "RouteNode"
    priority: int = 0
    weight: int = 1


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Route nodes of which one is used and the others are the fallback. Its rotation is kept under `key`.

    `trial` is a canary that takes `trial_percent` of every hundred calls.
    """

    key: str
    strategy: Strategy
    members: tuple[Member, ...]
    trial: "RouteNode | None" = None
    trial_percent: int = 0


RouteNode: TypeAlias = Group | Served
NoRoute: TypeAlias = UnknownModel | UnpricedModel


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """Where a name leads, and by which alias."""

    name: str
    root: RouteNode
    alias: Alias | None = None


def route_of(catalog: Catalog, name: str, billed: bool, strategy: Strategy, now_ms: int) -> Route | NoRoute:
    """Where `provider/model`, a bare model or an alias leads; `strategy` is for bare models.

    With billing on, models without a rate are left out; a name that leads to nothing else is an UnpricedModel.
    """
    node = _node(catalog, name, billed, strategy, now_ms, ())
    if isinstance(node, NoRoute):
        return node
    return Route(name=name, root=node, alias=catalog.aliases.get(name))


def kept(node: RouteNode, keep: Callable[[Served], Served | None]) -> RouteNode | None:
    """The node with only what `keep` returns for each `Served`; None if nothing is left.

    A group of one stays a group, so that its rotation continues under its key.
    """
    if isinstance(node, Served):
        return keep(node)
    left = [(member, below) for member in node.members if (below := kept(member.node, keep)) is not None]
    members = tuple(msgspec.structs.replace(member, node=below) for member, below in left)
    trial = kept(node.trial, keep) if node.trial is not None else None
    if not members:
        return trial
    return msgspec.structs.replace(node, members=members, trial=trial)


def offers_of(node: RouteNode) -> Iterator[Served]:
    """Every `Served` of the tree, as often as the tree has it."""
    if isinstance(node, Served):
        yield node
        return
    for member in node.members:
        yield from offers_of(member.node)
    if node.trial is not None:
        yield from offers_of(node.trial)


def providers_of(node: RouteNode) -> tuple[str, ...]:
    """The names of the providers that the node leads to, each once."""
    return tuple(dict.fromkeys(offer.provider.name for offer in offers_of(node)))


def _node(
    catalog: Catalog, name: str, billed: bool, strategy: Strategy, now_ms: int, through: tuple[str, ...]
) -> RouteNode | NoRoute:
    """`set_alias` refuses cycles; if there is one all the same, it ends here."""
    alias = catalog.aliases.get(name)
    if alias is None:
        return _offered(catalog, name, billed, strategy, now_ms)
    if name in through or len(through) >= DEPTH_MAX:
        return UnknownModel(model=name)
    led = [
        (target, _node(catalog, target.model, billed, strategy, now_ms, (*through, name))) for target in alias.targets
    ]
    members = tuple(
        Member(name=target.model, node=node, priority=target.priority, weight=target.weight)
        for target, node in led
        if not isinstance(node, NoRoute)
    )
    trial = _node(catalog, alias.canary.model, billed, strategy, now_ms, (*through, name)) if alias.canary else None
    found = None if isinstance(trial, NoRoute) else trial
    if members:
        return Group(
            key=f"alias:{name}",
            strategy=alias.strategy,
            members=members,
            trial=found,
            trial_percent=alias.canary.percent if alias.canary else 0,
        )
    if found is not None:
        return found
    return next((node for _, node in led if isinstance(node, NoRoute)), UnknownModel(model=name))


def _offered(catalog: Catalog, name: str, billed: bool, strategy: Strategy, now_ms: int) -> RouteNode | NoRoute:
    offers = serving(catalog, name, billed, now_ms)
    if not isinstance(offers, list):
        return offers
    if len(offers) == 1:
        return offers[0]
    members = tuple(
        Member(name=offer.provider.name, node=offer, priority=offer.provider.priority, weight=offer.provider.weight)
        for offer in offers
    )
    return Group(key=f"model:{name}", strategy=strategy, members=members)
