"""`aihub database …`: the commands about the database itself, which come before any books are opened."""

from argparse import Namespace

import msgspec

from domain.billing.verification import Difference, Totals
from entrypoints.cli.output import Complaint, Output, progress
from entrypoints.config import Settings
from entrypoints.usecases.manage.maintenance import verify
from entrypoints.wiring import copy_books, database_status, migrate_database, opened_books, place_of


async def run_database_command(settings: Settings, args: Namespace) -> Output:
    """Carry out one of the commands. Complaint or CannotStart if it cannot be done."""
    try:
        return await _carried_out(settings, args)
    except ModuleNotFoundError as missing:
        raise Complaint(f"the package {missing.name} is not installed: pip install 'aihub[postgres]'") from missing


async def _carried_out(settings: Settings, args: Namespace) -> Output:
    match args.command:
        case "database status":
            found = await database_status(settings)
            text = f"{found.server}, {place_of(settings)}: {len(found.applied)} migrations applied"
            return Output(value=found, text=f"{text}, {len(found.pending)} pending")
        case "database migrate":
            done = await migrate_database(settings, args.role)
            granted = f"; {args.role} may be the hub's role" if args.role else ""
            return Output(value={"applied": done}, text=f"{len(done)} migrations applied{granted}")
    return await _copy(settings, args.to)


async def _copy(settings: Settings, to: str) -> Output:
    """Copy the books, and prove both: every balance and every charge is derived again on both sides."""
    report = progress()
    async with opened_books(settings, None) as books:
        before = await verify(books, report)
    if isinstance(before, Difference):
        raise Complaint(f"the books do not add up, so they are not copied: {before.subject}, {before.claim}")
    await copy_books(settings, to, report)
    async with opened_books(settings, to) as books:
        after = await verify(books, report)
    if not isinstance(after, Totals) or after != before:
        raise Complaint("the copy differs from the books: remove it, and copy again while no hub runs")
    totals = msgspec.structs.asdict(before)
    return Output(
        value={"to": to if "://" not in to else "postgresql", **totals},
        text=f"copied and proved: {before.calls} calls, {before.transfers} lines of the journal",
    )
