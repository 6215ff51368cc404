"""Actions on the books as a whole."""

from entrypoints.actions import NOUNS
from entrypoints.actions.action import Action, Argument
from entrypoints.usecases.manage import books
from entrypoints.usecases.manage.master_key_rotation import Rotated
from entrypoints.usecases.management_context import NoFields

ACTIONS = (
    Action(
        name="sweep",
        meaning=NOUNS["sweep"].meaning,
        example="aihub sweep",
        permission="maintain the books",
        is_change=True,
        request=NoFields,
        reply=books.SweepView,
        handler=books.sweep,
    ),
    Action(
        name="master-key rotate",
        meaning="seal every secret again under a new master key, while the hub runs; API keys stay as they are",
        details="See *The master key*.",
        example="aihub master-key rotate",
        permission="maintain the books",
        is_change=True,
        has_progress=True,
        request=NoFields,
        reply=Rotated,
        handler=books.rotate_master_key,
    ),
    Action(
        name="backup",
        meaning=NOUNS["backup"].meaning,
        details="The copy is checked before it is published.",
        example="aihub backup books.db",
        permission="maintain the books",
        is_change=False,
        request=books.WriteBackup,
        reply=books.BackupWritten,
        handler=books.write_backup,
        arguments=(Argument("file", "FILE"),),
    ),
    Action(
        name="ledger verify",
        meaning="derive every balance and every charge again and compare; exit code 1 with the first difference",
        details="`given_away` counts calls that were lost although their callers were given something.",
        example="aihub ledger verify",
        permission="maintain the books",
        is_change=False,
        has_progress=True,
        request=NoFields,
        reply=books.BooksVerified | books.BooksDiffer,
        handler=books.verify,
    ),
)
