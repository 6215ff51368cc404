"""One batch of decisions, in one transaction, on the writer's thread.

House rule: a decision counts only after COMMIT has returned. If anything fails before, the file contains nothing of the
batch, and the working copy is discarded. The schema states what a valid row is, and SQLite checks it.
"""

import sqlite3
from collections.abc import Callable
from typing import Any

from adapters.storage.group_commit import Operation
from adapters.storage.sqlite.file import begin_writing, check_room, error_text, translated
from adapters.storage.sqlite.load import Kept, load
from adapters.storage.sqlite.tables import HOLDS, TABLES
from adapters.storage.working_set import ended_calls, fold
from domain.books.ids import CALL, packed
from ports.books import StorageError

_KEYS: dict[type, Callable[[Any], Any]] = {table.kind: table.key_of for table in TABLES}


_APPENDED = frozenset(table.kind for table in TABLES if table.appended)


class Writer:
    """Folds batches of operations over the file, always on the thread of the one connection that writes.

    `busy_ms` is how long it waits for another process's transaction. `copy` is what it keeps between batches; None
    after a reset. `failing`: the last batch with rows to write failed because of the file.
    """

    def __init__(self, busy_ms: int = 5_000) -> None:
        self._busy_ms = busy_ms
        self.copy: Kept | None = None
        self.failing = False
        self._data_version = -1

    def run(self, connection: sqlite3.Connection, operations: list[Operation]) -> None:
        """Decide all operations and commit. Afterwards each has its decision or its error; raises nothing."""
        try:
            self._commit(connection, operations)
        except Exception as error:
            if len(operations) > 1 and not is_unavailable(error):
                # One operation's rows cannot be stored. Run alone, only that one fails.
                for operation in operations:
                    self.run(connection, [operation])
                return
            self.failing = is_unavailable(error)
            for operation in operations:
                operation.decision = None
                operation.error = _translate(error)

    def try_again(self, connection: sqlite3.Connection) -> None:
        """Write without a change, to test whether writing is possible. Raises StorageError if it still fails."""
        check_room(connection)
        with translated():
            begin_writing(connection, self._busy_ms)
            try:
                connection.execute("update meta set version = version")
                connection.execute("commit")
            finally:
                if connection.in_transaction:
                    connection.execute("rollback")
        self.failing = False

    def _commit(self, connection: sqlite3.Connection, operations: list[Operation]) -> None:
        begin_writing(connection, self._busy_ms)
        try:
            copy = self._fresh_copy(connection)
            load(connection, copy, [operation.scope for operation in operations])
            version = copy.books.version
            dirty = fold(copy, operations, _KEYS, _APPENDED)
            HOLDS.remove(connection, [packed(call_id, CALL) for call_id in ended_calls(dirty)])
            for table in TABLES:
                rows = dirty.get(table.kind)
                if rows:
                    table.write(connection, rows.values())
            if copy.books.version != version:
                connection.execute("update meta set version = ?", (copy.books.version,))
            connection.execute("commit")
        except BaseException:
            self.copy = None
            if connection.in_transaction:
                connection.execute("rollback")
            raise
        if dirty:
            self.failing = False
        if not copy.prune():
            self.copy = None

    def _fresh_copy(self, connection: sqlite3.Connection) -> Kept:
        """Return the copy of the last batch, unless another process has committed since."""
        (data_version,) = connection.execute("pragma data_version").fetchone()
        if self.copy is None or data_version != self._data_version:
            (version,) = connection.execute("select version from meta").fetchone()
            self.copy = Kept(version)
            self._data_version = data_version
        return self.copy


def is_unavailable(error: Exception) -> bool:
    """Whether the file is at fault (locked, full, broken), and not the rows."""
    return isinstance(error, sqlite3.OperationalError | MemoryError) or type(error) is sqlite3.DatabaseError


def _translate(error: Exception) -> Exception:
    """Return the error for the caller of `decide`."""
    if is_unavailable(error):
        translated: Exception = StorageError(error_text(error) if isinstance(error, sqlite3.Error) else str(error))
    elif isinstance(error, sqlite3.Error | OverflowError | UnicodeError):
        translated = AssertionError(f"the books refuse a row: {error}")
    else:
        return error
    translated.__cause__ = error
    return translated
