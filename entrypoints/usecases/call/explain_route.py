"""Explains where a call would go, and why, before it is made."""

from typing import Annotated

import msgspec
from msgspec import Meta

from domain.catalog.aliases import Canary, Strategy
from domain.catalog.catalog import Catalog
from domain.model_api.call import Capability, ModelCall
from domain.pricing.money import format_credits
from domain.routing.explain import Explained, Explanation, explain
from domain.routing.learned import Advice
from domain.routing.order import Circumstances, Rank
from domain.routing.tree import NoRoute
from entrypoints.usecases.management_context import ActionContext, Denial

# A page of text and an answer of the usual length.
SAMPLE_BYTES = 2_000


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """A sample request: its length, the capabilities that it needs, and the length of the answer that it allows."""

    model: str
    body_bytes: int = SAMPLE_BYTES
    needs: tuple[Capability, ...] = ()
    output_tokens_max: int | None = None
    stream: bool = False


class CandidateView(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate for the call, with its place. `priority` and `weight` are those of each alias on the way."""

    place: int
    provider: str
    model: str
    credential: str | None
    priority: tuple[int, ...]
    weight: tuple[int, ...]
    expected_charge: str | None
    first_byte_ms: int | None
    cooling_ms: int
    canary: bool
    why: str


class LeftOutView(msgspec.Struct, frozen=True, kw_only=True):
    """A target that cannot serve the call, and why."""

    model: str
    why: str


class RouteView(msgspec.Struct, frozen=True, kw_only=True):
    """The route of a call: candidates in the order in which they would be tried, and the targets left out.

    Amounts are exact decimals in credits.
    """

    model: str
    alias: str | None
    strategy: Strategy
    billed: bool
    canary: Canary | None
    candidates: list[CandidateView]
    left_out: list[LeftOutView]


class ExplainRoute(msgspec.Struct, frozen=True, kw_only=True):
    """The model and the sample to explain."""

    model: Annotated[str, Meta(description="PROVIDER/MODEL, a bare model or an alias")]


async def explain_route(context: ActionContext, request: ExplainRoute) -> RouteView | Denial:
    """The route by the books alone, as a process that has just started would choose it."""
    catalog = (await context.hub.storage.catalog()).indexed()
    sample, now_ms = Sample(model=request.model), context.hub.clock.now_ms()
    return explained(catalog, Advice(), sample, context.policy.billed, context.policy.strategy, now_ms)


def explained(
    catalog: Catalog, advice: Advice, sample: Sample, billed: bool, strategy: Strategy, now_ms: int
) -> RouteView | NoRoute:
    """The route of the sample, and why."""
    call = ModelCall(
        dialect="openai",
        model=sample.model,
        fields={"prompt": msgspec.Raw(msgspec.json.encode(" " * sample.body_bytes))},
        body_bytes=sample.body_bytes,
        stream=sample.stream,
        output_tokens_max=sample.output_tokens_max,
        needs=sample.needs,
    )
    at = Circumstances(catalog=catalog, advice=advice, call=call, caller="", now_ms=now_ms)
    found = explain(at, billed, strategy)
    return found if isinstance(found, NoRoute) else _view(found, billed, now_ms)


def _view(found: Explanation, billed: bool, now_ms: int) -> RouteView:
    alias = found.route.alias
    return RouteView(
        model=found.route.name,
        alias=alias.name if alias is not None else None,
        strategy=found.strategy,
        billed=billed,
        canary=alias.canary if alias is not None else None,
        candidates=[_candidate(n, one, now_ms) for n, one in enumerate(found.candidates, 1)],
        left_out=[LeftOutView(model=one.model, why=one.why) for one in found.left_out],
    )


def _candidate(place: int, one: Explained, now_ms: int) -> CandidateView:
    rank, target = one.rank, one.rank.candidate.target
    return CandidateView(
        place=place,
        provider=target.provider,
        model=target.model,
        credential=target.credential_id,
        priority=one.priority,
        weight=one.weight,
        expected_charge=None if one.cost_nanos is None else format_credits(one.cost_nanos),
        first_byte_ms=None if one.first_byte_us is None else one.first_byte_us // 1000,
        cooling_ms=max(0, rank.cooling_until_ms - now_ms),
        canary=rank.trial,
        why=_why(rank),
    )


def _why(rank: Rank) -> str:
    if rank.reserve:
        return "a canary, not on its turn: only if all else fails"
    if rank.cooling_until_ms:
        return "cooling down: after all that is not"
    if rank.trial:
        return "a canary, on its turn"
    return "the conversation's prompt is cached there" if rank.warm else "in its order"
