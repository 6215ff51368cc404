"""A change under a condition: only of what was read before, and only once for an Idempotency-Key.

Both are decided in the transaction of the change itself, so they hold whatever other processes do meanwhile.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from domain.books.management_scopes import RepeatableFacts
from domain.books.rows import IDEMPOTENCY_KEPT_MS, Decision, Idempotency, Row
from domain.refusals import IdempotencyConflict, IdempotencyInterrupted

F = TypeVar("F")
D = TypeVar("D", bound=Decision)


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A request with an Idempotency-Key: whose it is, the digest of the request, its id, and when it came."""

    user_id: str
    key: str
    digest: str
    request_id: str
    now_ms: int

    def row(self, status: int = 0, content_type: str = "", answer: bytes | None = None) -> Idempotency:
        """The row that keeps the request, with its sealed answer once there is one."""
        return Idempotency(
            user_id=self.user_id,
            key=self.key,
            digest=self.digest,
            call_id=self.request_id,
            created_ms=self.now_ms,
            status=status,
            content_type=content_type,
            answer=answer,
        )


class Made(msgspec.Struct, Generic[D], frozen=True, kw_only=True):
    """The decision of the guarded rule, and its rows with that of the claim."""

    decision: D
    writes: tuple[Row, ...]


class Repeated(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing was changed: an earlier request has the key."""

    kept: Idempotency
    writes: tuple[Row, ...] = ()


class Moved(msgspec.Struct, frozen=True):
    """Nothing was changed: the rows are not those that the condition was checked with."""

    writes: tuple[Row, ...] = ()


class Seen(msgspec.Struct, Generic[F], frozen=True, kw_only=True):
    """The facts, of which nothing was changed."""

    facts: F
    writes: tuple[Row, ...] = ()


def claimed_before(claim: Claim | None, kept: Idempotency | None) -> Idempotency | None:
    """The row of an earlier request with the claim's key; None if there is none, or its time is over."""
    if claim is None or kept is None or kept.call_id == claim.request_id:
        return None
    return None if kept.created_ms + IDEMPOTENCY_KEPT_MS <= claim.now_ms else kept


def look(found: RepeatableFacts[F]) -> Seen[F]:
    """The facts alone."""
    return Seen(facts=found.facts)


def conflict(claim: Claim, kept: Idempotency) -> IdempotencyConflict | IdempotencyInterrupted | None:
    """Why the answer of the earlier request cannot be repeated; None if it can."""
    if kept.digest != claim.digest:
        return IdempotencyConflict(key=kept.key)
    return IdempotencyInterrupted(key=kept.key) if kept.answer is None else None


def guarded(
    found: RepeatableFacts[F], rule: Callable[[F], D], claim: Claim | None, expected: Seen[F] | None
) -> Made[D] | Repeated | Moved:
    """The rule's decision, with the row of the claim if it changes something; nothing if a condition does not hold.

    `expected` are the facts with which the condition was checked; None where there is none.
    """
    if (kept := claimed_before(claim, found.kept)) is not None:
        return Repeated(kept=kept)
    if expected is not None and expected.facts != found.facts:
        return Moved()
    decision = rule(found.facts)
    is_first = claim is not None and (found.kept is None or found.kept.call_id != claim.request_id)
    claims = (claim.row(),) if claim is not None and is_first and decision.writes else ()
    return Made(decision=decision, writes=(*decision.writes, *claims))
