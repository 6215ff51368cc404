"""Quoting a call: the rule that admits calls decides on it, and nothing is written.

The quote's id is its basis, sealed by the vault for the caller's key, so it needs no row and cannot be forged.
"""

import base64
import binascii

import msgspec

from domain.billing.plan import Plan, PlanRequest, Refused, Stale, plan_call
from domain.billing.quotes import QUOTE_KEPT_MS, Basis, Offer, Rehearsed, offer
from domain.books.scopes import CallFacts, CallScope
from domain.refusals import BadRequest, InsufficientCredit, Refusal, StorageUnavailable
from domain.routing.order import Candidate
from entrypoints.usecases.call.admission import candidates_for
from entrypoints.usecases.call.ask import Ask
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.identity import refusal_to
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
        billed=context.billed,
        owner=context.liveness.own(),
        deadline_ms=now_ms,
        payment_link=context.payment_link,
    )

    def rule(facts: CallFacts) -> Rehearsed:
        return Rehearsed(planned=plan_call(facts, request, now_ms))

    return await context.storage.decide(CallScope(fingerprint=ask.fingerprint), rule)


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
