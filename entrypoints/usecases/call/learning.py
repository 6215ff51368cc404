"""What the hub learns from each attempt for later calls: advice, and credentials to put out of use."""

import logging

from domain.billing.settlement import Settlement
from domain.books.management_scopes import CredentialScope
from domain.failures import Failure
from domain.management.changes import Actor, Changed, deactivate_credential
from domain.model_api.call import Target
from domain.routing.learned import learned_conversation, learned_failure, learned_first_byte, learned_success
from entrypoints.usecases.call.ask import Ask
from entrypoints.usecases.call_context import CallContext
from ports.books import StorageError

_log = logging.getLogger("aihub")


def learn_success(context: CallContext, ask: Ask, target: Target, first_byte_us: int) -> None:
    """Record that a target answered; where there was a choice, also its speed and the session that uses it."""
    context.advice = learned_success(context.advice, target)
    order = ask.order
    if order is None or len(order.ranks) < 2:
        return
    context.advice = learned_first_byte(context.advice, target, ask.call.stream, first_byte_us)
    if order.conversation is not None:
        context.advice = learned_conversation(context.advice, order.conversation, target, context.clock.now_ms())


async def learn_failure(context: CallContext, target: Target, failure: Failure) -> None:
    """Cool a failed target down; a credential that the provider rejected is put out of use."""
    context.advice = learned_failure(context.advice, target, failure, context.clock.now_ms())
    # One that this hub cannot unseal (another master key) is the hub's fault: it would take all of them out.
    theirs = failure.kind == "credential_rejected" and failure.status != 0
    if theirs and target.credential_id:
        await _deactivate(context, target.provider, target.credential_id, failure.message)


def learn_usage(context: CallContext, settled: Settlement) -> None:
    """Count the odd usage reports of each provider; only the first, second, fourth, eighth, … are logged."""
    call = settled.call
    if call is None or call.usage_note is None or call.provider is None or settled.already:
        return
    count = context.odd_usages[call.provider] = context.odd_usages.get(call.provider, 0) + 1
    if count & (count - 1) == 0:
        text = "%s counted oddly what was used, %d times since the start; call %s is charged as %s: %s"
        _log.warning(text, call.provider, count, call.id, call.usage_source, call.usage_note)


async def _deactivate(context: CallContext, provider: str, credential_id: str, error: str) -> None:
    """Put a credential that its provider rejected out of use, for every process. Best effort: the call goes on."""
    actor = Actor(name="hub", now_ms=context.clock.now_ms(), audit_id=context.ids.new("audit"))
    try:
        outcome = await context.storage.decide(
            CredentialScope(credential_id=credential_id),
            lambda credential: deactivate_credential(credential, actor, credential_id, error),
        )
    except StorageError:
        return
    if isinstance(outcome, Changed):
        text = "%s rejected credential %s, which is put out of use until it is activated: %s"
        _log.warning(text, provider, credential_id, " ".join(error.split()))
