"""Aliases: read as an operator writes them, set, removed and listed.

A target is written `provider/model@priority*weight`, the last two if need be. The ends are read from the right, so a
model whose own name ends in `@001` is written with its priority: `vertex/gemini@001@0`.
"""

import re
from collections.abc import Sequence

import msgspec

from domain.books.management_scopes import AliasScope
from domain.catalog.aliases import PRIORITY_MAX, TARGETS_MAX, WEIGHT_MAX, Alias, AliasTarget, Canary, Strategy
from domain.catalog.vendors import VENDORS
from domain.management.changes import Denied, Outcome, remove_alias, set_alias
from domain.refusals import BadRequest
from entrypoints.usecases.management_context import ManagementContext, actor
from ports.readers.catalog import CatalogReader

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
_TARGET = re.compile(r"(?P<model>[!-~]{1,300}?)(?:@(?P<priority>[0-9]{1,4}))?(?:\*(?P<weight>[0-9]{1,7}))?")
_CANARY = re.compile(r"(?P<model>[!-~]{1,300})=(?P<percent>[0-9]{1,2})%")
FIRST_TOKEN_TIMEOUT_S_MAX = 3_600


class AliasWords(msgspec.Struct, frozen=True, kw_only=True):
    """An alias as it is written. `first_token_timeout_s` of None: as the hub's setting says."""

    name: str
    targets: Sequence[str]
    strategy: Strategy = "round-robin"
    canary: str | None = None
    first_token_timeout_s: int | None = None


async def put_alias(desk: ManagementContext, by: str, words: AliasWords) -> Outcome:
    """From now on the name leads where the words say."""
    who = actor(desk, by)
    alias = read_alias(words, desk.ids.new("alias"), who.now_ms)
    if isinstance(alias, BadRequest):
        return Denied(refusal=alias)
    return await desk.storage.decide(AliasScope(), lambda facts: set_alias(facts, who, alias))


async def delete_alias(desk: ManagementContext, by: str, name: str) -> Outcome:
    """From now on the name leads nowhere."""
    who = actor(desk, by)
    alias_id = desk.ids.new("alias")
    return await desk.storage.decide(AliasScope(), lambda facts: remove_alias(facts, who, name, alias_id))


async def aliases(storage: CatalogReader) -> list[Alias]:
    """All that stand, by name."""
    rows = (await storage.catalog()).aliases
    return sorted(rows, key=lambda alias: alias.name)


def read_alias(words: AliasWords, alias_id: str, now_ms: int) -> Alias | BadRequest:
    """The alias that the words mean, or the first of them that means nothing."""
    if not _NAME.fullmatch(words.name):
        problem = (
            f"invalid alias {words.name!r}: expected at most 64 letters, digits, dots, colons, hyphens, underscores"
        )
        return BadRequest(field="name", problem=problem)
    if words.name in VENDORS:
        return BadRequest(field="name", problem=f"{words.name} is the name of a provider: choose another")
    if not 1 <= len(words.targets) <= TARGETS_MAX:
        return BadRequest(field="targets", problem=f"give from 1 to {TARGETS_MAX} targets")
    targets = [_target(text) for text in words.targets]
    canary = _canary(words.canary)
    timeout_s = words.first_token_timeout_s
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
        name=words.name,
        strategy=words.strategy,
        targets=tuple(target for target in targets if isinstance(target, AliasTarget)),
        known_ms=now_ms,
        canary=canary,
        first_token_timeout_ms=None if timeout_s is None else timeout_s * 1000,
    )


def target_text(target: AliasTarget) -> str:
    """The target as text, always with priority and weight."""
    return f"{target.model}@{target.priority}*{target.weight}"


def _target(text: str) -> AliasTarget | BadRequest:
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
