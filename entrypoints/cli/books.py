"""The commands about the books: proof, sweep, copy; and the settings."""

import sys
from argparse import Namespace
from collections.abc import Callable, Sequence

import msgspec

from domain.billing.verification import Difference
from domain.money import format_credits
from entrypoints.cli.output import Complaint, Said, fields, table
from entrypoints.config import Effective, Settings
from entrypoints.usecases.manage import maintenance as upkeep
from entrypoints.usecases.manage import master_key_rotation as rotation
from entrypoints.usecases.management_context import ManagementContext


async def verify_ledger(desk: ManagementContext, settings: Settings, args: Namespace) -> Said:
    """`ledger verify`; exit code 1 with the first difference."""
    found = await upkeep.verify(desk.storage, _progress())
    if isinstance(found, Difference):
        text = f"{found.subject}: {found.claim}: booked {found.booked}, derived {found.derived}"
        print(f"aihub: the books do not add up; {text}", file=sys.stderr)
        return Said(value={"ok": False, **msgspec.structs.asdict(found)}, text="", code=1)
    counts = {
        "transfers": found.transfers,
        "grants": found.grants,
        "calls": found.calls,
        "open_holds": found.open_holds,
    }
    sums = {
        "issued": format_credits(found.issued_nanos),
        "revenue": format_credits(found.revenue_nanos),
        "breakage": format_credits(found.breakage_nanos),
        "available": format_credits(found.available_nanos),
        "held": format_credits(found.held_nanos),
    }
    text = "The books add up: issued = revenue + breakage + available + held.\n\n" + fields({**counts, **sums})
    value = {"ok": True, **counts, "given_away": found.given_away, **sums}
    gone = f"{found.given_away} calls were lost although their callers were given something, and charged nothing"
    return Said(value=value, text=text, note=gone if found.given_away else "")


async def sweep(desk: ManagementContext, settings: Settings, args: Namespace) -> Said:
    """`sweep`."""
    swept = await upkeep.sweep(desk.storage, desk.liveness, desk.clock)
    given_back = sum(call.hold_nanos for call in swept.lost)
    broken = sum(grant.available_nanos for grant in swept.expired_grants)
    value = {
        "lost": len(swept.lost),
        "given_back": format_credits(given_back),
        "expired": len(swept.expired_grants),
        "breakage": format_credits(broken),
        "calls": [call.id for call in swept.lost],
    }
    text = (
        f"{len(swept.lost)} lost calls gave back {format_credits(given_back)} credits; "
        f"{len(swept.expired_grants)} expired grants ended with {format_credits(broken)}"
    )
    return Said(value=value, text=text)


async def rotate_master_key(desk: ManagementContext, settings: Settings, args: Namespace) -> Said:
    """`master-key rotate`; exit code 1 if something opens under no key that the hub has."""
    sealing = desk.sealing
    if sealing is None:
        raise Complaint("the master key can only be rotated where the books are")
    done = await rotation.rotate(desk, sealing, args.actor, _progress())
    text = (
        f"the master key is {done.after_id} from now on, not {done.before_id}: {done.credentials} credentials and "
        f"{done.answers} kept answers were sealed again"
    )
    keep = " The old key stays second until the next rotation; keep a copy of the new one elsewhere."
    note = f"{len(done.unreadable)} could not be opened: {', '.join(done.unreadable[:10])}" if done.unreadable else ""
    return Said(value=msgspec.structs.asdict(done), text=text + "." + keep, note=note, code=1 if done.unreadable else 0)


async def backup(desk: ManagementContext, settings: Settings, args: Namespace) -> Said:
    """`backup`: the books, but not the master key, which must be kept elsewhere."""
    try:
        await desk.storage.backup(args.file)
    except FileExistsError as error:
        raise Complaint(f"{error.filename or args.file} is there already; name a file that is not") from None
    except OSError as error:
        raise Complaint(f"{args.file} cannot be written: {error.strerror or error}") from None
    text = f"wrote {args.file}; the master key is not in it, so keep a copy of that elsewhere"
    return Said(value={"file": args.file}, text=text)


def show_config(rows: Sequence[Effective]) -> Said:
    """`config show`; secrets are masked."""
    cells = [(row.name, row.value, row.origin, row.meaning) for row in rows]
    return Said(value=list(rows), text=table(("SETTING", "VALUE", "ORIGIN", "MEANING"), cells, ""))


def _progress() -> Callable[[str], None]:
    """Tell how far a long work is, to somebody who watches."""
    if not sys.stderr.isatty():
        return lambda _: None
    return lambda done: print(f"\r{done}", end="\r", file=sys.stderr, flush=True)
