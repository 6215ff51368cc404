"""Delivering notices to the webhook: every process looks for what is due, and one of them sends it."""

import logging
from functools import partial

import anyio

from domain.books.limit_scopes import NoticeScope
from domain.limits.notices import Notice, Webhook
from domain.management.webhooks import WEBHOOK_ID, claim, record
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.manage.limit_subjects import shown_subjects
from entrypoints.usecases.manage.webhooks import data_of, send
from ports.books import StorageError

DELIVER_EVERY_S = 5
AT_ONCE = 20
# The receiver wants no more of it (RFC 9110, 15.5.11).
_GONE = 410

_log = logging.getLogger("aihub")


async def deliver_regularly(hub: CallContext, every_s: float = DELIVER_EVERY_S) -> None:
    """Deliver what is due every few seconds, until cancelled.

    An error does not end the task; it is reported once for as long as it lasts.
    """
    reported = ""
    while True:
        await anyio.sleep(every_s)
        try:
            await deliver_due(hub)
        except Exception as problem:
            if repr(problem) != reported:
                reported = repr(problem)
                trace = None if isinstance(problem, StorageError) else problem
                _log.error("notices cannot be delivered and are tried again: %s", problem, exc_info=trace)
        else:
            reported = ""


async def deliver_due(hub: CallContext) -> int:
    """Send the notices that are due now and that no other process sends; returns how many."""
    webhook = await hub.storage.webhook(WEBHOOK_ID)
    if webhook is None or hub.webhooks is None:
        return 0
    now_ms = hub.clock.now_ms()
    due = await hub.storage.notices_due(now_ms, webhook.created_ms, AT_ONCE)
    if not due:
        return 0
    scope = NoticeScope(ids=tuple(notice.id for notice in due))
    claimed = await hub.storage.decide(scope, partial(claim, now_ms=now_ms))
    names = await shown_subjects(hub)
    async with anyio.create_task_group() as sending:
        for notice in claimed.notices:
            sending.start_soon(_deliver, hub, webhook, notice, names)
    return len(claimed.notices)


async def _deliver(hub: CallContext, webhook: Webhook, notice: Notice, names: dict[str, str]) -> None:
    """One attempt, and its outcome in the books."""
    sent = await send(hub, webhook, notice.id, notice.kind, notice.at_ms, data_of(notice, names))
    now_ms = hub.clock.now_ms()
    rule = partial(record, error=sent.error, final=sent.status == _GONE, now_ms=now_ms)
    await hub.storage.decide(NoticeScope(ids=(notice.id,)), rule)
