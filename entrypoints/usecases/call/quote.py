"""Quoting a call: the rule that admits calls decides on it, and nothing is written.

The quote's id is its basis, sealed by the vault for the caller's key, so it needs no row and cannot be forged.
"""

import base64
import binascii
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from domain.billing.plan import Plan, PlanRequest, Refused, Stale, plan_call
from domain.billing.quotes import QUOTE_KEPT_MS, Basis, Offer, Rehearsed, offer
from domain.books.scopes import CallFacts
from domain.refusals import BadRequest, InsufficientCredit, Refusal, StorageUnavailable
from domain.routing.order import Candidate
from entrypoints.usecases.call.admission import candidates_for, scope_of
from entrypoints.usecases.call.ask import Ask
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.identity import refusal_to
from entrypoints.usecases.public_types import Credits
from ports.books import StorageError
from ports.vault import Vault, VaultError

MARK = "quote_"


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """The charge that a call would have. `output_cap` is the cap that the hub would send; None: none.

    `offers` are the providers that may serve it, in the order that they would be tried now; none with billing off.
    """

    id: str | None
    expires_ms: int
    offers: tuple[Offer, ...]
    affordable: bool
    available_nanos: int | None
    output_cap: int | None


class OfferView(msgspec.Struct, frozen=True, kw_only=True):
    """A provider that may serve the call, and what it would charge."""

    provider: str
    model: str
    rate_id: str
    charge_max: Credits
    charge_expected: Credits
    input_tokens_max: int
    output_tokens_max: int


class QuoteView(msgspec.Struct, frozen=True, kw_only=True):
    """A quote: the charge that a call would have at most, and the expected one; a shortfall of the wallet."""

    object: Literal["quote"] = "quote"
    quote: Annotated[str | None, Meta(description="send it as x-aihub-quote to be charged by these rates")]
    expires: Annotated[str, Meta(description="until when the quote holds, in UTC")]
    billing: Annotated[bool, Meta(description="whether the hub charges calls")]
    charge_max: Credits
    charge_expected: Credits
    affordable: bool
    shortfall: Credits
    output_cap: Annotated[int | None, Meta(description="the output tokens that the wallet affords, if it limits them")]
    offers: list[OfferView]


def quote_view(made: Quote, billing: bool) -> QuoteView:
    """A quote, to show it."""
    most = max((each.limit.nanos for each in made.offers), default=0)
    least = min((each.limit.nanos for each in made.offers), default=0)
    likely = max((each.expected_nanos for each in made.offers), default=0)
    short = 0 if made.available_nanos is None else max(0, least - made.available_nanos)
    return QuoteView(
        quote=made.id,
        expires=datetime.fromtimestamp(made.expires_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        billing=billing,
        charge_max=Credits(most),
        charge_expected=Credits(likely),
        affordable=made.affordable,
        shortfall=Credits(short),
        output_cap=made.output_cap,
        offers=[
            OfferView(
                provider=each.provider,
                model=each.model,
                rate_id=each.rate.id,
                charge_max=Credits(each.limit.nanos),
                charge_expected=Credits(each.expected_nanos),
                input_tokens_max=each.limit.input_tokens,
                output_tokens_max=each.limit.output_tokens,
            )
            for each in made.offers
        ],
    )


async def quote(context: CallContext, ask: Ask) -> Quote | Refusal:
    """The charge that the call would have now, or its refusal; a wallet that is too small is no refusal."""
    try:
        while True:
            advice = context.advice
            found = await candidates_for(context, ask)
            context.advice = advice  # A quote takes no turn.
            if not isinstance(found, tuple):
                return await refusal_to(context, ask.fingerprint, found)
            planned = (await _rehearse(context, ask, found)).planned
            if not isinstance(planned, Stale):
                break
    except StorageError as problem:
        return StorageUnavailable(reason=str(problem))
    match planned:
        case Plan():
            return _quote(context, ask, found, planned, None)
        case Refused(refusal=InsufficientCredit() as short):
            return _quote(context, ask, found, None, short)
        case Refused():
            return planned.refusal
        case _:
            raise AssertionError("without an Idempotency-Key there is no duplicate")


def basis_of(vault: Vault, fingerprint: str, quote_id: str, model: str, now_ms: int) -> Basis | BadRequest:
    """The basis in a quote's id, if this key got it, for this model, and it has not expired."""
    problem = "This quote is unknown, of another key or damaged: ask for one with POST /v1/quote."
    unknown = BadRequest(field="x-aihub-quote", problem=problem)
    text = quote_id.removeprefix(MARK)
    try:
        sealed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        basis = msgspec.json.decode(vault.unseal(sealed, _row(fingerprint)), type=Basis)
    except (VaultError, binascii.Error, ValueError):
        return unknown
    if basis.expires_ms <= now_ms:
        problem = "This quote has expired: ask for a new one with POST /v1/quote."
        return BadRequest(field="x-aihub-quote", problem=problem)
    if basis.model != model:
        problem = f"This quote is for {basis.model!r}: ask for one for {model!r} with POST /v1/quote."
        return BadRequest(field="x-aihub-quote", problem=problem)
    return basis


async def _rehearse(context: CallContext, ask: Ask, found: tuple[Candidate, ...]) -> Rehearsed:
    now_ms = context.clock.now_ms()
    request = PlanRequest(
        call_id=ask.call_id,
        call=ask.call,
        version=(await context.catalog()).version,
        candidates=found,
        cost_rate=partial(context.cost_rate, now_ms),
        calendar=context.calendar.edges,
        billed=context.billed,
        owner=context.liveness.own(),
        deadline_ms=now_ms,
        payment_link=context.payment_link,
    )

    def rule(facts: CallFacts) -> Rehearsed:
        return Rehearsed(planned=plan_call(facts, request, now_ms))

    return await context.storage.decide(scope_of(ask, found), rule)


def _quote(
    context: CallContext, ask: Ask, found: tuple[Candidate, ...], plan: Plan | None, short: InsufficientCredit | None
) -> Quote:
    offers: dict[str, Offer] = {}
    for candidate in found if context.billed else ():
        made = offer(ask.call, candidate.served)
        if made is not None:
            offers.setdefault(f"{made.provider}/{made.model}", made)
    expires_ms = context.clock.now_ms() + QUOTE_KEPT_MS
    first = plan.affordable[0].bound if plan else None
    return Quote(
        id=_sealed(context.vault, ask, expires_ms, tuple(offers.values())) if offers else None,
        expires_ms=expires_ms,
        offers=tuple(offers.values()),
        affordable=plan is not None,
        available_nanos=short.available_nanos if short else None,
        output_cap=first.output_cap if first else None,
    )


def _sealed(vault: Vault, ask: Ask, expires_ms: int, offers: tuple[Offer, ...]) -> str:
    basis = Basis(expires_ms, ask.call.model, tuple(made.rate.id for made in offers))
    sealed = vault.seal(msgspec.json.encode(basis), _row(ask.fingerprint))
    return MARK + base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def _row(fingerprint: str) -> str:
    return f"quote:{fingerprint}"
