"""Counting a request's tokens before it is made: free, so nothing is held, charged or written.

The hub asks a provider that can count, and the next candidate if that fails; for other providers it returns an estimate
that is marked as one. A caller with an empty wallet reaches no provider.
"""

import msgspec

from domain.billing.plan import permitted
from domain.failures import Failure
from domain.ledger.ledger import balance
from domain.model_api.call import Attempt
from domain.model_api.events import Broken
from domain.refusals import BadRequest, InsufficientCredit, InvalidKey, ProviderFailed, Refusal, UnsupportedParameter
from domain.routing.order import Candidate
from entrypoints.usecases.call.admission import candidates_for
from entrypoints.usecases.call.ask import Ask
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.identity import caller_of


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """A provider's own answer, unchanged, or an estimate in tokens."""

    body: bytes = b""
    estimated_tokens: int = 0
    provider: str = ""


async def count_tokens(context: CallContext, ask: Ask) -> Counted | Refusal:
    """The number of tokens of the request; a caller without a valid key learns nothing about models."""
    caller = await caller_of(context, ask.fingerprint)
    if isinstance(caller, InvalidKey):
        return caller
    if context.billed:
        has = balance(await context.storage.wallet(caller.key.payer_id), context.clock.now_ms())
        if has.available_nanos <= 0:
            return InsufficientCredit(
                bound_nanos=1, available_nanos=has.available_nanos, payment_link=context.payment_link
            )
    found = await candidates_for(context, ask)
    if isinstance(found, UnsupportedParameter):
        request = ask.translate()
        return request if isinstance(request, BadRequest) else Counted(estimated_tokens=ask.call.likely_input_tokens)
    allowed = permitted(caller.key, ask.call, found) if isinstance(found, tuple) else found
    return await _from_providers(context, ask, allowed) if isinstance(allowed, tuple) else allowed


async def _from_providers(context: CallContext, ask: Ask, candidates: tuple[Candidate, ...]) -> Counted | Refusal:
    """The answer of the first candidate that gives one; the last one's failure if none does."""
    for candidate in candidates:
        counted = await _counted(context, ask, candidate)
        if isinstance(counted, Counted) or counted.kind == "request_rejected":
            break
    if isinstance(counted, Counted):
        return counted
    return ProviderFailed(failure=counted, provider=candidate.target.provider)


async def _counted(context: CallContext, ask: Ask, candidate: Candidate) -> Counted | Failure:
    attempt = Attempt(call_id=ask.call_id, target=candidate.target, timeout_ms=context.upstream_timeout_ms)
    async with context.providers.open(attempt, ask.call, None) as opened:
        if isinstance(opened, Failure):
            return opened
        chunk = await anext(opened.chunks)
        last = chunk.events[-1]
        if isinstance(last, Broken):
            return last.failure
        return Counted(body=chunk.raw or b"", provider=candidate.target.provider)
