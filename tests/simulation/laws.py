"""What must hold of every world, whatever happened in it: what callers received, against what the books say."""

from collections import defaultdict
from typing import Protocol

import msgspec

from domain.pricing.money import parse_credits
from tests.simulation.auditor import Books, CallRow, Price
from tests.simulation.caller import Response
from tests.simulation.world import Key
from tests.system.scripted_provider import ScriptedProvider

UNITS = 1_000_000


class Troubled(Protocol):
    """What happened to a hub, and what its callers received."""

    received: list[Response]
    keys: list[Key]

    def audit(self) -> Books:
        """Prove the books as of now."""
        ...

    def prices(self) -> dict[str, Price]:
        """Every version of every rate."""
        ...

    def has_died(self, row: CallRow, received: Response) -> bool:
        """Whether the process died that made the call, or had still to settle it."""
        ...


def check(world: Troubled, provider: ScriptedProvider) -> Books:
    """Audit the books and hold them against what was received; AssertionError names the call."""
    books, rates = world.audit(), world.prices()
    assert all(call.ending is not None for call in books.calls.values()), "a hold is open"
    assert all(grant.held == 0 for grant in books.grants.values())
    for call in books.calls.values():
        assert call.uncollected == 0 or call.charge == call.hold, f"{call.id} leaves uncollected what it could have"
    for received in world.received:
        row = books.calls.get(received.headers.get("x-request-id", ""))
        if received.is_whole:
            assert row is not None, f"{received} has no row"
            _whole_is_charged(received, row, rates)
        elif received.ended and received.status >= 400:
            _refused_is_free(received, row, provider)
        elif received.said() and not received.cut_off:
            # Delivered and not charged: only where the process died that made the call or had still to settle it.
            assert row is not None, f"{received} has no row"
            died = row.ending == "lost" and world.has_died(row, received)
            assert row.charge > 0 or died, f"{row} is free, but {received.said()!r} was said"
    _once_per_key(world.received, books)
    _revoked_is_refused(world)
    return books


def _whole_is_charged(received: Response, row: CallRow, rates: dict[str, Price]) -> None:
    """A whole answer is a completed call, charged by the rate that it names, and never beyond its hold."""
    assert (row.ending, row.complete) == ("completed", 1), f"{row} was heard whole"
    assert 0 < row.charge <= row.hold, f"{row} was heard whole"
    assert received.said() == received.wish.script.text(), f"{row.id} said {received.said()!r}"
    assert row.rate_id is not None
    script = received.wish.script
    # An answer that ended in good order after its last word is whole, also if the provider's usage was to come after it.
    is_cut_before_usage = script.closed and script.cut is not None and row.usage_source == "estimated"
    usage = None if is_cut_before_usage else script.usage
    if usage is not None:
        rate = rates[row.rate_id]
        requested = -(-(usage[0] * rate.input_nanos + usage[1] * rate.output_nanos) // UNITS)
        assert (row.charge, row.uncollected) == (min(requested, row.hold), max(0, requested - row.hold)), (
            f"{row} for {usage}"
        )
        assert row.usage_source == "provider"
    else:
        assert row.usage_source == "estimated"


def _refused_is_free(received: Response, row: CallRow | None, provider: ScriptedProvider) -> None:
    """Who is reported an error pays nothing, and a refusal for want of credit is true."""
    if b"not known yet whether this call was charged" in received.body:
        return
    assert row is None or row.charge == 0, f"{row} was told {received.status} {received.body!r}"
    if received.status == 402:
        error = msgspec.json.decode(received.body)["error"]
        assert row is None
        assert parse_credits(error["bound"]) - parse_credits(error["available"]) == parse_credits(error["shortfall"])
        assert parse_credits(error["shortfall"]) > 0


def _once_per_key(all_received: list[Response], books: Books) -> None:
    """Under one Idempotency-Key there is at most one charge, and one answer."""
    charged: defaultdict[tuple[str, str], list[CallRow]] = defaultdict(list)
    for row in books.calls.values():
        if row.idempotency_key and row.charge:
            charged[row.user_id, row.idempotency_key].append(row)
    for key, rows in charged.items():
        assert len(rows) == 1, f"{key} was charged {len(rows)} times: {rows}"
    answers: defaultdict[tuple[str, str], set[tuple[str, bytes]]] = defaultdict(set)
    for received in all_received:
        if received.wish.key and received.is_whole:
            answers[received.wish.user, received.wish.key].add((received.call_id, received.body))
    for key, reported in answers.items():
        assert len(reported) == 1, f"{key} has {len(reported)} answers"


def _revoked_is_refused(world: Troubled) -> None:
    revoked = {key.secret: key.revoked_ms for key in world.keys if key.revoked_ms is not None}
    for received in world.received:
        if received.wish.secret in revoked and received.requested_ms > revoked[received.wish.secret]:
            assert received.status in (0, 401, 503), f"{received} after its key was revoked"
