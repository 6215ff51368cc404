"""The webhook of the hub, and the delivery of notices: claimed by one process at a time, and tried again with backoff.

A claim moves the moment at which a notice is due, in a transaction. So of all processes one sends it, and where that
one dies before it has recorded the outcome, another sends it again under the same id, once the claim is over.
"""

from collections.abc import Sequence

import msgspec

from domain.limits.notices import Notice, Webhook
from domain.management.changes import Actor, Denied, Outcome, Unchanged, changed
from domain.refusals import NotFound, Remedy

WEBHOOK_ID = "webhook"
CLAIM_MS = 60_000
# The pauses after failed attempts that the Standard Webhooks specification suggests: some three days together.
# https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
PAUSES_MS = tuple(s * 1_000 for s in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400))
ATTEMPTS_MAX = len(PAUSES_MS) + 1
ERROR_CHARACTERS_MAX = 300


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """The notices that this process sends now."""

    notices: tuple[Notice, ...]

    @property
    def writes(self) -> tuple[Notice, ...]:
        """The notices as they are claimed."""
        return self.notices


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of an attempt."""

    writes: tuple[Notice, ...] = ()


def set_webhook(had: Webhook | None, actor: Actor, new: Webhook) -> Outcome:
    """The URL to which notices are sent from now on, with a new secret. Notices from before it was set are not sent."""
    if had is not None and had.removed_ms is None:
        new = msgspec.structs.replace(new, created_ms=had.created_ms)
    return changed(actor, "webhook set", new.id, new, detail=new.url)


def remove_webhook(had: Webhook | None, actor: Actor) -> Outcome:
    """Nothing is sent from now on; notices are still recorded."""
    if had is None:
        return Denied(refusal=NotFound(kind="webhook", name=WEBHOOK_ID, remedy=Remedy("webhook set")))
    if had.removed_ms is not None:
        return Unchanged(row=had)
    return changed(actor, "webhook remove", had.id, msgspec.structs.replace(had, removed_ms=actor.now_ms))


def claim(notices: Sequence[Notice], now_ms: int) -> Claimed:
    """Take the notices that are still due, for the time of an attempt."""
    return Claimed(
        notices=tuple(
            msgspec.structs.replace(one, attempts=one.attempts + 1, due_ms=now_ms + CLAIM_MS)
            for one in notices
            if one.due_ms is not None and one.due_ms <= now_ms
        )
    )


def record(notices: Sequence[Notice], error: str | None, final: bool, now_ms: int) -> Recorded:
    """The outcome of the attempt on a notice: delivered if there is no error, else tried again after a pause.

    `final`: the receiver wants no more of it. A notice that was delivered stays so, whatever another attempt reports.
    """
    done: list[Notice] = []
    for one in notices:
        if one.delivered_ms is not None:
            continue
        if error is None:
            done.append(msgspec.structs.replace(one, due_ms=None, delivered_ms=now_ms, error=None))
            continue
        over = final or one.attempts >= ATTEMPTS_MAX
        due_ms = None if over else now_ms + PAUSES_MS[one.attempts - 1]
        done.append(msgspec.structs.replace(one, due_ms=due_ms, error=error[:ERROR_CHARACTERS_MAX]))
    return Recorded(writes=tuple(done))
