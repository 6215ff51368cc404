"""Aliases: read as an operator writes them, set, removed and listed.

A target is written `provider/model@priority*weight`, the last two if need be. The ends are read from the right, so a
model whose own name ends in `@001` is written with its priority: `vertex/gemini@001@0`.
"""

import re
from collections.abc import Iterable
from typing import Annotated

import msgspec
from msgspec import Meta

from domain.books.management_scopes import AliasScope
from domain.catalog.aliases import PRIORITY_MAX, TARGETS_MAX, WEIGHT_MAX, Alias, AliasTarget, Canary, Strategy
from domain.catalog.vendors import VENDORS
from domain.management.changes import Denied, Outcome, remove_alias, set_alias
from domain.refusals import BadRequest, NotFound, Remedy
from entrypoints.usecases.management_context import (
    ActionContext,
    Denial,
    ManagementContext,
    NoFields,
    actor,
    row_of,
)
from entrypoints.usecases.public_types import Moment
from ports.readers.catalog import CatalogReader

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
_TARGET = re.compile(r"(?P<model>[!-~]{1,300}?)(?:@(?P<priority>[0-9]{1,4}))?(?:\*(?P<weight>[0-9]{1,7}))?")
_CANARY = re.compile(r"(?P<model>[!-~]{1,300})=(?P<percent>[0-9]{1,2})%")
FIRST_TOKEN_TIMEOUT_S_MAX = 3_600


class SetAlias(msgspec.Struct, frozen=True, kw_only=True):
    """An alias as it is written: `targets` as `provider/model@priority*weight`, `canary` as `model=5%`.

    `first_token_timeout_s` of None: the hub's setting applies.
    """

    name: Annotated[str, Meta(description="the name of the alias")]
    targets: Annotated[
        tuple[str, ...],
        Meta(description="each as MODEL[@PRIORITY][*WEIGHT]: lower priorities first (0), calls shared by weight (1)"),
    ]
    strategy: Annotated[Strategy, Meta(description="who goes first within a priority")] = "round-robin"
    canary: Annotated[str | None, Meta(description="a model on trial for exactly N of every hundred calls")] = None
    first_token_timeout_s: Annotated[
        int | None,
        Meta(description="seconds until the next is tried when a stream has not begun (AIHUB_FIRST_TOKEN_TIMEOUT_S)"),
    ] = None


class NamedAlias(msgspec.Struct, frozen=True, kw_only=True):
    """An alias by its name."""

    name: Annotated[str, Meta(description="the name of the alias")]


class TargetView(msgspec.Struct, frozen=True, kw_only=True):
    """A target of an alias: lower priorities go first, weights are shares."""

    model: str
    priority: int
    weight: int


class AliasView(msgspec.Struct, frozen=True, kw_only=True):
    """An alias as it is now."""

    name: str
    strategy: Strategy
    targets: list[TargetView]
    canary: Canary | None
    first_token_timeout_s: int | None
    set: Moment
    id: str


class AliasRemoved(msgspec.Struct, frozen=True, kw_only=True):
    """The name leads nowhere from now on."""

    name: str
    removed: bool = True


async def define_alias(context: ActionContext, request: SetAlias) -> AliasView | Denial:
    """A new alias, or a new version of one."""
    alias = row_of(await put_alias(context.hub, context.by, request), Alias)
    return alias_view(alias) if isinstance(alias, Alias) else alias


async def list_aliases(context: ActionContext, request: NoFields) -> list[AliasView] | Denial:
    """All aliases, by name."""
    return [*map(alias_view, await aliases(context.hub.storage))]


async def show_alias(context: ActionContext, request: NamedAlias) -> AliasView | Denial:
    """One alias."""
    found = next((alias for alias in await aliases(context.hub.storage) if alias.name == request.name), None)
    return alias_view(found) if found else NotFound(kind="alias", name=request.name, remedy=Remedy("alias list"))


async def drop_alias(context: ActionContext, request: NamedAlias) -> AliasRemoved | Denial:
    """From now on the name leads nowhere."""
    outcome = await delete_alias(context.hub, context.by, request.name)
    return outcome.refusal if isinstance(outcome, Denied) else AliasRemoved(name=request.name)


def alias_view(alias: Alias) -> AliasView:
    """An alias, to show it."""
    timeout_ms = alias.first_token_timeout_ms
    return AliasView(
        name=alias.name,
        strategy=alias.strategy,
        targets=[TargetView(model=t.model, priority=t.priority, weight=t.weight) for t in alias.targets],
        canary=alias.canary,
        first_token_timeout_s=None if timeout_ms is None else timeout_ms // 1000,
        set=Moment(alias.known_ms),
        id=alias.id,
    )


async def put_alias(context: ManagementContext, by: str, request: SetAlias) -> Outcome:
    """From now on the name leads to the requested targets."""
    who = actor(context, by)
    alias = read_alias(request, context.ids.new("alias"), who.now_ms)
    if isinstance(alias, BadRequest):
        return Denied(refusal=alias)
    return await context.storage.decide(AliasScope(), lambda facts: set_alias(facts, who, alias))


async def delete_alias(context: ManagementContext, by: str, name: str) -> Outcome:
    """From now on the name leads nowhere."""
    who = actor(context, by)
    alias_id = context.ids.new("alias")
    return await context.storage.decide(AliasScope(), lambda facts: remove_alias(facts, who, name, alias_id))


async def aliases(storage: CatalogReader) -> list[Alias]:
    """All present aliases, by name."""
    return by_name((await storage.catalog()).aliases)


def by_name(rows: Iterable[Alias]) -> list[Alias]:
    """The aliases in the order of their names."""
    return sorted(rows, key=lambda alias: alias.name)


def read_alias(request: SetAlias, alias_id: str, now_ms: int) -> Alias | BadRequest:
    """The alias that the request describes, or a refusal of its first invalid field."""
    if not _NAME.fullmatch(request.name):
        problem = (
            f"invalid alias {request.name!r}: expected at most 64 letters, digits, dots, colons, hyphens, underscores"
        )
        return BadRequest(field="name", problem=problem)
    if request.name in VENDORS:
        return BadRequest(field="name", problem=f"{request.name} is the name of a provider: choose another")
    if not 1 <= len(request.targets) <= TARGETS_MAX:
        return BadRequest(field="targets", problem=f"give from 1 to {TARGETS_MAX} targets")
    targets = [read_target(text) for text in request.targets]
    canary = _canary(request.canary)
    timeout_s = request.first_token_timeout_s
    if isinstance(canary, BadRequest):
        return canary
    if timeout_s is not None and not 1 <= timeout_s <= FIRST_TOKEN_TIMEOUT_S_MAX:
        problem = f"write seconds from 1 to {FIRST_TOKEN_TIMEOUT_S_MAX}"
        return BadRequest(field="first_token_timeout_s", problem=problem)
    wrong = next((target for target in targets if isinstance(target, BadRequest)), None)
    if wrong is not None:
        return wrong
    if len({target.model for target in targets if isinstance(target, AliasTarget)}) < len(targets):
        return BadRequest(field="targets", problem="a model is given twice; give it once, with a weight")
    return Alias(
        id=alias_id,
        name=request.name,
        strategy=request.strategy,
        targets=tuple(target for target in targets if isinstance(target, AliasTarget)),
        known_ms=now_ms,
        canary=canary,
        first_token_timeout_ms=None if timeout_s is None else timeout_s * 1000,
    )


def target_text(target: AliasTarget | TargetView) -> str:
    """The target as text, always with priority and weight."""
    return f"{target.model}@{target.priority}*{target.weight}"


def short_target(target: AliasTarget) -> str:
    """The shortest text that is read as the target."""
    priority, weight = f"@{target.priority}", f"*{target.weight}"
    texts = (target.model + tail for tail in ("", weight, priority, priority + weight))
    return next(text for text in texts if read_target(text) == target)


def read_target(text: str) -> AliasTarget | BadRequest:
    """The target that is written so, or the refusal of its form."""
    match = _TARGET.fullmatch(text)
    weight = int(match["weight"] or 1) if match else 0
    if match is None or not 1 <= weight <= WEIGHT_MAX or match["model"].endswith("/"):
        problem = (
            f"invalid target {text!r}: expected PROVIDER/MODEL[@PRIORITY][*WEIGHT], such as openai/gpt-5-mini@0*3, "
            f"with a priority from 0 to {PRIORITY_MAX} (lower first) and a weight from 1 to {WEIGHT_MAX}"
        )
        return BadRequest(field="targets", problem=problem)
    return AliasTarget(model=match["model"], priority=int(match["priority"] or 0), weight=weight)


def _canary(text: str | None) -> Canary | BadRequest | None:
    if text is None:
        return None
    match = _CANARY.fullmatch(text)
    if match is None or int(match["percent"]) == 0:
        problem = f"invalid canary {text!r}: expected PROVIDER/MODEL=PERCENT%, such as openai/gpt-5-mini=5%, 1 to 99"
        return BadRequest(field="canary", problem=problem)
    return Canary(model=match["model"], percent=int(match["percent"]))
