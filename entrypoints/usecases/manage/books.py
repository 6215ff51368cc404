"""The actions on the books as a whole: sweep, proof, copy, and the rotation of the master key."""

from typing import Annotated

import msgspec
from msgspec import Meta

from domain.billing.verification import Difference
from domain.refusals import BadRequest
from entrypoints.usecases.manage import maintenance
from entrypoints.usecases.manage.master_key_rotation import Rotated, rotate
from entrypoints.usecases.management_context import ActionContext, Denial, NoFields
from entrypoints.usecases.public_types import Credits


class SweepView(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a sweep: lost calls with the credit that they held, and expired grants with their breakage."""

    lost: int
    given_back: Credits
    expired: int
    breakage: Credits
    calls: list[str]


class BooksVerified(msgspec.Struct, frozen=True, kw_only=True, tag_field="result", tag="verified"):
    """The books add up: the number of rows of each kind, and the sums."""

    ok: bool = True
    transfers: int
    grants: int
    calls: int
    open_holds: int
    given_away: int
    issued: Credits
    revenue: Credits
    breakage: Credits
    withdrawn: Credits
    available: Credits
    held: Credits


class BooksDiffer(msgspec.Struct, frozen=True, kw_only=True, tag_field="result", tag="differs"):
    """The first difference between a booked value and the derived one."""

    ok: bool = False
    subject: str
    claim: str
    booked: str
    derived: str


class WriteBackup(msgspec.Struct, frozen=True, kw_only=True):
    """Where to write a copy of the books."""

    file: Annotated[str, Meta(description="a file that does not exist yet")]


class BackupWritten(msgspec.Struct, frozen=True, kw_only=True):
    """The copy; the master key is not in it."""

    file: str


async def sweep(context: ActionContext, request: NoFields) -> SweepView | Denial:
    """Release the hold of every lost call, and end expired credit."""
    hub = context.hub
    low_nanos = context.policy.low_balance_nanos
    swept = await maintenance.sweep(hub.storage, hub.liveness, hub.clock, low_balance_nanos=low_nanos)
    return SweepView(
        lost=len(swept.lost),
        given_back=Credits(sum(call.hold_nanos for call in swept.lost)),
        expired=len(swept.expired_grants),
        breakage=Credits(sum(grant.available_nanos for grant in swept.expired_grants)),
        calls=[call.id for call in swept.lost],
    )


async def verify(context: ActionContext, request: NoFields) -> BooksVerified | BooksDiffer | Denial:
    """Derive every balance and every charge again and compare."""
    found = await maintenance.verify(context.hub.storage, context.report)
    if isinstance(found, Difference):
        return BooksDiffer(
            subject=found.subject, claim=found.claim, booked=str(found.booked), derived=str(found.derived)
        )
    return BooksVerified(
        transfers=found.transfers,
        grants=found.grants,
        calls=found.calls,
        open_holds=found.open_holds,
        given_away=found.given_away,
        issued=Credits(found.issued_nanos),
        revenue=Credits(found.revenue_nanos),
        breakage=Credits(found.breakage_nanos),
        withdrawn=Credits(found.withdrawn_nanos),
        available=Credits(found.available_nanos),
        held=Credits(found.held_nanos),
    )


async def rotate_master_key(context: ActionContext, request: NoFields) -> Rotated | Denial:
    """Seal everything again under a new master key."""
    sealing = context.hub.sealing
    if sealing is None:
        return BadRequest(field=None, problem="the master key can only be rotated where the books are")
    return await rotate(context.hub, sealing, context.by, context.report)


async def write_backup(context: ActionContext, request: WriteBackup) -> BackupWritten | Denial:
    """A copy of the books, but not of the master key, which must be kept elsewhere."""
    try:
        await context.hub.storage.backup(request.file)
    except FileExistsError as error:
        problem = f"{error.filename or request.file} is there already; name a file that is not"
        return BadRequest(field=None, problem=problem)
    except OSError as error:
        return BadRequest(field=None, problem=f"{request.file} cannot be written: {error.strerror or error}")
    return BackupWritten(file=request.file)
