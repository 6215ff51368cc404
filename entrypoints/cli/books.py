"""The views of the actions on the books."""

import sys

import msgspec

from entrypoints.cli.output import Output, Views, fields
from entrypoints.usecases.manage import books
from entrypoints.usecases.manage.master_key_rotation import Rotated
from entrypoints.usecases.management_context import NoFields
from entrypoints.usecases.public_types import written


def verified(request: NoFields, reply: books.BooksVerified | books.BooksDiffer) -> Output:
    """`ledger verify`; exit code 1 with the first difference."""
    if isinstance(reply, books.BooksDiffer):
        text = f"{reply.subject}: {reply.claim}: booked {reply.booked}, derived {reply.derived}"
        print(f"aihub: the books do not add up; {text}", file=sys.stderr)
        return Output(text="", code=1)
    shown = msgspec.structs.asdict(reply)
    del shown["ok"], shown["given_away"]
    text = "The books add up: issued = revenue + breakage + withdrawn + available + held.\n\n" + fields(shown)
    gone = f"{reply.given_away} calls were lost although their callers were given something, and charged nothing"
    return Output(text=text, note=gone if reply.given_away else "")


def swept(request: NoFields, reply: books.SweepView) -> Output:
    """`sweep`."""
    text = (
        f"closed {reply.lost} lost calls, which gave back {written(reply.given_back)} credits; "
        f"ended {reply.expired} expired grants, which had {written(reply.breakage)} credits left"
    )
    return Output(text=text)


def rotated(request: NoFields, reply: Rotated) -> Output:
    """`master-key rotate`; exit code 1 if something opens under no key that the hub has."""
    text = (
        f"the master key is {reply.after_id} from now on, not {reply.before_id}: {reply.credentials} credentials and "
        f"{reply.answers} kept answers were sealed again"
    )
    keep = " The old key stays second until the next rotation; keep a copy of the new one elsewhere."
    lost = reply.unreadable
    note = f"{len(lost)} could not be opened: {', '.join(lost[:10])}" if lost else ""
    return Output(text=text + "." + keep, note=note, code=1 if lost else 0)


def backup_written(request: books.WriteBackup, reply: books.BackupWritten) -> Output:
    """`backup`."""
    return Output(text=f"wrote {reply.file}; the master key is not in it, so keep a copy of that elsewhere")


VIEWS: Views = {
    "ledger verify": verified,
    "sweep": swept,
    "master-key rotate": rotated,
    "backup": backup_written,
}
